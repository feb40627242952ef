"""Small classifiers that int8 hurts, and what is needed to say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from packager.backbones.layers import (
    Convention,
    Layers,
    ParameterShapes,
    SqueezeExcite,
    inverted_residual,
)
from packager.backbones.parameters import drawn_parameters
from packager.backbones.pretrained import Described
from packager.export import flatbuffer
from packager.export.head import attach_head
from packager.export.operators import write_model
from packager.export.sensitivity import logits, values_of
from tests.conftest import images

INPUT_RANGE = ((0 - 127) / 128, (255 - 127) / 128)


def pictures(count: int, seed: int) -> list[np.ndarray]:
    """Normalised, float32 [1, 32, 32, 3]."""
    return [(image[None].astype(np.float32) - 127) / 128 for image in images(count, seed)]


def residual_classifier() -> bytes:
    """Two inverted residual blocks and a head of five classes, float; random, but not idle."""
    import keras

    from packager.export.convert import convert

    keras.utils.set_random_seed(7)
    layers = keras.layers
    image = keras.Input((32, 32, 3))
    hidden = layers.ReLU(6.0)(layers.Conv2D(16, 3, strides=2, padding="same")(image))
    hidden = layers.Conv2D(16, 1)(hidden)
    for _ in range(2):
        wide = layers.ReLU(6.0)(layers.Conv2D(48, 1)(hidden))
        wide = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, padding="same")(wide))
        hidden = layers.Add()([hidden, layers.Conv2D(16, 1)(wide)])
    hidden = layers.ReLU(6.0)(layers.Conv2D(64, 1)(hidden))
    backbone = convert(keras.Model(image, layers.GlobalAveragePooling2D()(hidden)))
    last = len(flatbuffer.unpack(backbone).subgraphs[0].operators) - 1
    features = np.concatenate(list(values_of(backbone, last, pictures(60, seed=11))))
    kernel = np.random.default_rng(3).normal(0, 0.5, (64, 5)) / features.std(axis=0).mean()
    return attach_head(
        backbone, kernel.astype(np.float32), (-features.mean(axis=0) @ kernel).astype(np.float32)
    )


def excited_classifier() -> bytes:
    """Squeeze-and-excitation, hard-swish and SiLU, and a head of five classes, float; random."""

    def build(net: Layers) -> Any:
        x = net.convolution(net.image(32), "stem", 16, 3, 2, act="hard_swish")
        excite = SqueezeExcite(8, "relu", "hard_sigmoid")
        x = inverted_residual(net, x, "one", 16, 3, 1, 2, "hard_swish", excite)
        excite = SqueezeExcite(8, "silu", "sigmoid")
        x = inverted_residual(net, x, "two", 16, 3, 1, 2, "silu", excite)
        return net.features(x)

    convention = Convention(1e-3)
    wanted = ParameterShapes(convention)
    build(wanted)
    backbone = write_model(Described(convention, drawn_parameters(wanted, 3), build))
    kernel = np.random.default_rng(3).normal(0, 5, (16, 5)).astype(np.float32)
    return attach_head(backbone, kernel, np.zeros(5, np.float32))


def unequalised(model: bytes, operators: Sequence[int], factor: float) -> bytes:
    """The same function, harder to quantize: cross-layer equalisation (Nagel et al. 2019) undone.

    Every second channel of these convolutions' outputs is multiplied, and divided again by the
    convolutions that read them. Outputs that are added to each other have to be given together,
    the additions too.
    """
    parsed = flatbuffer.unpack(model)
    graph = parsed.subgraphs[0]
    scaled = {int(graph.operators[number].outputs[0]) for number in operators}

    def multiply(index: int, factors: np.ndarray) -> None:
        tensor = graph.tensors[index]
        values = flatbuffer.constant(parsed, tensor)
        assert values is not None
        tensor.buffer = flatbuffer.add_buffer(parsed, (values * factors).astype(np.float32))

    for operator in graph.operators:
        if len(operator.inputs) < 3:  # an addition, a mean, a softmax
            continue
        output = graph.tensors[operator.outputs[0]]
        channels = np.where(np.arange(output.shape[-1]) % 2, 1.0, factor)
        if int(operator.outputs[0]) in scaled:
            multiply(operator.inputs[1], channels.reshape(-1, 1, 1, 1))
            multiply(operator.inputs[2], channels)
        if int(operator.inputs[0]) in scaled:
            width = graph.tensors[operator.inputs[0]].shape[-1]
            multiply(operator.inputs[1], 1 / np.where(np.arange(width) % 2, 1.0, factor))
    return flatbuffer.pack(parsed)


def disagreement(model: bytes, quantized: bytes, samples: Sequence[np.ndarray]) -> float:
    """Points of top-1 lost, were the float model always right."""
    one, other = (logits(each, samples).argmax(axis=1) for each in (model, quantized))
    return 100 * float((one != other).mean())
