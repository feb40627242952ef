from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from packager.bench.comparison import compare, compare_files, device_name, write_csv
from packager.bench.results import (
    INFERENCE,
    Actual,
    Build,
    Context,
    Metric,
    Predictions,
    Source,
    Statistics,
    results_json,
    write_results,
)
from packager.errors import BenchError
from tests.bench.measurements import PHONE, measured, results, runs
from tests.cli.commands import packager_here


def test_sorted_by_the_median_with_ratios_to_the_best() -> None:
    found = compare(
        [
            Source("a.json", results(measured("slow", 20), measured("fast", 5))),
            Source("b.json", results(measured("middle", 10))),
        ]
    )
    assert [row.model for row in found.rows] == ["fast", "middle", "slow"]
    assert [row.source for row in found.rows] == ["a.json", "b.json", "a.json"]
    assert [row.ratio for row in found.rows] == pytest.approx([1, 2, 4], rel=1e-3)
    assert found.rows[0].end_to_end_ns == pytest.approx(6.6e6, rel=0.01)
    assert found.rows[0].runs_ns == runs(5)


def test_fast_and_wrong_is_not_the_best() -> None:
    wrong = measured("broken", 1, predictions=Predictions(20, 3, ("x/1.jpg",)))
    found = compare([Source("s", results(measured("good", 10), wrong))])
    assert [row.model for row in found.rows] == ["broken", "good"]
    assert found.rows[0].warnings == ("wrong: 3 of 20 predictions",)
    assert found.rows[1].ratio == 1.0
    assert found.rows[0].ratio == pytest.approx(0.1, rel=1e-3)


def test_nothing_to_doubt_gives_no_warning() -> None:
    for threads in (1, PHONE.cpu_cores):
        row = compare([Source("s", results(measured(threads=threads)))]).rows[0]
        assert row.warnings == ()


@pytest.mark.parametrize(
    ("measurement", "context", "warning"),
    [
        ({"throttled": True}, {}, "throttled"),
        ({"throttle_sleep_seconds": 90}, {}, "throttled, 90 s waited to cool down"),
        ({}, {"thermal_after": 2}, "throttled"),
        ({}, {"cpu_locked": False}, "clocks not locked"),
        ({}, {"battery_saver": True}, "battery saver on"),
        ({"predictions": Predictions(9, 1)}, {}, "wrong: 1 of 9 predictions"),
        ({"count": 29}, {}, "29 runs only"),
        ({"steady": False}, {}, "not steady after warming up"),
        ({}, {"interrupted": "Ctrl-C"}, "interrupted (Ctrl-C)"),
        ({"threads": 16}, {}, "16 threads on 9 cores"),
        ({"failed": "failed after 40 runs: GPU\n  reset"}, {}, "failed after 40 runs: GPU reset"),
        ({"accelerator": "GPU", "threads": None}, {}, "ran on CPU, not GPU"),
        ({}, {"build": Build("google", "emu64a", "sdk_gphone64_arm64")}, "an emulator"),
        ({"metrics": {INFERENCE: Metric.of([1_000_000] * 50 + [3_000_000] * 50)}}, {},
         "spread over 10 %"),
    ],
)  # fmt: skip
def test_each_reason_to_doubt_is_told(
    measurement: dict[str, Any], context: dict[str, Any], warning: str
) -> None:
    row = compare([Source("s", results(measured(**measurement), **context))]).rows[0]
    assert row.warnings == (warning,)


def test_what_is_unknown_is_no_reason_to_doubt() -> None:
    unknown = measured(throttled=None, steady=None, predictions=None, threads=None, actual=None)
    known = results(
        unknown, cpu_locked=None, battery_saver=None, thermal_before=None, thermal_after=1
    )
    assert compare([Source("s", known)]).rows[0].warnings == ()


def test_native_tool_that_tells_only_the_mean() -> None:
    told = Metric((), Statistics(50, 9e6, 12e6, 1e7, None, 5e5))
    row = compare([Source("s", results(measured(metrics={INFERENCE: told})))]).rows[0]
    assert (row.latency_ns, row.runs, row.runs_ns) == (1e7, 50, ())


def test_skipped_and_unreadable_are_told() -> None:
    skipped = measured("m", accelerator="NPU", threads=None, metrics={}, skipped="there is none")
    foreign = measured("frames", metrics={"frameMs": Metric.of([1.0])})
    found = compare([Source("s", results(measured(), skipped, foreign))], unread=["x is damaged"])
    assert len(found.rows) == 1
    assert [(skip.accelerator, skip.reason) for skip in found.skipped] == [("NPU", "there is none")]
    assert found.unread[0] == "x is damaged"
    assert "has no timeNs" in found.unread[1]


def test_nothing_measured_is_refused() -> None:
    skipped = measured(metrics={}, skipped="it was too hot")
    with pytest.raises(BenchError, match="nothing was measured .it was too hot."):
        compare([Source("s", results(skipped))])
    with pytest.raises(BenchError, match="nothing to compare"):
        compare_files([])


def test_files_and_folders_of_a_farm(tmp_path: Path) -> None:
    write_results(results(measured("one", 3)), tmp_path / "a" / "r.json")
    write_results(results(measured("two", 4)), tmp_path / "b" / "r.json")
    farm = tmp_path / "farm" / "redfin-30-en-portrait" / "artifacts" / "sdcard" / "x.json"
    write_results(results(measured("three", 5)), farm)
    found = compare_files([tmp_path / "a" / "r.json", tmp_path / "b" / "r.json", tmp_path / "farm"])
    assert [row.model for row in found.rows] == ["one", "two", "three"]
    # Two files of one name keep their folders.
    assert [row.source for row in found.rows] == [
        str(tmp_path / "a" / "r.json"), str(tmp_path / "b" / "r.json"), "redfin-30-en-portrait",
    ]  # fmt: skip


def test_failure_midway_is_shown_wherever_a_row_is(tmp_path: Path) -> None:
    """As the phone writes it: under our own key, beside the runs before it."""
    content = json.loads(results_json(results(measured("m", 8, count=40), measured("whole", 9))))
    content["benchmarks"][0]["packager"]["failed"] = "failed after 40 runs: <device> lost"
    (tmp_path / "r.json").write_text(json.dumps(content))
    told = "failed after 40 runs: <device> lost"

    def show(*options: str) -> str:
        said = packager_here("bench", "show", tmp_path / "r.json", *options)
        assert said.exit_code == 0, said.output
        return said.output

    assert f"a  {told}\n" in show("--html", str(tmp_path / "r.html"), "--csv", str(tmp_path / "c"))
    first, second = json.loads(show("--json"))["rows"]
    assert (first["warnings"], second["warnings"]) == ([told], [])
    with (tmp_path / "c").open(newline="", encoding="utf-8") as file:
        assert [row["warnings"] for row in csv.DictReader(file)] == [told, ""]
    note = '<span class="note">failed after 40 runs: &lt;device&gt; lost</span>'
    assert note in (tmp_path / "r.html").read_text("utf-8")


def test_csv_has_a_line_a_row(tmp_path: Path) -> None:
    odd = measured('a,"b"\nc', 4, predictions=Predictions(9, 1), count=20)
    found = compare([Source("s", results(measured("m", 8), odd))])
    write_csv(found, tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert first["model"] == 'a,"b"\nc'
    assert first["warnings"] == "wrong: 1 of 9 predictions; 20 runs only"
    assert float(second["latency_ns"]) == found.rows[1].latency_ns
    assert second["warnings"] == ""
    assert "runs_ns" not in second


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (PHONE.build, "Google Pixel 8 (API 35)"),
        (Build("Xiaomi", "umi", "Xiaomi Mi 10", sdk=31), "Xiaomi Mi 10 (API 31)"),
        (Build("host", "AMD EPYC", "AMD EPYC"), "AMD EPYC"),
        (Build("", "", ""), "an unknown device"),
    ],
)
def test_device_has_a_name(build: Build, name: str) -> None:
    assert device_name(Context(build)) == name


def test_gpu_that_ran_is_believed() -> None:
    gpu = measured(accelerator="GPU", threads=None, actual=Actual("GPU", "OpenCL"))
    row = compare([Source("s", results(gpu))]).rows[0]
    assert (row.ran_on, row.warnings) == ("GPU", ())
