"""Parts of all commands' tables, and printing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from packager.record import as_json

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

Result = TypeVar("Result")


def show(
    result: Result, render: Callable[[Result], Iterable[RenderableType]], json: bool = False
) -> None:
    """Prints `result` as tables, or as JSON, on standard output."""
    from packager.console import print_results, write_data

    if json:
        write_data(as_json(result))
        return
    print_results(render(result))


def new_table(*columns: str) -> Table:
    """A table; columns whose name ends in ">" are right-aligned."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        side: Literal["left", "right"] = "right" if name.endswith(">") else "left"
        table.add_column(name.rstrip(">"), justify=side, overflow="fold")
    return table


def plain(text: str) -> Any:
    """Text as it is: no markup, and nothing that a terminal would act on."""
    from rich.text import Text

    from packager.console import clean

    return Text(clean(text))


def percent(share: float | None) -> str:
    """A share of 0..1, such as "87.6 %"."""
    return "-" if share is None else f"{100 * share:.1f} %"


def milliseconds(nanoseconds: float | None) -> str:
    """Such as "12.34"."""
    return "-" if nanoseconds is None else f"{nanoseconds / 1e6:.2f}"


def megabytes(size: int) -> str:
    """Bytes as "4.9 MB"; MB: 10^6."""
    return f"{size / 1e6:.1f} MB"
