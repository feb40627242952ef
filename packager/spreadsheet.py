"""Tables as CSV (RFC 4180, with line feeds) that a spreadsheet takes for text and numbers alone."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from packager.record import encodable

# With these a spreadsheet begins a formula, which may run a program: owasp.org, CSV Injection.
_FORMULA = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")


def csv_text(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A line of names and a line a row; text that would be a formula has an apostrophe before."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_plain(value) for value in row] for row in rows)
    return text.getvalue()


def _plain(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    value = re.sub(r"\r\n?", "\n", encodable(value))  # csv quotes line feeds only
    return f"'{value}" if value.startswith(_FORMULA) else value
