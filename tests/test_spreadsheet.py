"""CSV whose cells are text and numbers, whatever they say."""

from __future__ import annotations

import csv
import io

import pytest

from packager.spreadsheet import csv_text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("lite0", "lite0"),
        ("a=b, c", "a=b, c"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\n=1"),
        ("＝1", "'＝1"),
        (-1.5, "-1.5"),
        (None, ""),
        ("caf\udce9", "caf\ufffd"),
    ],
)
def test_a_cell(value: object, cell: str) -> None:
    text = csv_text(["name"], [[value, "x"]])
    assert text.encode("utf-8")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["name"], [cell, "x"]]
