"""Tables of the commands that read a model file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from packager import __version__
from packager.cli.tables import megabytes, new_table, percent, plain

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from packager.classifier_file import FileEvaluation, Prediction
    from packager.evaluation import ClassAccuracy, Evaluation
    from packager.explain.run import Explanation
    from packager.inspection import ModelReport
    from packager.metadata.reader import ModelMetadata
    from packager.verify.comparison import Verification

_LISTED = 40  # up to so many classes, a table shows all, in their order
_WORST = 20  # of more


def evaluation(result: FileEvaluation) -> Iterable[RenderableType]:
    """Accuracy by view, then by class; of many classes only the worst."""
    from packager.evaluation import worst_first

    measured = result.evaluation
    yield plain(f"{result.model}: {len(measured.photos)} photos ({result.part})")
    yield _views(measured)
    for view in measured.views:
        rows: Sequence[ClassAccuracy] = view.per_class
        if len(rows) > _LISTED:
            rows = worst_first(rows)[:_WORST]
        table = new_table(view.view, "precision>", "recall>", "photos>")
        for row in rows:
            table.add_row(row.label, percent(row.precision), percent(row.recall), str(row.photos))
        yield table
        if len(rows) < len(view.per_class):
            yield plain(
                f"… and {len(view.per_class) - len(rows):,} classes more, none with lower recall; "
                "--json has all."
            )
    classes = len(result.labels) - sum(len(group) - 1 for group in result.alike)
    absent = classes - sum(row.photos > 0 for row in measured.views[0].per_class)
    if absent:
        yield plain(f"{absent:,} of {classes:,} classes have no photos here.")


def inspection(report: ModelReport) -> Iterable[RenderableType]:
    """The file as a whole, its input and output, its operators and its metadata."""
    facts = new_table("model", "")
    operators = ", ".join(f"{name} x {count}" for name, count in report.operators.items())
    for name, value in (
        ("file", report.path),
        ("size", f"{report.size:,} bytes ({megabytes(report.size)})"),
        ("sha256", report.sha256),
        ("kind", report.kind),
        ("quantization", report.quantization),
        ("parameters", f"{report.parameters:,}"),
        ("operators", operators),
        ("signatures", ", ".join(report.signatures) or "none"),
    ):
        facts.add_row(name, plain(value))
    yield facts
    if report.metadata is None:
        yield plain("No metadata.")
    else:
        yield from metadata(report.metadata)
    ends = new_table("tensor", "name", "shape", "dtype", "scale>", "zero point>", "normalisation")
    for side, tensors in (("input", report.inputs), ("output", report.outputs)):
        for number, tensor in enumerate(tensors):
            said = getattr(report.metadata, f"{side}s")[number:] if report.metadata else ()
            mean, std = (said[0].mean, said[0].std) if said else ((), ())
            ends.add_row(
                side,
                plain(tensor.name),
                " x ".join(map(str, tensor.shape)),
                tensor.dtype,
                _few(tensor.scale),
                _few(tensor.zero_point),
                f"(x - {_few(mean)}) / {_few(std)}" if mean else "-",
            )
    yield ends


def metadata(said: ModelMetadata) -> Iterable[RenderableType]:
    """The metadata of a file."""
    table = new_table("metadata", "")
    for field in ("name", "description", "version", "author", "license"):
        table.add_row(field, plain(getattr(said, field) or "-"))
    oldest = said.min_parser_version
    table.add_row("parser", plain(f"{oldest} or newer" if oldest else "-"))
    table.add_row("associated files", plain(", ".join(said.associated_files) or "none"))
    table.add_row("labels", plain(_first(said.labels) or "none"))
    for locale, names in said.display_names.items():
        table.add_row(f"names ({locale})", plain(_first(names)))
    yield table


def _first(labels: Sequence[str]) -> str:
    return ", ".join(labels[:20]) + (f", ... ({len(labels)})" if labels[20:] else "")


def verification(result: Verification) -> Iterable[RenderableType]:
    """packager's accuracy, each client's, and the photos on which they differ."""
    from packager.labels import clean

    measured = result.ours.evaluation
    yield plain(f"{result.ours.model}: {len(measured.photos)} photos ({result.ours.part})")
    table = new_table("", "version", "top-1>", "differ>", "ms a photo>", "labels")
    ours = measured.top1("stretch")
    table.add_row("packager (stretch)", __version__, percent(ours), "", "", "")
    for report in result.clients:
        same = tuple(map(clean, report.labels)) == result.ours.labels
        table.add_row(
            report.client,
            f"{report.version} (Python {report.python})",
            percent(report.top1),
            str(len(report.disagreements)),
            f"{report.milliseconds_per_photo:.1f}",
            f"{len(report.labels)} read, {'as ours' if same else 'not as ours'}",
        )
    yield table
    for report in result.clients:
        for row in report.disagreements[:10]:
            yield plain(f"{report.client}: {row.photo}: {row.theirs}, ours {row.ours}")


def predictions(rows: tuple[Prediction, ...]) -> Iterable[RenderableType]:
    """One row per photo and class, with a note where scores aren't plain probabilities."""
    table = new_table("photo", "class", "score>")
    for row in rows:
        if row.problem:
            table.add_row(str(row.photo), f"not read: {row.problem}", "-")
        for number, (label, score) in enumerate(row.top):
            table.add_row("" if number else str(row.photo), label, f"{score:.3f}")
    yield table
    meaning = _MEANINGS.get(rows[0].scores) if rows else None
    if meaning is not None:
        yield plain(meaning)


def explanations(rows: tuple[Explanation, ...]) -> Iterable[RenderableType]:
    """One row per photo: the class of its map, and the picture."""
    table = new_table("photo", "class", "score>", "picture")
    for row in rows:
        if row.picture is None:
            table.add_row(str(row.photo), f"not read: {row.problem}", "-", "-")
            continue
        label = row.label if row.label == row.answer else f"{row.label} (answer: {row.answer})"
        table.add_row(str(row.photo), label, f"{row.score:.3f}", str(row.picture))
    yield table
    if rows and rows[0].method == "occlusion":
        yield plain("The head isn't linear on averaged features: computed by occlusion.")


_MEANINGS = {
    "softmax of logits": "The model gives logits; the scores are their softmax, as in the app.",
    "sigmoid": "The scores are sigmoids, one per class: they don't add up to 1.",
}


def _views(measured: Evaluation) -> Table:
    table = new_table("view", "top-1>", "top-5>")
    for view in measured.views:
        table.add_row(view.view, percent(view.top1), percent(view.top5))
    return table


def _few(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.6g}" for value in values[:3]) + (", ..." if values[3:] else "")
