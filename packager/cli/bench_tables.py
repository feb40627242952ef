"""Tables of `bench`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from packager.cli.tables import milliseconds, new_table, percent, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from packager.bench.comparison import Comparison


def comparison(result: Comparison) -> Iterable[RenderableType]:
    """One row per measurement, fastest first, with warnings as footnotes."""
    rows, marks = result.rows, dict[str, str]()
    devices = len({row.device for row in rows}) > 1
    files = len({(row.device, row.model, row.accelerator, row.threads) for row in rows}) < len(rows)
    where = [*(["device"] if devices else []), *(["from"] if files else [])]
    table = new_table("model", "on", *where, "ms>", "ratio>", "mean>", "p95>", "spread>",
                   "end to end>", "right>", "notes")  # fmt: skip
    for row in rows:
        for warning in row.warnings:
            marks.setdefault(warning, _mark(len(marks)))
        table.add_row(
            plain(row.model),
            row.accelerator + ("" if row.threads is None else f" x {row.threads}"),
            *([plain(row.device)] if devices else []),
            *([plain(row.source)] if files else []),
            milliseconds(row.latency_ns),
            "wrong" if row.wrong else f"{row.ratio:.2f}",
            milliseconds(row.mean_ns),
            milliseconds(row.p95_ns),
            percent(row.spread),
            milliseconds(row.end_to_end_ns),
            f"{row.correct}/{row.labelled}" if row.labelled else "-",
            " ".join(marks[warning] for warning in row.warnings),
        )
    yield table
    for warning, mark in marks.items():
        yield plain(f"{mark}  {warning}")
    if not devices:
        yield plain(f"{rows[0].device}; ms: median of inference.")
    for skip in result.skipped:
        threads = "" if skip.threads is None else f" x {skip.threads}"
        yield plain(f"not measured: {skip.model}, {skip.accelerator}{threads}: {skip.reason}")
    for note in result.unread:
        yield plain(f"not read: {note}")


def _mark(number: int) -> str:
    """a, b, ... z, a1, b1, ..."""
    return chr(ord("a") + number % 26) + (str(number // 26) if number >= 26 else "")
