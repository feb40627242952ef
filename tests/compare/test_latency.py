from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from packager.bench.results import (
    Actual,
    BenchedModel,
    Build,
    Measurement,
    Predictions,
    write_results,
)
from packager.bench.settings import LatencySource
from packager.compare.latency import check_source, on_phone, phone_latencies
from packager.data.folder import PhotoFolder
from packager.errors import BenchError, DeviceError, SettingsError
from tests.bench.measurements import measured, results
from tests.compare.made_up import row
from tests.conftest import Heard

DIGESTS = {"lite0-int8": "aa", "lite2-int8": "bb"}


def timed(
    name: str, sha256: str | None = None, milliseconds: float = 10.0, **changes: Any
) -> Measurement:
    """A measurement of the file with that digest, or of one that nothing is known of."""
    file = None if sha256 is None else BenchedModel("model.tflite", sha256, 4_000_000)
    return replace(measured(name, milliseconds), model=file, **changes)


def test_a_measurement_is_of_the_model_with_its_digest_whatever_its_name() -> None:
    found = phone_latencies([results(timed("flowers", "bb", 7.0))], DIGESTS)
    assert list(found) == ["lite2-int8"]
    assert found["lite2-int8"].median == pytest.approx(7.0, rel=0.02)
    assert found["lite2-int8"].matched == "sha256"
    assert found["lite2-int8"].device == "Google Pixel 8 (API 35)"
    assert (found["lite2-int8"].accelerator, found["lite2-int8"].threads) == ("CPU", 2)


def test_by_name_where_no_digest_is_known() -> None:
    found = phone_latencies([results(timed("lite0-int8"), timed("lite9-int8"))], DIGESTS)
    assert {name: each.matched for name, each in found.items()} == {"lite0-int8": "name"}


def test_the_very_file_goes_before_a_faster_one_of_its_name() -> None:
    both = results(timed("lite0-int8", "older", 3.0), timed("x", "aa", 9.0))
    assert phone_latencies([both], DIGESTS)["lite0-int8"].median == pytest.approx(9.0, rel=0.02)


def test_the_fastest_way_that_answers_rightly_counts() -> None:
    tried = [
        timed("lite0-int8", "aa", 9.0),
        timed("lite0-int8", "aa", 4.0, accelerator="GPU", actual=Actual("GPU")),
        timed("lite0-int8", "aa", 1.0, predictions=Predictions(20, 2)),
        timed("lite0-int8", "aa", metrics={}, skipped="no NPU"),
    ]
    found = phone_latencies([results(each) for each in tried], DIGESTS)["lite0-int8"]
    assert (found.accelerator, found.threads) == ("GPU", None)
    assert found.median == pytest.approx(4.0, rel=0.02)


def test_what_was_asked_of_a_gpu_and_ran_on_the_cpu_is_the_cpus() -> None:
    fallen = timed("lite0-int8", "aa", accelerator="GPU", actual=Actual("CPU"))
    assert phone_latencies([results(fallen)], DIGESTS)["lite0-int8"].accelerator == "CPU"


def test_a_model_that_the_phone_did_not_run_is_told(tmp_path: Path, heard: Heard) -> None:
    rows = [row("lite0", sha256="aa"), row("lite2", sha256="cc")]
    given = [results(timed("flowers", "aa"))]
    no_photos = PhotoFolder(tmp_path, (), (), (), 0, (), (), False)
    source = LatencySource(bench=(tmp_path / "phone.json",))
    first, second = on_phone(rows, tmp_path, no_photos, source, given, progress=heard)
    assert first.phone_latency_ms is not None
    assert second.phone_latency_ms is None
    assert heard.warnings == ["lite2-int8 has no latency in the results of the phone"]


def test_results_of_two_devices_are_refused(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    write_results(results(), one)
    write_results(results(build=Build("samsung", "s24", "Galaxy S24", sdk=34)), other)
    assert len(check_source(LatencySource(bench=(one, one)))) == 2
    with pytest.raises(SettingsError, match="several devices"):
        check_source(LatencySource(bench=(one, other)))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"threads": 0}, "--threads"),
        ({"runs": 0}, "--runs"),
        ({"device": ""}, "no latency harness"),
        ({"device": "", "apk": Path("a"), "project": Path("b")}, "two latency harnesses"),
        ({"device": "", "bench": (Path("a"),)}, "--bench"),
        ({"apk": Path("a")}, "no phone"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_built(
    source: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        LatencySource(**source)


def test_results_that_are_not_there_are_refused_before_anything_is_built() -> None:
    with pytest.raises(BenchError, match="missing.json"):
        check_source(LatencySource(bench=(Path("missing.json"),)))


def test_a_phone_that_is_not_there_is_refused_before_anything_is_built() -> None:
    with pytest.raises(DeviceError):
        check_source(LatencySource(device="no-such-phone", apk=Path("a")))
