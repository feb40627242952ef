"""The architectures against what is published of them, and against numpy."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.backbones.efficientnet_lite import scaled_stages
from packager.backbones.layers import scale_channels
from packager.backbones.pretrained import build_backbone
from packager.backbones.state_dict import read_state_dict
from packager.backbones.weights import Weights, find_weights
from packager.specs import SPECS, ModelSpec

NOTHING = Weights(None, "none", "random numbers")
Tensors = dict[str, np.ndarray]


def parameters(variables: list[Any]) -> int:
    return sum(prod(variable.shape) for variable in variables)


# Trained parameters with ImageNet's head, as timm publishes them: 4.65, 5.42, 6.09, 8.20, 13.01 M.
# Those and BatchNorm's running means and variances of lite0 to lite2: the published files' sizes.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "trained", "all_of_them"),
    [
        ("lite0", 4_652_008, 4_694_024),
        ("lite1", 5_416_680, 5_470_344),
        ("lite2", 6_092_072, 6_150_168),
        ("lite3", 8_197_096, None),
        ("lite4", 13_006_568, None),
    ],
)
def test_parameters_of_efficientnet_lite(name: str, trained: int, all_of_them: int | None) -> None:
    model = build_backbone(SPECS[name], NOTHING, top=True)
    assert parameters(model.trainable_variables) == trained
    assert all_of_them is None or model.count_params() == all_of_them
    assert model.input_shape == (None, SPECS[name].input_size, SPECS[name].input_size, 3)


@pytest.mark.slow
def test_parameters_of_mobilenet_v2() -> None:
    model = build_backbone(SPECS["mobilenet_v2"], NOTHING, top=True)
    assert parameters(model.trainable_variables) == 3_504_872  # torchvision's


def test_the_table_scales_as_published() -> None:
    assert [s.channels for s in scaled_stages(1.4, 1.8)] == [24, 32, 56, 112, 160, 272, 448]
    assert [s.layers for s in scaled_stages(1.4, 1.8)] == [1, 4, 4, 6, 6, 8, 1]
    assert [s.layers for s in scaled_stages(1.0, 1.1)] == [1, 3, 3, 4, 4, 5, 1]
    assert scale_channels(16, 1.1) == 16
    assert scale_channels(24, 0.5) == 16  # 8 would be less than 90 % of 12


@pytest.mark.slow
def test_layers_are_named_by_stage_and_block() -> None:
    names = [layer.name for layer in build_backbone(SPECS["lite0"], NOTHING).layers]
    assert names[:4] == ["image", "stem_conv", "stem_norm", "stem_relu6"]
    assert {"stage2_block1_depthwise_conv", "stage2_block2_add", "stage7_block1_project_norm"} < {
        *names
    }
    assert names[-1] == "features"


# --- a reference in numpy: explicit padding, float64, and its own table of strides


def same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def symmetric(_size: int, kernel: int, _stride: int) -> tuple[int, int]:
    return kernel // 2, kernel // 2


class Reference:
    """Convolves one image [height, width, channels] with a state dict's tensors."""

    def __init__(
        self, tensors: Tensors, padding: Callable[[int, int, int], tuple[int, int]], epsilon: float
    ) -> None:
        self.tensors = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
        self.padding, self.epsilon = padding, epsilon

    def conv(self, x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
        weight = self.tensors[f"{name}.weight"]
        kernel, depthwise = weight.shape[-1], weight.shape[1] == 1 and x.shape[-1] > 1
        x = np.pad(x, [*(self.padding(side, kernel, stride) for side in x.shape[:2]), (0, 0)])
        windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (0, 1))
        windows = windows[::stride, ::stride]
        if depthwise:
            return np.einsum("hwcij,cij->hwc", windows, weight[:, 0])
        height, width = windows.shape[:2]
        return windows.reshape(height, width, -1) @ weight.reshape(len(weight), -1).T

    def norm(self, x: np.ndarray, name: str, act: bool = True) -> np.ndarray:
        gamma, beta, mean, variance = (
            self.tensors[f"{name}.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        x = (x - mean) / np.sqrt(variance + self.epsilon) * gamma + beta
        return np.clip(x, 0, 6) if act else x

    def block(self, x: np.ndarray, stride: int, *names: tuple[str, str]) -> np.ndarray:
        """names: (conv, norm) of expand (if any), depthwise, project."""
        entry = x
        for conv, norm in names[:-2]:
            x = self.norm(self.conv(x, conv), norm)
        x = self.norm(self.conv(x, names[-2][0], stride), names[-2][1])
        x = self.norm(self.conv(x, names[-1][0]), names[-1][1], act=False)
        return x + entry if x.shape == entry.shape else x


def lite0_reference(pixels: np.ndarray, tensors: Tensors) -> np.ndarray:
    net = Reference(tensors, same, 1e-3)
    x = net.norm(net.conv((pixels - 127) / 128, "_conv_stem", 2), "_bn0")
    for number, stride in enumerate([1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]):
        at = f"_blocks.{number}."
        parts = [("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
        if number:
            parts.insert(0, ("_expand_conv", "_bn0"))
        x = net.block(x, stride, *((at + conv, at + norm) for conv, norm in parts))
    return net.norm(net.conv(x, "_conv_head"), "_bn1")


def mobilenet_v2_reference(pixels: np.ndarray, tensors: Tensors) -> np.ndarray:
    net = Reference(tensors, symmetric, 1e-5)
    x = (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    x = net.norm(net.conv(x, "features.0.0", 2), "features.0.1")
    strides = [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]
    for number, stride in enumerate(strides, start=1):
        parts = [("0.0", "0.1"), ("1.0", "1.1"), ("2", "3")]
        if number == 1:
            parts = [("0.0", "0.1"), ("1", "2")]
        at = f"features.{number}.conv."
        x = net.block(x, stride, *((at + conv, at + norm) for conv, norm in parts))
    return net.norm(net.conv(x, "features.18.0"), "features.18.1")


def mobilenet_file(shared: Path) -> Path:
    return shared / "weights" / "mobilenet_v2-b0353104.pth"


def compare(name: str, weights: Weights, reference: Callable[..., np.ndarray]) -> None:
    """Within 1e-4 of the largest value: each of the 7 by 7 places before pooling, and pooled."""
    import keras

    spec = SPECS[name]
    assert weights.path is not None
    pixels = np.random.default_rng(5).integers(0, 256, (spec.input_size, spec.input_size, 3))
    expected = reference(pixels, read_state_dict(weights.path))
    model = build_backbone(spec, weights)
    model = keras.Model(model.input, [model.get_layer("head_relu6").output, model.output])
    image = ((pixels - spec.mean) / spec.std).astype(np.float32)
    places, features = (np.asarray(out)[0] for out in model(image[None], training=False))
    assert places.shape == (7, 7, 1280)
    assert np.abs(places - expected).max() / expected.max() < 1e-4
    pooled = expected.mean(axis=(0, 1))
    assert np.abs(features - pooled).max() / pooled.max() < 1e-4


@pytest.mark.slow
def test_lite0_computes_what_numpy_computes() -> None:
    compare("lite0", find_weights(SPECS["lite0"], download=False), lite0_reference)


@pytest.mark.shared
def test_mobilenet_v2_computes_what_torchvision_computes(shared: Path) -> None:
    weights = find_weights(SPECS["mobilenet_v2"], mobilenet_file(shared))
    compare("mobilenet_v2", weights, mobilenet_v2_reference)


# --- top-1 over photos


def photos(shared: Path) -> tuple[list[Any], np.ndarray]:
    from PIL import Image

    classes = (shared / "data" / "imagenet-wnids.txt").read_text().split()
    paths = sorted((shared / "data" / "imagenet-samples").glob("*.JPEG"))
    assert len(paths) == 100
    truth = np.array([classes.index(path.name.partition("_")[0]) for path in paths])
    return [Image.open(path).convert("RGB") for path in paths], truth


def centre_crop(image: Any, size: int, tensorflow: bool) -> np.ndarray:
    """The middle 0.875 of the short side, bicubic.

    TensorFlow's resize takes the nearest pixels only and that is what EfficientNet-Lite saw in
    training; Pillow's averages all that become one, and that is what torchvision's models saw.
    """
    from PIL import Image

    side = min(image.size) * 0.875
    left, top = ((length - side) / 2 for length in image.size)
    if not tensorflow:
        box = (left, top, left + side, top + side)
        return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box), np.float32)
    import tensorflow as tf

    left, top, side = round(left), round(top), int(side)
    pixels = np.asarray(image, np.float32)[top : top + side, left : left + side]
    return np.asarray(tf.image.resize(pixels, (size, size), "bicubic"))


def top1(
    model: Any, spec: ModelSpec, images: list[Any], truth: np.ndarray, tensorflow: bool = True
) -> float:
    pixels = np.stack([centre_crop(image, spec.input_size, tensorflow) for image in images])
    scores = model.predict((pixels - spec.mean) / spec.std, batch_size=25, verbose=0)
    share = float(np.mean(scores.argmax(axis=1) == truth))
    print(f"{spec.name}: top-1 {share:.2f}")
    return share


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", ["lite0", "lite1", "lite2", "mobilenet_v2"])
def test_top1_over_imagenet_photos(shared: Path, name: str) -> None:
    spec = SPECS[name]
    torchvision = name == "mobilenet_v2"
    weights = find_weights(spec, mobilenet_file(shared) if torchvision else "auto", download=False)
    model = build_backbone(spec, weights, top=True)
    assert top1(model, spec, *photos(shared), tensorflow=not torchvision) >= 0.85


def fill_from_tflite(model: Any, path: Path) -> None:
    """The convolutions of an int8 .tflite as floats; BatchNorm, folded into them, does nothing."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(str(path), experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}

    def floats(index: int) -> np.ndarray:
        values = interpreter.get_tensor(index).astype(np.float32)
        how = details[index]["quantization_parameters"]
        shape = [1] * values.ndim
        shape[how["quantized_dimension"]] = -1
        return (values - how["zero_points"].reshape(shape)) * how["scales"].reshape(shape)

    operators = [
        operator
        for operator in interpreter._get_ops_details()
        if "CONV_2D" in operator["op_name"] or operator["op_name"] == "FULLY_CONNECTED"
    ]
    layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
    for operator, layer in zip(operators, layers, strict=True):
        kernel, bias = (floats(index) for index in operator["inputs"][1:3])
        if layer.name == "classes":
            layer.set_weights([kernel.reshape(1000, -1).T, bias])
            continue
        layer.kernel.assign(kernel.transpose(1, 2, 3, 0))
        norm = model.get_layer(layer.name.replace("_conv", "_norm"))
        zeros, ones = np.zeros_like(bias), np.ones_like(bias)
        norm.set_weights([np.full_like(bias, np.sqrt(1 + norm.epsilon)), bias, zeros, ones])


@pytest.mark.slow
@pytest.mark.shared
def test_lite3_with_the_weights_of_a_published_tflite_file(shared: Path) -> None:
    spec = SPECS["lite3"]
    model = build_backbone(spec, NOTHING, top=True)
    fill_from_tflite(model, shared / "weights" / "efficientnet_lite3.tflite")
    assert top1(model, spec, *photos(shared)) >= 0.85


# --- what the graph becomes


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lite0", "mobilenet_v2"])
def test_the_tflite_graph_has_no_operator_that_need_not_be_there(name: str) -> None:
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    model = build_backbone(SPECS[name], NOTHING, top=True)
    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, "image")
    function = tf.function(lambda image: model(image, training=False), autograph=False)
    frozen = convert_variables_to_constants_v2(function.get_concrete_function(image))
    content = tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()
    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    operators = [op["op_name"] for op in interpreter._get_ops_details()]
    usual = {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MEAN", "FULLY_CONNECTED", "SOFTMAX"}
    assert {*operators} == usual | ({"PAD"} if name == "mobilenet_v2" else set())
    convolutions = sum("_conv" in layer.name for layer in model.layers)
    extra = 1 if name == "mobilenet_v2" else 0  # torch_input
    assert sum("CONV_2D" in operator for operator in operators) == convolutions + extra
