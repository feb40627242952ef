"""Tables of `build` and `compare`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from packager.cli.outputs_tables import update
from packager.cli.tables import megabytes, new_table, percent, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from packager.build import BuildResult
    from packager.choose import Choice
    from packager.compare.rows import Comparison as ModelComparison


def build(result: BuildResult) -> Iterable[RenderableType]:
    """Size and accuracy before and after quantization, and the next steps."""
    table = new_table("", "size>", "top-1 stretch>", "top-1 crop>")
    rows = [(result.quantization, result.model_bytes, result.evaluation)]
    if result.quantization != "none":
        rows.insert(0, ("float32", result.float_bytes, result.float_evaluation))
    for name, size, measured in rows:
        table.add_row(name, megabytes(size), *(percent(view.top1) for view in measured.views))
    yield table
    photos, judged = len(result.evaluation.photos), result.judged
    if result.agreement is not None:
        yield plain(
            f"Cross-validated over all {photos} photos, all of which the model was trained on. "
            f"The file and the float model agree on "
            + " and ".join(percent(share) for share in result.agreement.values())
            + " of them."
        )
    else:
        yield plain(f"Measured over {photos} test photos; one photo is {100 / photos:.1f} points.")
    if judged is not None and result.agreement is None:
        yield plain(
            f"Cross-validated over all {len(judged.photos)} photos: "
            + ", ".join(
                f"{percent(share)} {view.view}"
                for share, view in zip(judged.top1, result.evaluation.views, strict=True)
            )
            + "."
        )
        gain = judged.validation.refit
        if gain is not None and gain.low > 0:
            yield plain(
                f"--refit, which trains on all photos, would gain about {gain.points:.1f} "
                f"points (95 % interval {gain.low:.1f} to {gain.high:.1f})."
            )
    if result.negatives is not None:
        yield plain(
            f"Of {result.negatives.photos} held-out counter-examples, it accepted as a class: "
            + ", ".join(
                f"{percent(share)} {view} (95 % interval "
                f"{' to '.join(map(percent, result.negatives.interval[view]))})"
                for view, share in result.negatives.false_accept_rate.items()
            )
            + "."
        )
    if len(result.attempts) > 1:
        usual, taken = result.attempts[0], result.attempts[-1]
        yield plain(
            f"{result.quantization} with {taken.strategy}: {taken.drop_points:.1f} points lost; "
            f"the default strategy loses {usual.drop_points:.1f}."
        )
    labels = ", ".join(result.classes[:8]) + (", …" if len(result.classes) > 8 else "")
    yield plain(f"{result.model} ({labels}) in {result.seconds['total']:.0f} s")
    yield plain(f"{result.out / 'report.html'}: curves, mistakes and more, for a browser")
    if result.android is not None:
        kept = (
            "your Android project, updated" if result.app_update else "an Android project around it"
        )
        yield plain(f"{result.android}: {kept}")
    if result.web is not None:
        yield plain(f"{result.web}: a page that runs it, for any web server")
    if result.app_update is not None:
        yield from update(result.app_update)


def choice(result: Choice) -> Iterable[RenderableType]:
    """The candidates, why one was chosen, and what was built."""
    table = new_table("spec", "validation top-1>", "size>", "ms>", "")
    for each in result.candidates:
        row = each.row
        verdict = {result.spec: "chosen", result.runner_up: "runner-up"}.get(row.spec, "")
        table.add_row(
            row.spec,
            percent(each.validation.mean if each.validation else None),
            "-" if row.bytes is None else megabytes(row.bytes),
            "-" if each.latency_ms is None else f"{each.latency_ms:.2f}",
            "not built" if row.error else ", ".join(each.misses) or verdict,
        )
    yield table
    for sentence in result.why:
        yield plain(sentence)
    yield from build(result.result)


def model_comparison(result: ModelComparison) -> Iterable[RenderableType]:
    """One row per model, then notes on the columns and on empty rows."""
    from packager.compare.formats import comparison_cells

    head, rows, notes = comparison_cells(result)
    table = new_table(*head)
    for row in rows:
        table.add_row(*row)
    yield table
    for note in notes:
        yield plain(note)
