"""A comparison as a table for people, and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from packager.compare.rows import Comparison, Row, latency_measure
from packager.files import write_output
from packager.spreadsheet import csv_text

_HEAD = (
    "spec", "quantization", "size>", "top-1 stretch>", "top-1 crop>", "parameters>",
    "multiply-adds>", "mean ms>", "median ms>",
)  # fmt: skip


def comparison_cells(
    comparison: Comparison,
) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[str]]:
    """Column names (a ">" at the end: right-aligned), the rows' cells, and notes."""
    phone = any(row.phone_latency_ms for row in comparison.rows)
    head = (*_HEAD, *(["phone ms>"] if phone else []), "build s>", "front")
    return head, [_cells(row, phone) for row in comparison.rows], list(_notes(comparison))


def markdown_table(comparison: Comparison) -> str:
    """The same for a README; ends with a newline."""
    head, rows, notes = comparison_cells(comparison)
    lines = [
        [name.rstrip(">") for name in head],
        ["---:" if name.endswith(">") else "---" for name in head],
        *rows,
    ]
    table = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([*table, "", *(f"- {note}" for note in notes)]) + "\n"


def write_csv(comparison: Comparison, path: Path) -> None:
    """One line per row, with every value. Raises `OutputError` when it can't be written."""
    rows = [_flat(row) for row in comparison.rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    write_output(path, csv_text(names, ([row.get(name) for name in names] for row in rows)))


def _cells(row: Row, phone: bool) -> tuple[str, ...]:
    here, there = row.host_latency_ms, row.phone_latency_ms
    return (
        row.spec,
        row.quantization,
        _scaled(row.bytes, 1e6, ".1f", "MB"),
        _scaled(row.top1.stretch if row.top1 else None, 0.01, ".1f", "%"),
        _scaled(row.top1.crop if row.top1 else None, 0.01, ".1f", "%"),
        _scaled(row.parameters, 1e6, ".2f", "M"),
        _scaled(row.multiply_adds, 1e9, ".3f", "G"),
        _scaled(here.mean if here else None, 1, ".2f"),
        _scaled(here.median if here else None, 1, ".2f"),
        *([_scaled(there.milliseconds if there else None, 1, ".2f")] if phone else []),
        _scaled(row.build_seconds, 1, ".1f"),
        "*" if row.pareto else "",
    )


def _scaled(value: float | None, unit: float, form: str, name: str = "") -> str:
    return "-" if value is None else f"{value / unit:{form}} {name}".rstrip()


def _notes(comparison: Comparison) -> Iterator[str]:
    rows = comparison.rows
    here = next((row.host_latency_ms for row in rows if row.host_latency_ms), None)
    if here is not None:
        threads = f"{here.threads} thread{'' if here.threads == 1 else 's'}"
        yield f"mean, median: inference on this machine, {threads}; a phone's differ."
    for row in rows:
        if row.phone_latency_ms is not None:
            said = row.phone_latency_ms
            threads = "" if said.threads is None else f" x {said.threads}"
            older = "" if said.matched == "sha256" else ", of another build of that name"
            yield f"phone: {row.name} on {said.device}, {said.accelerator}{threads}{older}."
    if any(row.pareto for row in rows):
        latency = "phone" if latency_measure(rows) == "phone_latency_ms" else "median"
        yield (
            f"front *: the Pareto front. No other row is as small, as fast ({latency}) and as "
            "accurate (mean of both views), and better in one of them."
        )
    failed: dict[str, list[str]] = {}
    for row in rows:
        if row.error is not None:
            failed.setdefault(row.error, []).append(row.name)
    for error, names in failed.items():
        yield f"{', '.join(names)}: {error}"


def _flat(row: Row) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for field in fields(Row):
        value = getattr(row, field.name)
        if hasattr(value, "__dataclass_fields__"):
            flat.update({f"{field.name}_{key}": part for key, part in asdict(value).items()})
        elif field.name not in ("top1", "host_latency_ms", "phone_latency_ms"):
            flat[field.name] = value
    return flat
