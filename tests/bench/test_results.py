from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.bench.results import (
    INFERENCE,
    Metric,
    Predictions,
    Statistics,
    parse_results,
    read_results,
    results_json,
    summarise,
    write_results,
)
from packager.errors import BenchError, OutputError
from tests.bench.measurements import measured, results
from tests.bench.statistics_golden import COUNTS, FILE

GOLDEN = json.loads(FILE.read_text("utf-8"))
# What androidx.benchmark's own writer puts there, of no use to others when it's missing.
CONTEXT = {
    "build", "cpuCoreCount", "cpuLocked", "cpuMaxFreqHz", "memTotalBytes",
    "sustainedPerformanceModeEnabled", "artMainlineVersion", "osCodenameAbbreviated",
    "compilationMode",
}  # fmt: skip
BENCHMARK = {
    "name", "params", "className", "totalRunTimeNs", "metrics", "sampledMetrics",
    "warmupIterations", "repeatIterations", "thermalThrottleSleepSeconds",
}  # fmt: skip
ANDROIDX = {
    "context": {
        "build": {"brand": "google", "device": "oriole", "fingerprint": "f", "id": "i",
                  "model": "Pixel 6", "type": "userdebug",
                  "version": {"codename": "REL", "sdk": 33}},
        "cpuCoreCount": 8, "cpuLocked": False, "cpuMaxFreqHz": -1, "memTotalBytes": 7751290880,
        "sustainedPerformanceModeEnabled": True, "artMainlineVersion": 331413030,
        "osCodenameAbbreviated": "Tiramisu", "compilationMode": "speed",
        "payload": {"customContextKey": "x"},
    },
    "benchmarks": [
        {"name": "decode[1080p]", "params": {"size": "1080p"}, "className": "a.b.DecodeBenchmark",
         "totalRunTimeNs": 2_500_000_000,
         "metrics": {
             "timeNs": {"minimum": 9.5, "maximum": 30.25, "median": 10.0,
                        "coefficientOfVariation": 0.4, "runs": [9.5, 10.0, 30.25]},
             "allocationCount": {"minimum": 1.0, "maximum": 1.0, "median": 1.0, "runs": [1.0]},
         },
         "sampledMetrics": {"frameMs": {"P50": 1.0, "runs": [[1.0, 2.0]]}},
         "warmupIterations": 50, "repeatIterations": 2000, "thermalThrottleSleepSeconds": 90,
         "profilerOutputs": []},
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_statistics_are_those_of_the_golden_file(case: dict[str, Any]) -> None:
    said = summarise(case["samples"])
    ours = {
        "count": said.count,
        "minimum": said.minimum,
        "maximum": said.maximum,
        "mean": said.mean,
        "median": said.median,
        "standardDeviation": said.standard_deviation,
        "coefficientOfVariation": said.coefficient_of_variation,
        "p90": said.p90,
        "p95": said.p95,
        "p99": said.p99,
    }
    for name, value in ours.items():
        expected = case[name]
        assert value == (None if expected is None else pytest.approx(expected, rel=1e-12)), name


def test_golden_file_is_numpys() -> None:
    assert len(GOLDEN) > len(COUNTS)
    for case in GOLDEN:
        values = np.array(case["samples"], np.float64)
        assert case["median"] == np.median(values)
        assert case["mean"] == values.mean()
        assert [case[f"p{p}"] for p in (90, 95, 99)] == [
            np.percentile(values, p) for p in (90, 95, 99)
        ]
        if len(values) > 1:
            assert case["standardDeviation"] == pytest.approx(values.std(ddof=1), rel=1e-14)


def test_no_runs_have_no_statistics() -> None:
    assert summarise([]) == Statistics(0)


def test_file_gives_back_what_was_written(tmp_path: Path) -> None:
    told = Metric((), Statistics(50, 9e6, 12e6, 1e7, None, 5e5))  # a native tool's summary
    written = results(
        measured(),
        measured("other", 7.0, predictions=Predictions(20, 2, ("a/1.jpg", "b/2.jpg"), 0, 0)),
        measured(accelerator="NPU", threads=None, metrics={}, skipped="there is no NPU",
                 actual=None, name="classify[flowers,NPU]"),
        measured("native", metrics={INFERENCE: told}, predictions=None, steady=None),
        measured("broken", count=7, failed="failed after 7 runs: the GPU was reset"),
        interrupted="the cable was pulled",
        cpu_locked=None,
    )  # fmt: skip
    write_results(written, tmp_path / "new" / "r.json")
    assert read_results(tmp_path / "new" / "r.json") == written


def test_layout_is_androidx_benchmarks() -> None:
    content = json.loads(results_json(results()))
    assert set(content) == {"context", "benchmarks"}
    assert set(content["context"]) == CONTEXT | {"packager"}
    (entry,) = content["benchmarks"]
    assert set(entry) == BENCHMARK | {"packager"}
    # Its params are a map of strings, its metrics have these four and the raw runs.
    assert all(isinstance(value, str) for value in entry["params"].values())
    time = entry["metrics"]["timeNs"]
    assert set(time) == {"minimum", "maximum", "median", "coefficientOfVariation", "runs"}
    assert len(time["runs"]) == 100
    assert all(isinstance(run, int) for run in time["runs"])
    assert time["median"] == float(np.median(time["runs"]))
    assert set(entry["packager"]["statistics"]["timeNs"]) == {
        "count", "mean", "standardDeviation", "p90", "p95", "p99",
    }  # fmt: skip


def test_name_is_made_up_when_there_is_none() -> None:
    names = [
        json.loads(results_json(results(measured(name="", threads=threads))))["benchmarks"][0]
        for threads in (4, None)
    ]
    assert [each["name"] for each in names] == ["classify[flowers,CPU,4]", "classify[flowers,CPU]"]
    assert "threads" not in names[1]["params"]


def test_reads_androidx_benchmarks_own_file() -> None:
    read = parse_results(json.dumps(ANDROIDX).encode())
    assert read.unread == ()
    assert read.context.build.model == "Pixel 6"
    assert read.context.cpu_locked is False
    assert read.context.cpu_max_hz is None
    assert read.context.source == ""
    (each,) = read.measurements
    assert each.name == each.model_name == "decode[1080p]"
    assert each.class_name == "a.b.DecodeBenchmark"
    assert each.throttle_sleep_seconds == 90
    assert each.statistics().median == 10.0
    assert each.statistics().count == 3
    assert (each.threads, each.predictions, each.model, each.skipped) == (None,) * 4


def test_file_cut_anywhere_is_read_up_to_there_or_refused() -> None:
    whole = results(*(measured(f"m{n}", n + 1, count=3) for n in range(4)))
    content = results_json(whole).encode()
    last = 0
    for end in [*range(0, content.rindex(b"]"), 7), content.rindex(b"]")]:
        try:
            read = parse_results(content[:end])
        except BenchError:
            assert last == 0
            continue
        assert read.measurements == whole.measurements[: len(read.measurements)]
        assert len(read.measurements) >= last
        assert "cut short" in read.unread[-1]
        last = len(read.measurements)
    assert last == 4


def test_whatever_is_in_a_file_it_is_read_or_refused() -> None:
    content = results_json(results(measured(count=4), measured("b", count=4))).encode()
    random = np.random.default_rng(0)
    read = 0
    for _ in range(600):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), random.integers(1, 6)):
            damaged[place] = random.integers(0, 256)
        try:
            read += len(parse_results(bytes(damaged)).measurements)
        except BenchError:
            continue
    assert read > 300


@pytest.mark.parametrize(
    ("place", "value", "note"),
    [
        (("context",), 7, "context has an unexpected value"),
        (("context", "build"), [], "context.build has an unexpected value"),
        (("context", "cpuLocked"), "yes", "context.cpuLocked has an unexpected value"),
        (("context", "cpuCoreCount"), -3, "context.cpuCoreCount has an unexpected value"),
        (
            ("context", "packager", "thermalStatusAfter"),
            True,
            "thermalStatusAfter has an unexpected value",
        ),
        (("benchmarks", 0, "packager"), "x", "benchmarks[0].packager has an unexpected value"),
        (
            ("benchmarks", 0, "packager", "predictions", "wrongPhotos"),
            3,
            "wrongPhotos has an unexpected value",
        ),
        (("benchmarks", 0, "packager", "steady"), 1, "steady has an unexpected value"),
        (("benchmarks", 0, "metrics", "timeNs", "runs", 0), None, "runs: 1 of 100 are no times"),
        (("benchmarks", 0, "metrics", "timeNs", "runs", 0), -5, "runs: 1 of 100"),
        (("benchmarks", 0, "metrics", "timeNs", "runs", 0), math.nan, "runs: 1 of 100"),
        (("benchmarks", 0, "metrics", "timeNs", "runs", 0), True, "runs: 1 of 100"),
        (("benchmarks", 0, "metrics", "preprocessNs"), 4, "preprocessNs has an unexpected value"),
        (("benchmarks", 1), None, "benchmarks[1] has no name"),
        (("benchmarks", 1), {"name": "n", "metrics": {}}, "benchmarks[1] has no metrics"),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_read(
    place: tuple[Any, ...], value: Any, note: str
) -> None:
    content = json.loads(results_json(results(measured(), measured("b"))))
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    read = parse_results(json.dumps(content).encode())
    assert any(note in each for each in read.unread), read.unread
    first = read.measurements[0]
    assert first.statistics().count in (99, 100)
    assert first.statistics().median == pytest.approx(1e7, rel=0.01)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-be"])
def test_other_encodings_of_unicode(encoding: str) -> None:
    text = results_json(results(measured("Blüten")))
    assert parse_results(text.encode(encoding)).measurements[0].model_name == "Blüten"


def test_text_around_the_json() -> None:
    content = b"* daemon started\n" + results_json(results()).encode() + b"\n[adb] done\n"
    read = parse_results(content)
    assert read.measurements == results().measurements
    assert read.context == results().context


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"benchmarks": 3}', b"<html>", b"\xff\xfe\x00", b"[" * 100_000,
     b'{"benchmarks": []}', b'{"benchmarks": [{"name": 4}]}', b"9" * 10_000],
)  # fmt: skip
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=r"r\.json: .*(not a file of benchmark|no measurement)"):
        read_results(path)


def test_newer_format_is_refused() -> None:
    content = json.loads(results_json(results()))
    content["context"]["packager"]["format"] = 2
    with pytest.raises(BenchError, match=r"format 2.*Update packager"):
        parse_results(json.dumps(content).encode())


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="No such file"):
        read_results(tmp_path / "none.json")


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be written"):
        write_results(results(), tmp_path / "file" / "r.json")


def test_endless_numbers_are_never_written() -> None:
    endless = dataclasses.replace(measured(), load_ns=math.inf)  # type: ignore[arg-type]
    (written,) = json.loads(results_json(results(endless)))["benchmarks"]
    assert written["packager"]["loadNs"] is None
