"""The written file against the one that TensorFlow's converter makes of the Keras model."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.backbones.pretrained import build_backbone, described_backbone
from packager.backbones.weights import Weights, find_weights
from packager.export import flatbuffer
from packager.export.convert import convert
from packager.export.operators import write_model
from packager.specs import SPECS, ModelSpec

NOTHING = Weights(None, "none", "random numbers")


def small(name: str, size: int) -> ModelSpec:
    return replace(SPECS[name], input_size=size)


def operators(model: bytes) -> list[Any]:
    """Code, version, options and shapes of each operator."""
    unpacked = flatbuffer.unpack(model)
    graph = unpacked.subgraphs[0]

    def shapes(indices: Any) -> list[list[int]]:
        return [[int(side) for side in graph.tensors[index].shape] for index in indices]

    return [
        (
            flatbuffer.builtin_of(unpacked, operator),
            unpacked.operatorCodes[operator.opcodeIndex].version,
            vars(operator.builtinOptions) if operator.builtinOptions else {},
            shapes(operator.inputs),
            shapes(operator.outputs),
        )
        for operator in graph.operators
    ]


def run(model: bytes, size: int) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    image = np.random.default_rng(0).uniform(-1, 1, (1, size, size, 3)).astype(np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def compare(spec: ModelSpec, weights: Weights, *, top: bool = False) -> None:
    described = described_backbone(spec, weights, top=top, seed=4)
    assert described is not None
    ours = write_model(described)
    converted = convert(build_backbone(spec, weights, top=top, seed=4))
    assert operators(ours) == operators(converted)
    found, wanted = run(ours, spec.input_size), run(converted, spec.input_size)
    assert found.shape == wanted.shape
    assert wanted.std() > 0
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("lite0", 96),
        ("lite2", 260),
        ("lite4", 100),
        ("mobilenet_v2", 96),
        ("resnet50", 64),
        ("mobilenet_v3_l", 64),
        ("mobilenet_v4_s", 64),
        ("efficientnet_v2_b0", 64),
    ],
)
def test_random_numbers_give_the_converters_file(name: str, size: int) -> None:
    compare(small(name, size), NOTHING)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lite0", "lite1", "lite2"])
def test_published_numbers_give_the_converters_file(name: str) -> None:
    compare(SPECS[name], find_weights(SPECS[name], download=False), top=name == "lite0")


@pytest.mark.slow
@pytest.mark.shared
def test_torchvisions_numbers_give_the_converters_file(shared: Path) -> None:
    spec = SPECS["mobilenet_v2"]
    compare(spec, find_weights(spec, shared / "weights" / "mobilenet_v2-b0353104.pth"))


def test_the_file_is_the_same_each_time_and_needs_no_tensorflow() -> None:
    code = (
        "import sys, hashlib\n"
        "from tests.export.test_operators import *\n"
        "files = [write_model(described_backbone(small('lite0', 64), NOTHING, seed=s))"
        " for s in (1, 1, 2)]\n"
        "assert files[0] == files[1] != files[2]\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules), 'imported'\n"
    )
    import subprocess

    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
