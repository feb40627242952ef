"""Findings as a CSV file, for programs and for `--exclude`."""

from __future__ import annotations

from pathlib import Path

from packager.audit.run import Audit
from packager.files import write_output
from packager.spreadsheet import csv_text

_COLUMNS = ("path", "problem", "label", "suggested", "score", "group", "detail")


def list_text(audit: Audit) -> str:
    """A header, and one line per finding, in their order."""
    rows = [
        (
            each.path, each.problem, each.label, each.suggested, f"{each.score:.3f}",
            each.group or "", each.detail,
        )
        for each in audit.findings
    ]  # fmt: skip
    return csv_text(_COLUMNS, rows)


def write_list(audit: Audit, path: Path) -> None:
    """Writes it. Raises `OutputError` when it can't be written."""
    write_output(path, list_text(audit))
