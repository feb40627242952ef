from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from packager.bench.results import Build, Context, Measurement, Metric, Results, write_results
from packager.errors import RecordError
from packager.report.comparison_page import read_compared, write_comparison_page
from packager.report.page import report_folder
from tests.report.builds import Page, change, make_build, write_json


def row(spec: str, quantization: str, **more: Any) -> dict[str, Any]:
    return {
        "spec": spec, "title": f"The {spec}", "quantization": quantization,
        "model": f"{spec}-{quantization}/model.tflite", "bytes": 4_000_000,
        "parameters": 4_000_000, "multiply_adds": 400_000_000,
        "top1": {"stretch": 0.9, "crop": 0.95},
        "host_latency_ms": {"mean": 5.5, "median": 5.25, "threads": 2}, "phone_latency_ms": None,
        "build_seconds": 12.0, "pareto": True, "error": None, **more,
    }  # fmt: skip


FAILED = dict.fromkeys(("model", "bytes", "parameters", "multiply_adds", "top1", "host_latency_ms",
                        "build_seconds")) | {"pareto": False, "error": "no <weights>"}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "compared"
    folder.mkdir()
    rows = [
        row("lite0", "none", bytes=13_500_000, top1={"stretch": 0.91, "crop": 0.95}),
        row("lite0", "int8"),
        row("lite4", "int8", **FAILED),
    ]
    data = {"name": "a & b", "photos": {"train": 80, "validation": 10, "test": 12}}
    write_json(
        folder / "comparison.json", {"format": 1, "settings": {}, "data": data, "rows": rows}
    )
    return folder


def test_table_and_scatters(folder: Path) -> None:
    path = write_comparison_page(folder)
    assert path == folder / "report.html"
    page = Page(path)
    text = " ".join(page.text.split())
    assert page.requests == []
    assert "Measured over 12 test photos of “a & b”." in text
    assert "The lite0 none 13.5 MB 91.0 % 95.0 % 4.00 M 400 M 5.50, 5.25 12 ●" in text
    assert "The lite4 int8 no <weights>" in text
    drawn = [each["aria-label"] or "" for each in page.of("div") if each.get("role") == "img"]
    assert [alt.partition(" by")[0] for alt in drawn] == ["size, MB", "latency here, ms"]
    assert "on the Pareto front: lite0 int8, lite0 none;" in drawn[0]
    assert all("scope" in head for head in page.of("th"))


def test_box_plots_of_both_kinds_of_results(folder: Path) -> None:
    for name, device in (("bench.json", "Here"), ("bench-phone.json", "Phone")):
        runs = Metric.of([5e6 + 1e4 * i for i in range(40)])
        rows = (Measurement("lite0-int8", "CPU", 2, metrics={"timeNs": runs}),)
        write_results(Results(Context(Build("", "", device)), rows), folder / name)
    page = Page(write_comparison_page(folder))
    assert "CPU × 2, Here" in page.text
    assert "CPU × 2, Phone" in page.text


def test_phone_latency_without_a_median_is_the_mean(folder: Path) -> None:
    phone = {"mean": 7.5, "median": None, "threads": None, "device": "Phone"}
    rows = [row("lite0", "int8", phone_latency_ms=phone)]
    change(folder / "comparison.json", "rows", to=rows)
    page = Page(report_folder(folder).page)  # a comparison's folder is known as one
    assert "latency on the phone, ms" in page.text
    assert "7.50" in page.text


def test_comparison_of_failures_alone_has_no_figures(folder: Path) -> None:
    change(folder / "comparison.json", "rows", to=[row("lite4", "int8", **FAILED)])
    page = Page(write_comparison_page(folder))
    assert page.of("svg") == []
    assert "no <weights>" in page.text


def test_build_among_the_others(folder: Path, tmp_path: Path) -> None:
    out = make_build(tmp_path)
    report = report_folder(out, comparison=folder, plots=True)
    page = Page(report.page)
    assert page.text.count("The star is this build.") == 2
    assert "this build" in page.text
    assert {"size-accuracy.svg", "host-latency-accuracy.svg"} <= {p.name for p in report.plots}
    change(folder / "comparison.json", "rows", to=[row("lite1", "int8")])
    page = Page(report_folder(out, comparison=folder / "comparison.json").page)
    assert page.text.count("The star is this build.") == 1  # its latency isn't known


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "`format` is missing"),
        ([], "Expected `object`, got `array`"),
        ({"format": 1, "data": {}, "rows": [{"error": None}]}, r"`rows\[0\].spec` is missing"),
        ({"format": 1, "data": [], "rows": []}, "`data` has an unexpected value"),
        (
            {"format": 1, "data": {}, "rows": [row("lite0", "int8", bytes="many")]},
            r"`rows\[0\].bytes` has an unexpected value .Expected `int | null`, got `str`",
        ),
        (
            {"format": 1, "data": {}, "rows": [row("lite0", "int8", top1=None)]},
            r"`rows\[0\]` has neither figures nor an error",
        ),
        ({"format": 2, "data": {}, "rows": []}, "has format 2, but this packager reads 1"),
    ],
)
def test_other_files_are_refused(content: Any, message: str, tmp_path: Path) -> None:
    write_json(tmp_path / "comparison.json", content)
    with pytest.raises(RecordError, match=message):
        read_compared(tmp_path)


def test_missing_comparison_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"comparison\.json: the file can't be read"):
        read_compared(tmp_path)
