"""ResNet50 as Keras publishes it, and as torchvision and timm do.

He et al. 2015 (https://arxiv.org/abs/1512.03385), table 1. Keras's weights were ported from Caffe:
there the first convolution of a stage has the stride, and the input is blue, green, red, each less
its mean. Elsewhere the second has it ("1.5"), and each channel is normalised. Either is in the
graph, so that the input stays one mean and one standard deviation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from packager.backbones.input_units import TORCH_MEAN, TORCH_STD, unit_change
from packager.backbones.layers import Convention, Layers
from packager.specs import ModelSpec


class Stage(NamedTuple):
    """One row of the paper's table: bottleneck blocks."""

    channels: int
    blocks: int
    stride: int


CONVENTION = Convention(epsilon=1.001e-5, symmetric=True, bias=True, activation="relu")
TORCH_CONVENTION = Convention(epsilon=1e-5, symmetric=True, activation="relu")
STEM, EXPANSION = 64, 4
STAGES = (Stage(64, 3, 1), Stage(128, 4, 2), Stage(256, 6, 2), Stage(512, 3, 2))
# Red, green, blue; of `keras.applications.imagenet_utils.preprocess_input`, mode "caffe".
CAFFE_MEAN, CAFFE_STD = (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)


def resnet50(net: Layers, spec: ModelSpec) -> Any:
    """From an image [1, size, size, 3] to the feature vector [1, 2048]; an even size."""
    units = unit_change(spec, CAFFE_MEAN, CAFFE_STD, bgr=True)
    x = net.units(net.image(spec.input_size), "caffe_input", *units)
    return _features(net, x, strided=1)


def resnet50_torch(net: Layers, spec: ModelSpec) -> Any:
    """The same as torchvision's and timm's weights want it."""
    units = unit_change(spec, TORCH_MEAN, TORCH_STD)
    x = net.units(net.image(spec.input_size), "torch_input", *units)
    return _features(net, x, strided=2)


def _features(net: Layers, x: Any, strided: int) -> Any:
    """`strided`: which of a block's convolutions has the stride, from 1."""
    x = net.max_pool(net.convolution(x, "conv1", STEM, kernel=7, stride=2), "pool1")
    for number, stage in enumerate(STAGES, start=2):
        for block in range(1, stage.blocks + 1):
            name, first = f"conv{number}_block{block}", block == 1
            stride, wide = stage.stride if first else 1, EXPANSION * stage.channels
            entry = net.convolution(x, f"{name}_0", wide, 1, stride, act=False) if first else x
            x = net.convolution(x, f"{name}_1", stage.channels, 1, stride if strided == 1 else 1)
            x = net.convolution(x, f"{name}_2", stage.channels, 3, stride if strided == 2 else 1)
            x = net.convolution(x, f"{name}_3", wide, act=False)
            x = net.add(entry, x, f"{name}_add", act=True)
    return net.features(x)


def published_names(_: ModelSpec) -> tuple[dict[str, str], ...]:
    """What keras.applications calls each layer."""
    blocks = [f"conv{number}_block{block}" for number, stage in enumerate(STAGES, start=2)
              for block in range(1, stage.blocks + 1)]  # fmt: skip
    parts = ["conv1", *(f"{block}_{part}" for block in blocks for part in range(4))]
    names = {f"{part}_conv": f"{part}_conv" for part in parts}
    return (names | {f"{part}_norm": f"{part}_bn" for part in parts} | {"classes": "predictions"},)


def torch_names(_: ModelSpec) -> tuple[dict[str, str], ...]:
    """What torchvision and timm call each layer."""
    names = {"conv1_conv": "conv1", "conv1_norm": "bn1", "classes": "fc"}
    for number, stage in enumerate(STAGES, start=1):
        for block in range(stage.blocks):
            ours, theirs = f"conv{number + 1}_block{block + 1}", f"layer{number}.{block}"
            names[f"{ours}_0_conv"] = f"{theirs}.downsample.0"
            names[f"{ours}_0_norm"] = f"{theirs}.downsample.1"
            for part in (1, 2, 3):
                names[f"{ours}_{part}_conv"] = f"{theirs}.conv{part}"
                names[f"{ours}_{part}_norm"] = f"{theirs}.bn{part}"
    return (names,)
