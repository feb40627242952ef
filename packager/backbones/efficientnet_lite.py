"""EfficientNet-Lite0 to Lite4.

Tan & Le 2019 (https://arxiv.org/abs/1905.11946), table 1, in the Lite variants of
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite: no
squeeze-and-excitation, ReLU6 for swish, and stem, head and the depth of the first and the last
stage are not scaled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from packager.backbones.layers import Convention, Layers, inverted_residual, scale_channels
from packager.backbones.timm_names import inverted_names
from packager.specs import ModelSpec


class Stage(NamedTuple):
    """One row of the paper's table."""

    kernel: int
    stride: int
    expand: int
    channels: int
    layers: int


CONVENTION = Convention(epsilon=1e-3)
STEM, HEAD = 32, 1280
STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)


def scaled_stages(width: float, depth: float) -> Iterator[Stage]:
    """The table for one model of the family."""
    for number, stage in enumerate(STAGES):
        fixed = number in (0, len(STAGES) - 1)
        yield stage._replace(
            channels=scale_channels(stage.channels, width),
            layers=stage.layers if fixed else math.ceil(stage.layers * depth),
        )


def efficientnet_lite(net: Layers, spec: ModelSpec) -> Any:
    """From an image [1, size, size, 3] to the feature vector [1, 1280]."""
    x = net.convolution(net.image(spec.input_size), "stem", STEM, kernel=3, stride=2)
    for number, stage in enumerate(scaled_stages(spec.width, spec.depth), start=1):
        for block in range(1, stage.layers + 1):
            stride = stage.stride if block == 1 else 1
            x = inverted_residual(
                net, x, f"stage{number}_block{block}", stage.channels, stage.kernel, stride,
                stage.expand,
            )  # fmt: skip
    return net.features(net.convolution(x, "head", HEAD))


def published_names(spec: ModelSpec) -> tuple[dict[str, str], ...]:
    """What published state dicts call each layer: `efficientnet_pytorch`'s names, and timm's."""
    pytorch = {"stem_conv": "_conv_stem", "stem_norm": "_bn0", "head_conv": "_conv_head",
               "head_norm": "_bn1", "classes": "_fc"}  # fmt: skip
    timm = {"stem_conv": "conv_stem", "stem_norm": "bn1", "head_conv": "conv_head",
            "head_norm": "bn2", "classes": "classifier"}  # fmt: skip
    count = 0
    for number, stage in enumerate(scaled_stages(spec.width, spec.depth)):
        expands = stage.expand > 1
        parts = ("expand", "depthwise", "project")[not expands :]
        for block in range(stage.layers):
            ours = f"stage{number + 1}_block{block + 1}"
            for index, part in enumerate(parts, start=not expands):
                pytorch[f"{ours}_{part}_conv"] = f"_blocks.{count}._{part}_conv"
                pytorch[f"{ours}_{part}_norm"] = f"_blocks.{count}._bn{index}"
            theirs = f"blocks.{number}.{block}"
            timm |= inverted_names(ours, theirs, expands=expands, excites=False)
            count += 1
    return pytorch, timm
