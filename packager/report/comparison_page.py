"""The page of `packager compare`: size, latency and accuracy of the models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager.errors import RecordError
from packager.record import read_record
from packager.report.rendering import milliseconds, render

if TYPE_CHECKING:
    from packager.report.drawing import Plot

COMPARISON_FILE = "comparison.json"
_FORMAT = 1
_BENCH_FILES = ("bench.json", "bench-phone.json")
_LATENCIES = (
    ("host_latency_ms", "latency here, ms"),
    ("phone_latency_ms", "latency on the phone, ms"),
)


@dataclass(frozen=True)
class Compared:
    """The content of a comparison.json.

    Attributes:
        data: of the photos: "name", "classes" and "photos" (counts by part), where known.
        rows: a model each, as they are there; one with an "error" has no figures.
    """

    data: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]

    def plots(
        self,
        *,
        spec: str = "",
        quantization: str = "",
        size: int = 0,
        top1: float = 0.0,
    ) -> list[Plot]:
        """Size and each latency by top-1.

        With `spec`, a build of `size` bytes and that `top1` is marked; its latency is taken from
        the row of its spec and quantization, as it doesn't depend on the photos.
        """
        from packager.report.plots import Point, scatter

        plots = []
        costs: list[tuple[str, str, list[float | None]]] = [
            ("size-accuracy", "size, MB", [row["bytes"] / 1e6 for row in self._models])
        ]
        for key, axis in _LATENCIES:
            name = key.removesuffix("_ms").replace("_", "-") + "-accuracy"
            costs.append((name, axis, [milliseconds(row, key) for row in self._models]))
        for name, axis, values in costs:
            points = [
                Point(row["spec"], row["quantization"], value, row["top1"]["stretch"])
                for row, value in zip(self._models, values, strict=True)
                if value is not None
            ]
            own = [p.cost for p in points if (p.name, p.quantization) == (spec, quantization)]
            if spec and name == "size-accuracy":
                own = [size / 1e6]
            marked = Point("this build", "", own[0], top1) if own else None
            if points:
                plots.append(scatter(name, points, axis=axis, marked=marked))
        return plots

    @property
    def _models(self) -> list[Mapping[str, Any]]:
        return [row for row in self.rows if not row["error"]]


def read_compared(path: Path) -> Compared:
    """Reads a comparison.json, or the one in a folder.

    Raises `RecordError` when it can't be read, is none, or is of a newer packager.
    """
    from packager import shapes

    path = path / COMPARISON_FILE if path.is_dir() else path
    fix = "Give the comparison.json that packager compare wrote."
    content = read_record(path, shapes.Compared, fix=fix, newest=_FORMAT)
    unknown = dict.fromkeys(shapes.ComparedRow.__optional_keys__)
    rows: list[Mapping[str, Any]] = [{**unknown, **row} for row in content["rows"]]
    for place, row in enumerate(rows):
        if not row["error"] and (row["bytes"] is None or row["top1"] is None):
            what = f"the file is damaged: `rows[{place}]` has neither figures nor an error"
            raise RecordError(what, where=path, fix=fix)
    return Compared(content["data"], tuple(rows))


def write_comparison_page(folder: Path) -> Path:
    """Writes `folder`/report.html from its comparison.json, and from bench.json and
    bench-phone.json where they are there.

    Raises `RecordError` when the comparison can't be read, `BenchError` when a file of results
    can't, and `OutputError` when the page can't be written.
    """
    from packager.bench.comparison import compare_files
    from packager.files import write_output
    from packager.report import plots

    compared = read_compared(folder)
    results = [folder / name for name in _BENCH_FILES if (folder / name).exists()]
    bench = compare_files(results) if results else None
    page = folder / "report.html"
    write_output(
        page,
        render(
            "comparison.html",
            compared=compared,
            scatters=compared.plots(),
            latency=[plots.latency(bench.rows)] if bench else [],
            bench=bench,
        ),
    )
    return page
