"""MobileNetV4-Conv-Small and Conv-Medium, as timm computes and publishes them.

Qin et al. 2024 (https://arxiv.org/abs/2404.10518), tables 11 and 12. All is convolutions, BatchNorm
and ReLU. The weights expect PyTorch's padding and an input normalised for each channel; both are in
the graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from packager.backbones.input_units import TORCH_MEAN, TORCH_STD, unit_change
from packager.backbones.layers import Convention, Layers, fused_residual
from packager.backbones.timm_names import convolution_names, fused_names
from packager.specs import ModelSpec


class Conv(NamedTuple):
    """A convolution."""

    kernel: int
    stride: int
    channels: int


class Fused(NamedTuple):
    """A fused inverted bottleneck."""

    kernel: int
    stride: int
    expand: int
    channels: int


class Universal(NamedTuple):
    """A universal inverted bottleneck, section 3.

    Attributes:
        start, middle: sides of the depthwise kernels before and after the expansion; 0 for none.
    """

    start: int
    middle: int
    stride: int
    expand: int
    channels: int


Block = Conv | Fused | Universal
CONVENTION = Convention(epsilon=1e-5, symmetric=True, activation="relu")
STEM, HEAD = 32, 1280
STAGES: dict[str, tuple[tuple[Block, ...], ...]] = {
    "mobilenet_v4_small": (
        (Conv(3, 2, 32), Conv(1, 1, 32)),
        (Conv(3, 2, 96), Conv(1, 1, 64)),
        (Universal(5, 5, 2, 3, 96), *4 * (Universal(0, 3, 1, 2, 96),), Universal(3, 0, 1, 4, 96)),
        (
            Universal(3, 3, 2, 6, 128),
            Universal(5, 5, 1, 4, 128),
            Universal(0, 5, 1, 4, 128),
            Universal(0, 5, 1, 3, 128),
            *2 * (Universal(0, 3, 1, 4, 128),),
        ),
        (Conv(1, 1, 960),),
    ),
    "mobilenet_v4_medium": (
        (Fused(3, 2, 4, 48),),
        (Universal(3, 5, 2, 4, 80), Universal(3, 3, 1, 2, 80)),
        (
            Universal(3, 5, 2, 6, 160),
            *2 * (Universal(3, 3, 1, 4, 160),),
            Universal(3, 5, 1, 4, 160),
            Universal(3, 3, 1, 4, 160),
            Universal(3, 0, 1, 4, 160),
            Universal(0, 0, 1, 2, 160),
            Universal(3, 0, 1, 4, 160),
        ),
        (
            Universal(5, 5, 2, 6, 256),
            Universal(5, 5, 1, 4, 256),
            *2 * (Universal(3, 5, 1, 4, 256),),
            Universal(0, 0, 1, 4, 256),
            Universal(3, 0, 1, 4, 256),
            Universal(3, 5, 1, 2, 256),
            Universal(5, 5, 1, 4, 256),
            *2 * (Universal(0, 0, 1, 4, 256),),
            Universal(5, 0, 1, 2, 256),
        ),
        (Conv(1, 1, 960),),
    ),
}


def mobilenet_v4(net: Layers, spec: ModelSpec) -> Any:
    """From an image [1, size, size, 3] to the feature vector [1, 1280]."""
    units = unit_change(spec, TORCH_MEAN, TORCH_STD)
    x = net.units(net.image(spec.input_size), "torch_input", *units)
    x = net.convolution(x, "stem", STEM, kernel=3, stride=2)
    for name, _, block in _blocks(spec):
        if isinstance(block, Conv):
            x = net.convolution(x, name, block.channels, block.kernel, block.stride)
        elif isinstance(block, Fused):
            x = fused_residual(
                net, x, name, block.channels, block.kernel, block.stride, block.expand
            )
        else:
            x = universal_bottleneck(net, x, name, block)
    return net.flat(net.convolution(net.average(x, "pool"), "head", HEAD))


def universal_bottleneck(net: Layers, x: Any, name: str, block: Universal) -> Any:
    """Filter, expand, filter, project; added to x where the shapes allow."""
    entry, width = x, net.channels(x)
    if block.start:
        stride = 1 if block.middle else block.stride
        x = net.depthwise(x, f"{name}_start", block.start, stride, act=False)
    x = net.convolution(x, f"{name}_expand", width * block.expand)
    if block.middle:
        x = net.depthwise(x, f"{name}_middle", block.middle, block.stride)
    x = net.convolution(x, f"{name}_project", block.channels, act=False)
    return net.add(entry, x, f"{name}_add") if net.channels(x) == width else x


def published_names(spec: ModelSpec) -> tuple[dict[str, str], ...]:
    """What timm's state dict calls each layer."""
    names = {"stem_conv": "conv_stem", "stem_norm": "bn1", "head_conv": "conv_head",
             "head_norm": "norm_head", "classes": "classifier"}  # fmt: skip
    parts = {"start": "dw_start", "expand": "pw_exp", "middle": "dw_mid", "project": "pw_proj"}
    for ours, theirs, block in _blocks(spec):
        if isinstance(block, Conv):
            names |= convolution_names(ours, theirs)
        elif isinstance(block, Fused):
            names |= fused_names(ours, theirs)
        else:
            for part, published in parts.items():
                names[f"{ours}_{part}_conv"] = f"{theirs}.{published}.conv"
                names[f"{ours}_{part}_norm"] = f"{theirs}.{published}.bn"
    return (names,)


def _blocks(spec: ModelSpec) -> Iterator[tuple[str, str, Block]]:
    """Each block with our name and timm's."""
    for stage, blocks in enumerate(STAGES[spec.architecture]):
        for place, block in enumerate(blocks):
            yield f"stage{stage + 1}_block{place + 1}", f"blocks.{stage}.{place}", block
