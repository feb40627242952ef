"""The table of `photos`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from packager.audit.faults import counted
from packager.cli.tables import new_table, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from packager.audit.run import Audit

_EXAMPLES = 3


def audit(result: Audit) -> Iterable[RenderableType]:
    """The number of photos by kind of finding, and the first of them."""
    counts = counted(result.findings)
    if counts:
        table = new_table("found", "photos>", "such as")
        for problem, count in counts.items():
            first = [each for each in result.findings if each.problem == problem][:_EXAMPLES]
            said = "\n".join(f"{each.path}: {each.detail}" for each in first)
            table.add_row(problem, f"{count:,}", plain(said))
        yield table
    for note in result.notes:
        yield plain(f"{note.label}: {note.what}; a model can learn that in place of the content")
    if not result.labels_checked:
        yield plain("Too many photos to check labels and outliers.")
    total = f"{sum(result.photos):,} photos in {len(result.classes)} classes"
    if not counts:
        yield plain(f"No problems were found ({total}).")
    else:
        yield plain(
            f"Of {total}. --html FILE shows them; --list FILE is for programs and for "
            "packager build --exclude."
        )
