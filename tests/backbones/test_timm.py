"""Backbones of timm against what timm itself computes; `timm_vectors.py` writes its answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.backbones.layers import ParameterShapes
from packager.backbones.parameters import PYTORCH
from packager.backbones.pretrained import build_backbone, described_backbone
from packager.backbones.weights import Weights
from packager.export.operators import write_model
from packager.model_cost import model_cost
from packager.specs import SPECS, ModelSpec
from tests.backbones.named_weights import listing, named_tensor, picture
from tests.backbones.test_pretrained import saved
from tests.backbones.timm_vectors import EVERY, VECTORS

ANSWERS: dict[str, dict[str, Any]] = json.loads(VECTORS.read_text())
NAMES = list(ANSWERS)
NOTHING = Weights(None, "none", "random numbers")
LARGE = 8_000_000  # parameters: to draw them and to write them takes a second


def large_are_slow(names: Iterable[str]) -> list[Any]:
    return [
        pytest.param(name, marks=pytest.mark.slow) if SPECS[name].parameters > LARGE else name
        for name in names
    ]


def published_shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """The tensors that a state dict has to have, in PyTorch's order of axes."""
    from packager.backbones.pretrained import _ARCHITECTURES

    # Keras publishes the weights of ResNet50 that are usual; timm's are for another graph.
    architecture = _ARCHITECTURES[spec.architecture.replace("resnet50", "resnet50_torch")]
    wanted = ParameterShapes(architecture.convention)
    wanted.classes(architecture.build(wanted, spec), 1000)
    (names,) = architecture.published_names(spec)
    shapes = {}
    for layer, each in wanted.shapes.items():
        parts = PYTORCH.norm if layer.endswith("_norm") else PYTORCH.kernel
        for part, shape in zip(parts, each, strict=False):
            depthwise = layer in wanted.depthwise_layers and len(shape) == 4
            axes = PYTORCH.axes["depthwise" if depthwise else len(shape)]
            shapes[f"{names[layer]}.{part}"] = tuple(shape[axis] for axis in axes)
    return shapes


def run_file(model: bytes, image: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


@pytest.fixture
def state_dict(name: str, tmp_path: Path) -> Weights:
    """Of the spec `name`."""
    shapes = published_shapes(SPECS[name])
    tensors = {each: named_tensor(each, shape) for each, shape in shapes.items()}
    return saved(tmp_path / "weights.safetensors", tensors)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_are_those_of_timms_state_dict(name: str) -> None:
    shapes = published_shapes(SPECS[name])
    assert len(shapes) == ANSWERS[name]["tensors"]
    assert listing(shapes) == ANSWERS[name]["names"]


@pytest.mark.parametrize("name", NAMES)
def test_input_is_that_of_timms_configuration(name: str) -> None:
    spec, answer = SPECS[name], ANSWERS[name]
    assert spec.input_size == answer["input"]
    if name == "mobilenet_v3_l":  # without a convolution that changes the units
        assert (spec.mean, spec.std) == (255 * answer["mean"][0], 255 * answer["std"][0])
    else:
        from packager.backbones.input_units import TORCH_MEAN, TORCH_STD

        assert pytest.approx([255 * each for each in answer["mean"]]) == TORCH_MEAN
        assert pytest.approx([255 * each for each in answer["std"]]) == TORCH_STD


def features_agree(found: np.ndarray, answer: dict[str, Any]) -> None:
    wanted = np.array(answer["features"])
    assert wanted.std() > 0.01 * answer["largest"]
    assert np.abs(found[0, ::EVERY] - wanted).max() < 1e-4 * answer["largest"]
    assert np.abs(found).max() == pytest.approx(answer["largest"], rel=1e-4)


@pytest.mark.parametrize("name", large_are_slow(NAMES))
def test_the_file_computes_what_timm_computes(name: str, state_dict: Weights) -> None:
    spec = SPECS[name]
    described = described_backbone(spec, state_dict)
    assert described is not None
    pixels = picture(spec.input_size, seed=1)[None].astype(np.float32)
    image = (pixels - np.float32(spec.mean)) / np.float32(spec.std)
    features_agree(run_file(write_model(described), image), ANSWERS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_keras_layers_compute_what_timm_computes(name: str, state_dict: Weights) -> None:
    spec = SPECS[name]
    pixels = picture(spec.input_size, seed=1)[None].astype(np.float32)
    image = (pixels - np.float32(spec.mean)) / np.float32(spec.std)
    model = build_backbone(spec, state_dict)
    features_agree(np.asarray(model(image, training=False)), ANSWERS[name])


class Shapes(ParameterShapes):
    """Also tells whether a convolution of our own changes the input's units."""

    changes_units = False

    def units(self, x: int, name: str, kernel: Any, bias: Any) -> int:
        self.changes_units = True
        return super().units(x, name, kernel, bias)


@pytest.mark.parametrize("name", large_are_slow(SPECS))
def test_parameters_and_multiply_adds_are_the_published_ones(name: str, tmp_path: Path) -> None:
    spec = SPECS[name]
    described = described_backbone(spec, NOTHING, top=True)
    assert described is not None
    wanted = Shapes(described.convention)
    described.build(wanted)
    trained = {
        layer: each[:2] if layer.endswith("_norm") else each
        for layer, each in wanted.shapes.items()
    }
    assert spec.parameters == sum(prod(shape) for each in trained.values() for shape in each)
    path = tmp_path / "model.tflite"
    path.write_bytes(write_model(described))
    found = model_cost(path).multiply_adds
    if name in ANSWERS and name != "resnet50":
        answer = ANSWERS[name]
        assert (spec.parameters, spec.multiply_adds) == (
            answer["parameters"], answer["multiply_adds"],
        )  # fmt: skip
    units = 9 * spec.input_size**2 if wanted.changes_units else 0
    assert found - units == spec.multiply_adds
