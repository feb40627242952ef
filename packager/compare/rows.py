"""The rows of a comparison, and their Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from packager.evaluation import Evaluation

FORMAT = 1


@dataclass(frozen=True)
class Top1:
    """Share of photos, 0..1, whose best score is their class's, in each view."""

    stretch: float
    crop: float

    @classmethod
    def of(cls, evaluation: Evaluation) -> Top1:
        """Of a model file over photos."""
        return cls(evaluation.top1("stretch"), evaluation.top1("crop"))

    @property
    def mean(self) -> float:
        """Mean of both views: models are ranked by it."""
        return (self.stretch + self.crop) / 2


@dataclass(frozen=True)
class Latency:
    """Milliseconds of inference alone; `threads` is None where no CPU ran.

    `mean` or `median` is None where a native tool told only the other.
    """

    mean: float | None
    median: float | None
    threads: int | None

    @property
    def milliseconds(self) -> float:
        """The median; the mean where there is none."""
        known = self.mean if self.median is None else self.median
        assert known is not None
        return known


@dataclass(frozen=True)
class PhoneLatency(Latency):
    """The fastest measured accelerator whose predictions are correct.

    Attributes:
        accelerator: "CPU", "GPU" or "NPU"; device: its name.
        matched: "sha256" when this very file was measured, "name" when one of its name was.
    """

    accelerator: str
    device: str
    matched: str


@dataclass(frozen=True)
class Row:
    """One model; None means unknown, as most fields are where there is an `error`.

    Attributes:
        model: the file, from the comparison's folder; bytes, sha256: of it.
        parameters, multiply_adds: see `packager.model_cost`.
        top1: of the exported file over the test photos.
        build_seconds: as if it had been built alone, with what the cache held.
        pareto: whether it is on the front, see `mark_front`.
        error: why there is no model.
    """

    spec: str
    title: str
    quantization: str
    model: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    top1: Top1 | None = None
    host_latency_ms: Latency | None = None
    phone_latency_ms: PhoneLatency | None = None
    build_seconds: float | None = None
    pareto: bool = False
    error: str | None = None

    @property
    def name(self) -> str:
        """That of its folder, and of its measurements."""
        return row_name(self.spec, self.quantization)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Row:
        """Of what `packager.record.as_json` made of a row; raises `TypeError` for other things."""
        return cls(
            **{
                **values,
                **{
                    name: kind(**values[name])
                    for name, kind in (
                        ("top1", Top1),
                        ("host_latency_ms", Latency),
                        ("phone_latency_ms", PhoneLatency),
                    )
                    if values.get(name) is not None
                },
            }
        )


@dataclass(frozen=True)
class Comparison:
    """The content of comparison.json.

    Attributes:
        settings: of all rows; data: which photos; versions: of packager and what it runs on.
        pareto: the measures of the front.
        rows: in the order asked for; while the comparison is under way, those that are done.
    """

    format: int
    settings: dict[str, Any]
    data: dict[str, Any]
    versions: dict[str, str]
    pareto: tuple[str, ...]
    rows: tuple[Row, ...]


def row_name(spec: str, quantization: str) -> str:
    """The name of a row: "lite0-int8"."""
    return f"{spec}-{quantization}"


def latency_measure(rows: Sequence[Row]) -> str:
    """The latency to compare by: the phone's where every model has one."""
    models = [row for row in rows if row.error is None]
    on_phone = models and all(row.phone_latency_ms for row in models)
    return "phone_latency_ms" if on_phone else "host_latency_ms"


def latency_of(row: Row, measure: str) -> float | None:
    """Milliseconds, by the name of the measure."""
    latency: Latency | None = getattr(row, measure)
    return None if latency is None else latency.milliseconds


def mark_front(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Marks the Pareto front of size, latency and accuracy (the mean of both views).

    A row is on it unless another is at least as good in all three and better in one. Rows
    without one of the three are not on it, and beat none.
    """
    measure = latency_measure(rows)
    points: dict[int, tuple[float, float, float]] = {}
    for place, row in enumerate(rows):
        latency = latency_of(row, measure)
        if row.bytes is not None and row.top1 is not None and latency is not None:
            points[place] = row.bytes, latency, -row.top1.mean
    front = {
        place
        for place, point in points.items()
        if not any(
            other != point
            and all(theirs <= ours for theirs, ours in zip(other, point, strict=True))
            for other in points.values()
        )
    }
    return tuple(replace(row, pareto=place in front) for place, row in enumerate(rows))
