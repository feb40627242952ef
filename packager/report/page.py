"""report.html: the results of a build as one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager import files
from packager.contract import MODEL_FILE, SPEC_FILE
from packager.errors import OutputError
from packager.progress import SILENT, Progress
from packager.record import as_json, parse_json
from packager.report.built import read_contract, read_report
from packager.written import demand_unchanged, has_record, record_more

if TYPE_CHECKING:
    from packager.bench.comparison import Comparison
    from packager.report.answers import AnsweredPhoto
    from packager.report.comparison_page import Compared
    from packager.report.drawing import Plot
    from packager.report.thumbnails import Album

REPORT_FILE = "report.html"
PLOTS_FOLDER = "plots"
_CLASSES = 30  # of which photos are shown
_PHOTOS = 60  # of all classes together
_WORST = 12
_RIGHT = 4
_PAIRS = 8
_LISTED = 40  # classes, up to which the table by class has them all, in their order
_ROWS = 200  # of the worst, with more classes


@dataclass(frozen=True)
class Report:
    """A page that was written.

    Attributes:
        page: the file; plots: SVG files of its figures, when they were asked for.
        missing: photos that could not be shown because they are gone or can't be read.
    """

    page: Path
    plots: tuple[Path, ...]
    missing: int


def report_folder(
    out: Path,
    bench: Sequence[Path] = (),
    *,
    comparison: Path | None = None,
    plots: bool = False,
    progress: Progress = SILENT,
) -> Report:
    """Writes the page of a finished build again, from its report.json and the photos themselves.

    Args:
        out: the folder of a build, or of `packager compare`.
        bench: results of `packager bench`, drawn as box plots.
        comparison: the comparison.json of `packager compare`, or its folder: the build is shown
            among the models there.
        plots: writes the figures as SVG files to `out`/plots too.

    Raises:
        RecordError: `out` isn't such a folder, or its files can't be read or are damaged.
        OutputError: the page can't be written.
        BenchError: a file of results can't be read or holds no latency.
    """
    from packager.report import comparison_page

    if not (out / "report.json").exists() and (out / comparison_page.COMPARISON_FILE).exists():
        return _recorded(out, Report(comparison_page.write_comparison_page(out), (), 0))
    facts = read_report(out / "report.json")
    measured = None
    if bench:
        from packager.bench.comparison import compare_files

        measured = compare_files(bench)
    compared = None if comparison is None else comparison_page.read_compared(comparison)
    try:
        report = write_report(
            out, facts, bench=measured, compared=compared, plots=plots, progress=progress
        )
        return _recorded(out, report)
    except OSError as error:
        raise OutputError(
            f"the report can't be written ({error.strerror or error})",
            where=out,
            fix="Choose a writable folder with some MB free.",
        ) from error


def _recorded(out: Path, report: Report) -> Report:
    if has_record(out):
        record_more(out, [report.page, *report.plots])
    return report


def write_report(
    out: Path,
    facts: Mapping[str, Any],
    *,
    bench: Comparison | None = None,
    compared: Compared | None = None,
    plots: bool = False,
    progress: Progress = SILENT,
) -> Report:
    """Writes `out`/report.html, and `out`/plots/*.svg with `plots`.

    `facts` is what `packager.build.facts.build_facts` gives, or report.json of that format; the
    model's model_spec.json lies in `out` already. A photo that is gone is left out, counted and
    told; everything else that is missing is an error.
    """
    from packager.report.rendering import render
    from packager.report.thumbnails import Album

    facts = parse_json(as_json(facts))
    contract = read_contract(out / SPEC_FILE)
    album = Album(Path(facts["data"]["root"]))
    drawn = _plots(facts, _model(contract), bench, compared)
    page = render(
        "report.html",
        facts=facts,
        contract=contract,
        figures=drawn,
        bench=bench,
        compared=compared,
        **_test_results(facts, contract, album),
        judged=_judged(facts),
        samples=_samples(facts, album),
        missing=len(album.missing),
        surplus=len(album.surplus),
        data_name=Path(facts["data"]["root"]).name,
    )
    if album.missing:
        progress.warn(
            f"{len(album.missing)} photos are missing (such as "
            f"{min(album.missing)}) and are left out of the report"
        )
    figures = {
        out / PLOTS_FOLDER / f"{plot.name}.svg": plot.drawing
        for group in drawn.values()
        for plot in group
        if plots
    }
    demand_unchanged(out, [out / REPORT_FILE, *figures])
    files.write_text(out / REPORT_FILE, page)
    for path, drawing in figures.items():
        files.write_text(path, drawing.file())
    return Report(out / REPORT_FILE, tuple(figures), len(album.missing))


def _model(contract: Mapping[str, Any]) -> str:
    """Which evaluation is of the file that is there: quantization may have been given up."""
    return "exported" if contract["model"]["file"] == MODEL_FILE else "float32"


def _plots(
    facts: Mapping[str, Any], model: str, bench: Comparison | None, compared: Compared | None
) -> dict[str, list[Plot]]:
    from packager.report import plots

    labels, judged = _labels(facts), facts.get("cross_validation")
    tuned = facts.get("fine_tuning") or {}
    drawn = {
        "curves": plots.curves(facts["curves"], facts["best_epoch"]),
        "fine_tuning": [],
        "confusion": [
            drawing
            for name, view in facts["accuracy"][model].items()
            if (drawing := plots.confusion(view["confusion"], labels, name))
        ],
        "latency": [plots.latency(bench.rows)] if bench else [],
        "compared": [],
        "expected": _expected_plots(judged, labels) if judged else [],
    }
    if tuned.get("curves"):
        drawn["fine_tuning"] = plots.curves(
            tuned["curves"], tuned.get("best_epoch"), name="fine-tuning-"
        )
    if compared is not None:
        drawn["compared"] = compared.plots(
            spec=facts["spec"]["name"],
            quantization=facts["recipe"]["quantization"]["type"] if model == "exported" else "none",
            size=facts["bytes"][model],
            top1=facts["accuracy"][model]["stretch"]["top1"],
        )
    return drawn


def _expected_plots(judged: Mapping[str, Any], labels: list[str]) -> list[Plot]:
    from packager.report import plots

    errors = judged["calibration"]
    drawn = [plots.reliability(errors["before"]["bins"], errors["after"]["bins"])]
    if judged["curve"]:
        drawn.append(plots.learning_curve(judged["curve"]))
    matrix = plots.confusion(
        judged["views"]["stretch"]["confusion"], labels, "stretch", name="cross-validated-"
    )
    return drawn if matrix is None else [*drawn, matrix]


def _judged(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """What cross-validation says, with intervals."""
    from packager.report.wilson import wilson_interval

    judged = facts.get("cross_validation")
    if judged is None:
        return None
    photos, labels = judged["photos"], _labels(facts)
    gain = judged["refit_gain"]
    return {
        **judged,
        "tiles": [
            {
                "name": name,
                "top1": view["top1"],
                "right": round(view["top1"] * photos),
                "interval": wilson_interval(round(view["top1"] * photos), photos),
            }
            for name, view in judged["views"].items()
        ],
        "needy": [labels[place] for place in judged["classes_in_need"]],
        "gain": gain if gain is not None and gain["low"] > 0 else None,
    }


def _labels(facts: Mapping[str, Any]) -> list[str]:
    """Of the scores: the classes, and the one for what is unknown, if there is one."""
    return list(facts.get("labels") or facts["data"]["classes"])


def _test_results(
    facts: Mapping[str, Any], contract: Mapping[str, Any], album: Album
) -> dict[str, Any]:
    """What was measured over the test photos, of the file that is there."""
    from packager.report.answers import (
        changed_answers,
        class_rows,
        confused_pairs,
        right_answers,
        worst_mistakes,
    )
    from packager.report.wilson import wilson_interval

    labels, accuracy, model = _labels(facts), facts["accuracy"], _model(contract)
    photos = len(accuracy["photos"][model])
    views = []
    for name, view in accuracy[model].items():
        right = round(view["top1"] * photos)
        views.append(
            {
                "name": name,
                **view,
                "right": right,
                "interval": wilson_interval(right, photos),
                "pairs": confused_pairs(view["confusion"], labels, _PAIRS),
            }
        )
    in_full = len(labels) <= _LISTED
    rows = class_rows(accuracy[model], labels, worst_first=not in_full)
    mistakes = worst_mistakes(accuracy, model, labels)
    changes = changed_answers(accuracy, labels)
    shown = changes[:_WORST]
    heat = facts.get("heat", {}) if model == "exported" else {}
    rights = [each for each in right_answers(accuracy, model, labels, _RIGHT) if each.photo in heat]
    return {
        "given_up": model == "float32" and facts["recipe"]["quantization"]["type"] != "none",
        "photos": photos,
        "views": views,
        "rows": rows[:_ROWS],
        "worst_first": not in_full,
        "mistakes": _with_heat(mistakes[:_WORST], heat, album),
        "rights": _with_heat(rights, heat, album),
        "refit": accuracy.get("basis") == "cross-validation",
        "mistaken": len(mistakes),
        "changes": list(zip(shown, album.uris([each.photo for each in shown]), strict=True)),
        "changed": len(changes),
    }


def _with_heat(
    answered: Sequence[AnsweredPhoto], heat: Mapping[str, Any], album: Album
) -> list[tuple[AnsweredPhoto, str | None, str | None]]:
    """With the photo, and the photo below its heat where there is some."""
    photos = [each.photo for each in answered]
    uris = album.uris(photos)
    heated = {photo: heat[photo] for photo in photos if photo in heat}
    heat_uris = dict(zip(heated, album.heat_uris(heated), strict=True))
    return [
        (each, uri, heat_uris.get(each.photo)) for each, uri in zip(answered, uris, strict=True)
    ]


def _samples(facts: Mapping[str, Any], album: Album) -> list[dict[str, Any]]:
    """Photos of the first classes, as many as fit."""
    classes = list(facts["data"]["classes"].items())[:_CLASSES]
    each = max(1, _PHOTOS // len(classes))
    return [
        {
            "label": label,
            "counts": counts,
            "photos": list(zip(paths[:each], album.uris(paths[:each]), strict=True)),
        }
        for (label, counts), paths in zip(classes, facts["data"]["samples"], strict=False)
    ]
