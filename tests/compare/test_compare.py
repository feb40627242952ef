from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from packager.bench.results import INFERENCE, read_results, write_results
from packager.bench.settings import LatencySource
from packager.choose import build_best
from packager.classifier_file import evaluate_file
from packager.compare import CompareSettings, Comparison, compare
from packager.errors import LimitsError, OutputError, PackagerError, SettingsError, WeightsError
from packager.limits import Limits
from packager.recipe import Recipe
from packager.record import as_json
from packager.specs import ModelSpec
from tests.conftest import Heard, save_photo
from tests.settings import build_settings

# int8 needs TensorFlow's quantizer, the others only a backbone that was converted before.
QUANTIZATIONS = ("none", "fp16")


def settings(photos: Path, out: Path, **more: Any) -> CompareSettings:
    base = CompareSettings(
        specs=("lite0",),
        quantizations=QUANTIZATIONS,
        out=out,
        build=build_settings(data=photos, epochs=4),
        latency=LatencySource(runs=1),
    )
    return replace(base, **more)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compare") / "out"


@pytest.fixture(scope="module")
def compared(photos: Path, session_cache: Path, out: Path) -> Comparison:
    """lite0 as it is and quantized twice, and MobileNetV2, whose weights can't be had."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACKAGER_CACHE", str(session_cache))
        _without_weights_of(patch, "mobilenet_v2")
        return compare(
            settings(
                photos,
                out,
                specs=("lite0", "mobilenet_v2"),
                quantizations=("none", "fp16", "int8"),
                latency=LatencySource(runs=5),
            )
        )


def _without_weights_of(patch: pytest.MonkeyPatch, missing: str) -> list[str]:
    """Gives the specs that were asked for from now on."""
    from packager.backbones import weights

    found, asked = weights.find_weights, list[str]()

    def find(spec: ModelSpec, *arguments: Any, **named: Any) -> Any:
        asked.append(spec.name)
        if spec.name == missing:
            raise WeightsError("no weights", where=spec.name, fix="Give some.")
        return found(spec, *arguments, **named)

    patch.setattr(weights, "find_weights", find)
    return asked


@pytest.mark.slow
def test_every_row_has_its_figures(compared: Comparison, out: Path, photos: Path) -> None:
    plain, half, full = compared.rows[:3]
    assert [row.quantization for row in (plain, half, full)] == ["none", "fp16", "int8"]
    for row in (plain, half, full):
        assert row.error is None
        assert row.model is not None
        assert (out / row.model).stat().st_size == row.bytes
        measured = evaluate_file(out / row.model, photos, part="test").evaluation
        assert row.top1 is not None
        assert (row.top1.stretch, row.top1.crop) == (
            measured.top1("stretch"),
            measured.top1("crop"),
        )
        assert (row.parameters, row.multiply_adds) == (plain.parameters, plain.multiply_adds)
        assert row.host_latency_ms is not None
        assert row.host_latency_ms.threads == 1
        assert row.phone_latency_ms is None
    sizes = [(out / str(row.model)).stat().st_size for row in (plain, half, full)]
    assert sizes[0] > 1.9 * sizes[1] > 2.5 * sizes[2]
    assert any(row.pareto for row in compared.rows)


@pytest.mark.slow
def test_a_spec_trains_once_and_each_row_counts_it(compared: Comparison, out: Path) -> None:
    reports = [
        json.loads((out / row.name / "report.json").read_text()) for row in compared.rows[:3]
    ]
    spent = [report["seconds"]["head training"] for report in reports]
    assert spent[0] == spent[1] == spent[2] > 0
    assert [row.build_seconds for row in compared.rows[:3]] == [
        report["seconds"]["total"] for report in reports
    ]
    assert not (out / "lite0-none" / "android").exists()


@pytest.mark.slow
def test_a_row_that_fails_stands_there_with_its_error(compared: Comparison) -> None:
    for row in compared.rows[3:]:
        assert (row.spec, row.bytes, row.pareto) == ("mobilenet_v2", None, False)
        assert row.error == "mobilenet_v2: no weights. Give some."


@pytest.mark.slow
def test_files_say_what_was_measured(compared: Comparison, out: Path, photos: Path) -> None:
    content = json.loads((out / "comparison.json").read_text())
    assert content == json.loads(as_json(compared))
    assert content["format"] == 1
    assert content["data"]["classes"] == ["blue", "green", "red"]
    assert sum(content["data"]["photos"].values()) == len(list(photos.rglob("*.png")))
    results = read_results(out / "bench.json")
    assert [each.model_name for each in results.measurements] == [
        row.name for row in compared.rows[:3]
    ]
    for each, row in zip(results.measurements, compared.rows, strict=False):
        assert each.model is not None
        assert each.model.sha256 == row.sha256
        assert len(each.metrics[INFERENCE].runs) == 5
        assert row.host_latency_ms is not None
        assert row.host_latency_ms.mean == pytest.approx((each.statistics().mean or 0) / 1e6, 1e-3)


class Cut(Heard):
    """Ctrl-C while the second row is under way."""

    def say(self, message: str) -> None:
        super().say(message)
        if "(2 of" in message:
            raise KeyboardInterrupt


def _same_but_for_times(one: Comparison, other: Comparison) -> bool:
    def stripped(comparison: Comparison) -> list[Any]:
        return [replace(row, host_latency_ms=None, build_seconds=None, pareto=False)
                for row in comparison.rows]  # fmt: skip

    return stripped(one) == stripped(other) and one.data == other.data


@pytest.mark.slow
def test_after_ctrl_c_the_same_command_goes_on(
    photos: Path, warm_cache: Path, tmp_path: Path, heard: Heard
) -> None:
    asked = settings(photos, tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        compare(asked, progress=Cut())
    first = tmp_path / "out" / "lite0-none" / "model.tflite"
    before = first.stat()
    resumed = compare(asked, progress=heard)
    assert "lite0-none already exists." in heard.said
    assert first.stat() == before
    assert heard.phases.count("Training the head") == 1  # for the row that was missing
    whole = compare(settings(photos, tmp_path / "whole"))
    assert _same_but_for_times(resumed, whole)

    again, more = Heard(), replace(asked, quantizations=("fp16", "dynamic"))
    assert [row.quantization for row in compare(more, progress=again).rows] == ["fp16", "dynamic"]
    assert "lite0-fp16 already exists." in again.said

    with pytest.raises(OutputError, match="seed"):
        compare(replace(asked, build=replace(asked.build, seed=1)))
    assert first.stat() == before
    forced = Heard()
    compare(replace(asked, force=True), progress=forced)
    assert not any("already" in said for said in forced.said)
    assert not (tmp_path / "out" / "lite0-dynamic").exists()


@pytest.mark.slow
def test_other_photos_are_another_comparison(
    warm_cache: Path, tmp_path: Path, heard: Heard
) -> None:
    for label, color in {"blue": (40, 60, 200), "red": (200, 40, 50)}.items():
        for number in range(5):
            save_photo(tmp_path / "photos" / label / f"{number}.png", color, seed=number)
    asked = settings(tmp_path / "photos", tmp_path / "out", quantizations=("none",))
    compare(asked)
    save_photo(tmp_path / "photos" / "red" / "new.png", (200, 40, 50), seed=99)
    with pytest.raises(OutputError, match="sha256"):
        compare(asked)


KILLED = """
import sys
from pathlib import Path
from packager.bench.settings import LatencySource
from packager.build import BuildSettings, HeadSettings, PhotoSettings
from packager.compare import CompareSettings, compare

photos, out = map(Path, sys.argv[1:])
build = BuildSettings(photos=PhotoSettings(photos), head=HeadSettings(epochs=4))
compare(CompareSettings(("lite0",), ("none", "fp16"), out, build, LatencySource(runs=1)))
"""


@pytest.mark.slow
def test_after_a_kill_the_same_command_goes_on(
    photos: Path, warm_cache: Path, tmp_path: Path, heard: Heard
) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, photos, out], env=dict(os.environ)
    ) as child:
        _wait_for(lambda: b'"lite0-none/model.tflite"' in (out / "comparison.json").read_bytes())
        child.send_signal(signal.SIGKILL)
    rows = json.loads((out / "comparison.json").read_text())["rows"]
    assert 1 <= len(rows) <= 2
    resumed = compare(settings(photos, out), progress=heard)
    assert "lite0-none already exists." in heard.said
    assert [row.error for row in resumed.rows] == [None, None]


def _wait_for(happened: Callable[[], bool]) -> None:
    for _ in range(3000):
        try:
            if happened():
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise AssertionError("it never happened")


@pytest.mark.slow
def test_when_every_row_fails_the_first_error_is_the_comparisons(
    photos: Path, warm_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _without_weights_of(monkeypatch, "mobilenet_v2")
    with pytest.raises(WeightsError, match="no weights"):
        compare(settings(photos, tmp_path / "out", specs=("mobilenet_v2",)))
    assert asked == ["mobilenet_v2"]  # not once more for fp16
    # Nothing was made, so nothing stands in the way of other settings.
    with pytest.raises(WeightsError):
        compare(settings(photos, tmp_path / "out", specs=("mobilenet_v2",), build=build_settings(
            data=photos, seed=1)))  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"specs": ("lite0", "lite9")}, "lite9"),
        ({"quantizations": ("int4",)}, "int4"),
        ({"specs": ()}, "no model or quantization was given"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_made(
    more: dict[str, Any], said: str, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=said):
        compare(settings(photos, tmp_path / "out", **more))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_phones_results_have_the_say(
    photos: Path, warm_cache: Path, compared: Comparison, out: Path, tmp_path: Path
) -> None:
    results = read_results(out / "bench.json")
    write_results(results, tmp_path / "phone.json")
    source = LatencySource(runs=1, bench=(tmp_path / "phone.json",))
    again = compare(settings(photos, out, latency=source))
    assert again.pareto == ("bytes", "phone_latency_ms", "top1")
    for row, each in zip(again.rows, results.measurements, strict=False):
        assert row.phone_latency_ms is not None
        assert row.phone_latency_ms.matched == "sha256"
        assert row.phone_latency_ms.median == pytest.approx(
            (each.statistics().median or 0) / 1e6, 1e-3
        )


# --spec auto


@pytest.mark.slow
def test_auto_builds_what_fits_best_and_says_why(
    photos: Path, warm_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    _without_weights_of(monkeypatch, "mobilenet_v2")
    asked = build_settings(
        spec="auto", data=photos, out=tmp_path / "best", quantize="fp16", epochs=20
    )
    limits = Limits("60s", "20MB", 0.5, "lite0, mobilenet_v2")
    choice = build_best(Recipe(asked, limits, LatencySource(runs=1)), progress=heard)
    assert (choice.spec, choice.runner_up) == ("lite0", None)
    assert any("mobilenet_v2-fp16 is left out" in warning for warning in heard.warnings)
    assert "Could not be built: mobilenet_v2." in choice.why
    assert any("not on a phone" in sentence for sentence in choice.why)

    report = json.loads((tmp_path / "best" / "report.json").read_text())
    assert report["recipe"]["model"]["spec"] == "lite0"
    assert report["recipe"]["output"]["folder"] == str(tmp_path / "best")
    assert report["chosen"]["spec"] == "lite0"
    assert report["chosen"]["why"] == list(choice.why)
    said = report["chosen"]["candidates"][0]
    listed = report["data"]["split"]["validation"]
    right = _top1(choice.result.model, photos, listed)
    assert said["validation_top1"] == {"stretch": right, "crop": right}
    assert choice.result.model == tmp_path / "best" / "model.tflite"
    assert choice.result.android == tmp_path / "best" / "android"
    assert (choice.result.android / "settings.gradle.kts").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best"]

    # It is a build as any other: --force replaces it.
    with pytest.raises(OutputError, match="exists already"):
        build_best(Recipe(asked, Limits(candidates="lite0")))
    with pytest.raises(LimitsError, match="lite0, is .* MB too large"):
        again, small = build_settings(asked, force=True), Limits(max_size="1MB", candidates="lite0")
        build_best(Recipe(again, small, LatencySource(runs=1)))
    assert (tmp_path / "best" / "model.tflite").exists()


def _top1(model: Path, photos: Path, listed: list[str]) -> float:
    """Of those photos, as `packager predict` answers."""
    from packager.classifier_file import predict_photos

    answers = predict_photos(model, [photos / name for name in listed], top=1)
    return sum(each.top[0][0] == each.photo.parent.name for each in answers) / len(listed)


@pytest.mark.slow
def test_auto_fails_as_a_build_does_when_no_candidate_can_be_built(
    photos: Path, warm_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_weights_of(monkeypatch, "mobilenet_v2")
    asked = build_settings(spec="auto", data=photos, out=tmp_path / "best", epochs=4)
    with pytest.raises(PackagerError, match="no weights"):
        build_best(Recipe(asked, Limits(candidates="mobilenet_v2")))
    assert not (tmp_path / "best").exists()
