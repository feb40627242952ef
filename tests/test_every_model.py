"""Every model the whole way: photos, int8 file, metadata, prediction, latency on this machine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from packager import specs
from packager.bench.host import bench_on_host
from packager.bench.plan import Plan
from packager.build import BuildResult, build
from packager.classifier_file import predict_photos
from packager.contract import describe_model
from packager.errors import SettingsError
from packager.extras import has_extra
from packager.inspection import inspect_model
from packager.specs import SPECS, ModelSpec, register
from tests.conftest import COLORS, Heard, need
from tests.export.test_convert import hub_module, network
from tests.settings import build_settings

PLAN = Plan(threads=(1,), runs=3, least_runs=3, least_warmup=1, most_warmup=1, photos=3)
QUANTIZATIONS = ("none", "fp16", "dynamic", "int8", "int16x8")


def made(photos: Path, out: Path, **more: Any) -> BuildResult:
    usual = {"split": "50/25/25", "epochs": 1, "android": False}
    return build(build_settings(data=photos, out=out, **{**usual, **more}))


def check(result: BuildResult, photos: Path, size: int) -> None:
    """The file describes itself, classifies, and can be measured."""
    described = describe_model(result.model)
    assert described.labels == tuple(sorted(COLORS))
    assert described.spec["model"]["spec"] == result.spec
    assert described.spec["input"]["shape"] == [1, size, size, 3]
    report = inspect_model(result.model)
    assert report.metadata is not None
    assert report.metadata.inputs[0].mean
    assert report.labels == described.labels
    (prediction,) = predict_photos(result.model, [photos / "red" / "0.png"], top=3)
    assert {label for label, _ in prediction.top} == set(COLORS)
    assert sum(score for _, score in prediction.top) == pytest.approx(1, abs=0.02)
    results = bench_on_host([result.model], data=photos, plan=PLAN)
    (measured,) = results.measurements
    assert measured.skipped is None
    assert measured.metrics["timeNs"].runs


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SPECS))
def test_every_spec(name: str, few_photos: Path, warm_cache: Path, tmp_path: Path) -> None:
    spec = SPECS[name]
    result = made(few_photos, tmp_path / "out", spec=name, weights="none")
    check(result, few_photos, spec.input_size)
    report = inspect_model(result.model)
    assert report.quantization == "int8 full integer, per channel"
    assert report.inputs[0].dtype == "uint8"
    assert report.metadata is not None
    assert report.metadata.name.endswith(spec.title)
    assert (result.out / "labels.txt").read_text().split() == sorted(COLORS)


@pytest.fixture(scope="module", params=["keras file", "SavedModel", "hub module"])
def backbone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backbone")
    if request.param == "hub module":
        hub_module(folder / "own", signature=False)
        return folder / "own"
    if request.param == "SavedModel":
        network(48).export(folder / "own", verbose=False)
        return folder / "own"
    network(48, pooled=False).save(folder / "own.keras")
    return folder / "own.keras"


@pytest.mark.slow
@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_a_backbone_of_ones_own(
    backbone: Path, quantization: str, photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    result = made(
        photos, tmp_path / "out", backbone=backbone, input_size=48, quantize=quantization,
        mean="123.675,116.28,103.53", std="58.395,57.12,57.375", epochs=60, learning_rate=0.05,
    )  # fmt: skip
    assert result.spec == "own"
    if quantization in ("none", "int8"):
        check(result, photos, 48)
    # Random filters tell colours apart too.
    assert result.float_evaluation.top1("stretch") == result.evaluation.top1("stretch") == 1
    report = json.loads((result.out / "report.json").read_text())
    assert report["spec"]["feature_size"] in (5, 12)
    assert report["recipe"]["model"]["backbone"] == str(backbone)
    assert len(report["weights"]["sha256"]) == 64


@pytest.mark.slow
def test_a_registered_spec(
    few_photos: Path, warm_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(specs, "SPECS", dict(specs.SPECS))
    monkeypatch.setattr(specs, "_builds", {})
    spec = replace(
        specs.get_spec("mobilenet_v2"), name="mine", title="Mine", input_size=40, feature_size=12
    )

    def make(spec: ModelSpec) -> Any:
        return network(spec.input_size)

    register(spec, make)
    result = made(few_photos, tmp_path / "out", spec="mine")
    check(result, few_photos, 40)
    assert result.spec == "mine"


@pytest.mark.slow
def test_an_operator_that_int16x8_lacks_stays_in_float_and_is_named(
    few_photos: Path, warm_cache: Path, tmp_path: Path, heard: Heard
) -> None:
    import keras

    image = keras.Input((48, 48, 3))
    x = keras.layers.Activation("hard_silu")(keras.layers.Conv2D(8, 3, 2)(image))
    keras.Model(image, x).save(tmp_path / "own.keras")
    settings = build_settings(
        data=few_photos, out=tmp_path / "out", split="50/25/25", epochs=1, android=False,
        backbone=tmp_path / "own.keras", input_size=48, mean="0", std="255",
        quantize="int16x8",
    )  # fmt: skip
    build(settings, progress=heard)
    assert any("HARD_SWISH has no int16x8 implementation" in each for each in heard.warnings)


def test_a_spec_and_a_backbone_contradict(few_photos: Path, tmp_path: Path) -> None:
    need(has_extra("tensorflow"), "the extra `tensorflow`")
    own = tmp_path / "own.keras"
    own.write_bytes(b"")
    takes = {"input_size": 48, "mean": "0", "std": "255"}
    with pytest.raises(SettingsError, match="Give only one of the two"):
        made(few_photos, tmp_path / "out", spec="lite1", backbone=own, **takes)
    with pytest.raises(SettingsError, match="--backbone"):
        made(few_photos, tmp_path / "out", **takes)
    with pytest.raises(SettingsError, match="side of its square"):
        made(few_photos, tmp_path / "out", backbone=own)
    assert not (tmp_path / "out").exists()
