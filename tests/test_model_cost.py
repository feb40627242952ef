from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from packager.backbones.pretrained import build_backbone
from packager.backbones.weights import Weights
from packager.export.convert import convert
from packager.export.quantize import quantize
from packager.model_cost import ModelCost, model_cost
from packager.specs import SPECS
from tests.conftest import images

# By hand, of conftest's tiny classifier. 32 x 32 pixels: 3 x 3 x 3 to 16 with stride 2, 3 x 3
# depthwise, 16 to 128, 128 to 16, mean, 16 to 3 classes.
TINY = ModelCost(
    parameters=(27 * 16 + 16) + (9 * 16 + 16) + (16 * 128 + 128) + (128 * 16 + 16) + (16 * 3 + 3),
    multiply_adds=16 * 16 * (27 * 16 + 9 * 16 + 16 * 128 + 128 * 16) + 16 * 3,
)


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["none", "fp16", "dynamic", "int8"])
def test_cost_is_the_graphs_whatever_the_quantization(
    tiny_classifier: bytes, quantization: str, tmp_path: Path
) -> None:
    model = quantize(
        tiny_classifier,
        quantization,
        io="float32",
        input_range=(-1, 1),
        representative=lambda: (photo[None] / np.float32(128) - 1 for photo in images(4)),
    )
    (tmp_path / "model.tflite").write_bytes(model)
    assert model_cost(tmp_path / "model.tflite") == TINY


def cost_with_top(spec: str, tmp_path: Path) -> tuple[ModelCost, int, int]:
    """The cost of the whole ImageNet model, Keras's parameters, channels normalized."""
    import keras

    network = build_backbone(SPECS[spec], Weights(None, "none", "random numbers"), top=True)
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    channels = sum(int(norm.gamma.shape[0]) for norm in norms)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.bias.assign(np.ones(layer.bias.shape))  # of zeros the converter makes none
    (tmp_path / "model.tflite").write_bytes(convert(network))
    return model_cost(tmp_path / "model.tflite"), network.count_params(), channels


@pytest.mark.slow
def test_lite0_costs_what_keras_and_the_paper_say(tmp_path: Path) -> None:
    cost, parameters, channels = cost_with_top("lite0", tmp_path)
    assert parameters == 4_694_024
    # of four numbers a channel, batch normalization leaves one: the bias
    assert cost.parameters == parameters - 3 * channels
    assert cost.multiply_adds == pytest.approx(0.385e9, rel=0.01)


@pytest.mark.slow
def test_mobilenet_costs_what_the_paper_says(tmp_path: Path) -> None:
    cost, parameters, channels = cost_with_top("mobilenet_v2", tmp_path)
    assert cost.parameters == parameters - 3 * channels
    # a 1 x 1 convolution puts pixels into torch's units
    assert cost.parameters == 3_504_872 - channels + 12
    assert cost.multiply_adds == pytest.approx(0.300e9, rel=0.01)
