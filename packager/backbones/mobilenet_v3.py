"""MobileNetV3-Large, as timm computes it, with Alibaba's weights of ImageNet-21k.

Howard et al. 2019 (https://arxiv.org/abs/1905.02244), table 1; the weights: Ridnik et al. 2021
(https://arxiv.org/abs/2104.10972). They expect PyTorch's padding and pixels of 0..1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from packager.backbones.layers import (
    Convention,
    Layers,
    SqueezeExcite,
    inverted_residual,
    scale_channels,
)
from packager.backbones.timm_names import convolution_names, inverted_names
from packager.specs import ModelSpec


class Bottleneck(NamedTuple):
    """Rows of the paper's table.

    Attributes:
        excite: with squeeze-and-excitation; act: "relu" or "hard_swish".
    """

    kernel: int
    stride: int
    expand: float
    channels: int
    excite: bool
    act: str


CONVENTION = Convention(epsilon=1e-5, symmetric=True, activation="hard_swish")
STEM, LAST, HEAD = 16, 960, 1280
STAGES = (
    (Bottleneck(3, 1, 1, 16, False, "relu"),),
    (Bottleneck(3, 2, 4, 24, False, "relu"), Bottleneck(3, 1, 3, 24, False, "relu")),
    (Bottleneck(5, 2, 3, 40, True, "relu"), *2 * (Bottleneck(5, 1, 3, 40, True, "relu"),)),
    (
        Bottleneck(3, 2, 6, 80, False, "hard_swish"),
        Bottleneck(3, 1, 2.5, 80, False, "hard_swish"),
        *2 * (Bottleneck(3, 1, 2.3, 80, False, "hard_swish"),),
    ),
    2 * (Bottleneck(3, 1, 6, 112, True, "hard_swish"),),
    (
        Bottleneck(5, 2, 6, 160, True, "hard_swish"),
        *2 * (Bottleneck(5, 1, 6, 160, True, "hard_swish"),),
    ),
)


def mobilenet_v3(net: Layers, spec: ModelSpec) -> Any:
    """From an image [1, size, size, 3] to the feature vector [1, 1280]."""
    x = net.convolution(net.image(spec.input_size), "stem", STEM, kernel=3, stride=2)
    for name, _, row in _blocks():
        inner = scale_channels(net.channels(x), row.expand)
        excite = SqueezeExcite(scale_channels(inner, 0.25), "relu", "hard_sigmoid")
        x = inverted_residual(
            net, x, name, row.channels, row.kernel, row.stride, row.expand, row.act,
            excite if row.excite else None,
        )  # fmt: skip
    x = net.average(net.convolution(x, "last", LAST), "pool")
    return net.flat(net.convolution(x, "head", HEAD, norm=False))


def published_names(_: ModelSpec) -> tuple[dict[str, str], ...]:
    """What timm's state dict calls each layer."""
    names = {"stem_conv": "conv_stem", "stem_norm": "bn1", "head_conv": "conv_head",
             "classes": "classifier"}  # fmt: skip
    names |= convolution_names("last", f"blocks.{len(STAGES)}.0")
    for ours, theirs, row in _blocks():
        names |= inverted_names(ours, theirs, expands=row.expand > 1, excites=row.excite)
    return (names,)


def _blocks() -> Iterator[tuple[str, str, Bottleneck]]:
    """Each block with our name and timm's."""
    for stage, rows in enumerate(STAGES):
        for place, row in enumerate(rows):
            yield f"stage{stage + 1}_block{place + 1}", f"blocks.{stage}.{place}", row
