"""`--spec timm:NAME`. What runs timm needs the extra `timm`, whose PyTorch weighs gigabytes: these
tests are skipped without it; `.ci/timm-job` runs them. In an environment of its own:

    pip install "tflite-packager[timm]" pytest pytest-timeout
    python -m pytest tests/backbones/test_timm_models.py
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from packager.backbones.pretrained import build_backbone
from packager.backbones.settings import ModelSettings, chosen_spec
from packager.backbones.timm_models import timm_backbone, timm_spec
from packager.backbones.weights import Weights
from packager.build import build
from packager.classifier_file import predict_photos
from packager.errors import ModelFileError, SettingsError, WeightsError
from packager.extras import has_extra
from packager.isolation import run_isolated
from packager.specs import get_spec
from tests.backbones.named_weights import named_tensor
from tests.backbones.test_pretrained import saved
from tests.settings import build_settings

NAME = "timm:test_efficientnet.r160_in1k"  # 0.4 million parameters
installed = pytest.mark.skipif(not has_extra("timm"), reason="the extra `timm` isn't installed")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    settings = ModelSettings("timm:mobilenetv3_small_050")  # nothing is asked before a build
    timm_spec.cache_clear()
    with pytest.raises(SettingsError) as caught:
        chosen_spec(settings)
    assert caught.value.where == "--spec timm:mobilenetv3_small_050"
    assert 'pip install "tflite-packager[timm]"' in caught.value.fix


def test_it_is_not_fine_tuned(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs a frozen backbone") as caught:
        build_settings(data=tmp_path, spec=NAME, fine_tune="tail")
    assert caught.value.where == f"--spec {NAME}"
    with pytest.raises(SettingsError, match="can't be fine-tuned"):
        build_backbone(replace(get_spec("lite0"), timm="vit"), Weights(None, "none", ""))


def tensors(model: str) -> dict[str, np.ndarray]:
    """A whole state dict of it."""
    import timm

    state = timm.create_model(model).state_dict()
    return {
        name: named_tensor(name, tuple(each.shape))
        for name, each in state.items()
        if "num_batches" not in name
    }


def features(model: str, named: dict[str, np.ndarray], pixels: np.ndarray) -> np.ndarray:
    """What timm gives for uint8 [size, size, 3]."""
    import timm
    import torch

    network = timm.create_model(model, num_classes=0).eval()
    state = {name: torch.from_numpy(each) for name, each in named.items()}
    network.load_state_dict({name: state[name] for name in network.state_dict() if name in state},
                            strict=False)  # fmt: skip
    config = timm.data.resolve_model_data_config(network)
    image = (pixels / 255 - config["mean"]) / config["std"]
    with torch.no_grad():
        return network(torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32))).numpy()


def run_file(model: bytes, image: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


@installed
@pytest.mark.slow
def test_the_file_computes_what_timm_computes(tmp_path: Path) -> None:
    spec = timm_spec(NAME)
    assert (spec.input_size, spec.mean, spec.std, spec.timm) == (160, 127.5, 127.5, NAME[5:])
    named = run_isolated(tensors, spec.timm)
    weights = saved(tmp_path / "own.safetensors", named)
    pixels = np.random.default_rng(3).integers(0, 256, (160, 160, 3)).astype(np.float32)
    wanted = run_isolated(features, spec.timm, named, pixels)
    found = run_file(
        timm_backbone(spec, weights.path), ((pixels[None] - 127.5) / 127.5).astype(np.float32)
    )
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()

    missing = {name: each for name, each in named.items() if name != "blocks.1.0.bn1.bias"}
    for tampered, words in (
        (missing, "no tensor 'blocks.1.0.bn1.bias' of shape"),
        (named | {"blocks.1.0.more": named["bn1.bias"]}, "has a tensor 'blocks.1.0.more'"),
    ):
        weights = saved(tmp_path / "tampered.safetensors", tampered)
        with pytest.raises(WeightsError, match=words):
            timm_backbone(spec, weights.path)


@installed
@pytest.mark.slow
def test_a_build(few_photos: Path, cache: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"split": "50/25/25", "epochs": 1, "android": False}
    result = build(build_settings(data=few_photos, out=tmp_path / "out", spec=NAME,
                                  weights="none", **settings))  # fmt: skip
    assert result.spec == "timm_test_efficientnet.r160_in1k"
    (answer,) = predict_photos(result.model, [few_photos / "red" / "0.png"])
    assert sum(score for _, score in answer.top) == pytest.approx(1, abs=0.02)


@installed
@pytest.mark.slow
def test_what_it_cannot_convert_is_refused_with_the_operator(monkeypatch: Any) -> None:
    spec = replace(timm_spec(NAME), timm="gfnet_like")
    with pytest.raises(ModelFileError, match=r"no counterpart of aten[.:]+_fft"):
        run_isolated(converted_with_fourier, spec)


def converted_with_fourier(spec: Any) -> bytes:
    """A model that timm hasn't, with an operator that litert-torch hasn't."""
    import timm
    import torch

    from packager.backbones import timm_models

    class Fourier(torch.nn.Module):
        pretrained_cfg: ClassVar = {"mean": (0.5,) * 3, "std": (0.5,) * 3}

        def forward(self, image: Any) -> Any:
            return torch.fft.rfft2(image).real.mean((2, 3))

    timm.create_model = lambda *_, **__: Fourier()
    return timm_models._converted(spec, None, 0)


@installed
@pytest.mark.slow
def test_a_name_that_timm_does_not_know() -> None:
    timm_spec.cache_clear()
    with pytest.raises(SettingsError, match="can't build it") as caught:
        timm_spec("timm:mobilenetv4_conv_tiny")
    assert "mobilenetv4_conv_small" in caught.value.fix
    assert sys.modules.get("torch") is None
