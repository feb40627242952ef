"""EfficientNetV2-B0, as timm computes Google's weights.

Tan & Le 2021 (https://arxiv.org/abs/2104.00298); the B variants are of
https://github.com/google/automl/tree/master/efficientnetv2. The weights expect TensorFlow's padding
and, as timm published them, an input normalised for each channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from packager.backbones.input_units import TORCH_MEAN, TORCH_STD, unit_change
from packager.backbones.layers import (
    Convention,
    Layers,
    SqueezeExcite,
    fused_residual,
    inverted_residual,
)
from packager.backbones.timm_names import convolution_names, fused_names, inverted_names
from packager.specs import ModelSpec


class Stage(NamedTuple):
    """One row of the table; `fused`: of fused blocks, which have no squeeze-and-excitation."""

    fused: bool
    stride: int
    expand: int
    channels: int
    layers: int


CONVENTION = Convention(epsilon=1e-3, activation="silu")
STEM, FIRST, HEAD = 32, 16, 1280
STAGES = (
    Stage(True, 2, 4, 32, 2),
    Stage(True, 2, 4, 48, 2),
    Stage(False, 2, 4, 96, 3),
    Stage(False, 1, 6, 112, 5),
    Stage(False, 2, 6, 192, 8),
)


def efficientnet_v2(net: Layers, spec: ModelSpec) -> Any:
    """From an image [1, size, size, 3] to the feature vector [1, 1280]."""
    units = unit_change(spec, TORCH_MEAN, TORCH_STD)
    x = net.units(net.image(spec.input_size), "torch_input", *units)
    x = net.convolution(x, "stem", STEM, kernel=3, stride=2)
    x = net.convolution(x, "stage1_block1", FIRST, kernel=3)
    for name, _, row, stride in _blocks():
        if row.fused:
            x = fused_residual(net, x, name, row.channels, 3, stride, row.expand)
            continue
        excite = SqueezeExcite(net.channels(x) // 4, "silu", "sigmoid")
        x = inverted_residual(net, x, name, row.channels, 3, stride, row.expand, excite=excite)
    return net.features(net.convolution(x, "head", HEAD))


def published_names(_: ModelSpec) -> tuple[dict[str, str], ...]:
    """What timm's state dict calls each layer."""
    names = {"stem_conv": "conv_stem", "stem_norm": "bn1", "head_conv": "conv_head",
             "head_norm": "bn2", "classes": "classifier"}  # fmt: skip
    names |= convolution_names("stage1_block1", "blocks.0.0")
    for ours, theirs, row, _stride in _blocks():
        if row.fused:
            names |= fused_names(ours, theirs)
        else:
            names |= inverted_names(ours, theirs, expands=True, excites=True)
    return (names,)


def _blocks() -> Iterator[tuple[str, str, Stage, int]]:
    """Each block with our name, timm's, its row and its stride."""
    for number, row in enumerate(STAGES, start=1):
        for place in range(row.layers):
            stride = row.stride if place == 0 else 1
            yield f"stage{number + 1}_block{place + 1}", f"blocks.{number}.{place}", row, stride
