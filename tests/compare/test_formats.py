from __future__ import annotations

import csv
from pathlib import Path

from packager.compare.formats import comparison_cells, markdown_table, write_csv
from packager.compare.rows import FORMAT, Comparison, Row, mark_front
from tests.compare.made_up import on_pixel, row


def comparison(*rows: Row) -> Comparison:
    return Comparison(FORMAT, {}, {}, {}, (), mark_front(rows))


def failed(quantization: str) -> Row:
    return Row("lite3", "Lite3", quantization, error="no weights. Give some.")


def test_cells_have_units_and_the_front_a_mark() -> None:
    head, rows, _ = comparison_cells(comparison(row(ms=12.345), row("slow", ms=20.0)))
    assert len(head) == len(rows[0]) == len(rows[1])
    assert rows[0] == (
        "lite0", "int8", "4.0 MB", "90.0 %", "90.0 %", "3.36 M", "0.384 G", "13.35", "12.35",
        "20.0", "*",
    )  # fmt: skip
    assert rows[1][-1] == ""


def test_a_failed_row_stands_there_and_its_reason_once() -> None:
    _, rows, notes = comparison_cells(comparison(row(), failed("none"), failed("int8")))
    assert rows[1][:4] == ("lite3", "none", "-", "-")
    assert [note for note in notes if "weights" in note] == [
        "lite3-none, lite3-int8: no weights. Give some."
    ]


def test_phone_column_is_there_only_with_a_phone() -> None:
    head, rows, notes = comparison_cells(
        comparison(row(phone_latency_ms=on_pixel(3.0, "name")), row("other"))
    )
    assert head[9] == "phone ms>"
    assert (rows[0][9], rows[1][9]) == ("3.00", "-")
    assert "phone: lite0-int8 on Google Pixel 8 (API 35), GPU, of another build of that name." in (
        notes
    )
    assert not any("phone ms" in name for name in comparison_cells(comparison(row()))[0])


def test_markdown_is_a_table_and_a_list() -> None:
    lines = markdown_table(comparison(row())).splitlines()
    assert lines[0].startswith("| spec | quantization | size |")
    assert lines[1].startswith("| --- | --- | ---: |")
    assert lines[2].count("|") == lines[0].count("|")
    assert lines[4].startswith("- ")


def test_csv_has_every_value_in_full(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_csv(comparison(row(phone_latency_ms=on_pixel(3.0)), failed("int8")), path)
    built, broken = csv.DictReader(path.open())
    assert built["bytes"] == "4000000"
    assert built["top1_crop"] == "0.9"
    assert built["host_latency_ms_median"] == "10.0"
    assert built["phone_latency_ms_device"] == "Google Pixel 8 (API 35)"
    assert broken["bytes"] == broken["top1_crop"] == ""
    assert broken["error"] == "no weights. Give some."
