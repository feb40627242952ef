"""ResNet50 as Keras publishes it, with the weights that were ported from Caffe.

He et al. 2015 (https://arxiv.org/abs/1512.03385), table 1; as in Caffe the first convolution of a
stage has the stride. The weights expect Caffe's input: blue, green, red, each less its mean; that
is in the graph, so that the input stays one mean and one standard deviation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from packager.backbones.input_units import unit_change
from packager.backbones.layers import Convention, Layers
from packager.specs import ModelSpec


class Stage(NamedTuple):
    """One row of the paper's table: bottleneck blocks."""

    channels: int
    blocks: int
    stride: int


CONVENTION = Convention(epsilon=1.001e-5, symmetric=True, bias=True, activation="relu")
STEM, EXPANSION = 64, 4
STAGES = (Stage(64, 3, 1), Stage(128, 4, 2), Stage(256, 6, 2), Stage(512, 3, 2))
# Red, green, blue; of `keras.applications.imagenet_utils.preprocess_input`, mode "caffe".
CAFFE_MEAN, CAFFE_STD = (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)


def resnet50(net: Layers, spec: ModelSpec) -> Any:
    """From an image [1, size, size, 3] to the feature vector [1, 2048]; an even size."""
    units = unit_change(spec, CAFFE_MEAN, CAFFE_STD, bgr=True)
    x = net.units(net.image(spec.input_size), "caffe_input", *units)
    x = net.max_pool(net.convolution(x, "conv1", STEM, kernel=7, stride=2), "pool1")
    for number, stage in enumerate(STAGES, start=2):
        for block in range(1, stage.blocks + 1):
            name, first = f"conv{number}_block{block}", block == 1
            stride, wide = stage.stride if first else 1, EXPANSION * stage.channels
            entry = net.convolution(x, f"{name}_0", wide, 1, stride, act=False) if first else x
            x = net.convolution(x, f"{name}_1", stage.channels, 1, stride)
            x = net.convolution(x, f"{name}_2", stage.channels, 3)
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
