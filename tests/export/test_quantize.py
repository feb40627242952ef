from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from packager.errors import SettingsError
from packager.export.quantize import quantize
from packager.export.settings import IO_TYPES, io_type
from packager.inference import Classifier, Normalisation
from packager.inspection import inspect_model
from tests.conftest import images

NORMALISATION = Normalisation((127.0,), (128.0,))
RANGE = ((0 - 127) / 128, (255 - 127) / 128)


def representative() -> list[np.ndarray]:
    return [(image[None].astype(np.float32) - 127) / 128 for image in images(40, seed=1)]


def made(model: bytes, quantization: str, io: str | None = None) -> bytes:
    return quantize(
        model,
        quantization,
        io=io_type(quantization, io),
        input_range=RANGE,
        representative=representative,
    )


def operators(model: bytes, folder: Path) -> Counter[str]:
    path = folder / "model.tflite"
    path.write_bytes(model)
    return Counter(inspect_model(path).operators)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quantization", "io", "tolerance"),
    [
        ("fp16", "float32", 0.004),
        ("dynamic", "float32", 0.05),
        ("int8", "uint8", 0.08),
        ("int8", "int8", 0.08),
        ("int8", "float32", 0.08),
        ("int16x8", "float32", 0.05),
    ],
)
def test_quantized_scores_stay_near_the_float_ones(
    tiny_classifier: bytes, quantization: str, io: str, tolerance: float
) -> None:
    plain = Classifier(tiny_classifier, NORMALISATION)
    small = Classifier(made(tiny_classifier, quantization, io), NORMALISATION)
    worst = max(np.abs(plain.scores(i) - small.scores(i)).max() for i in images(30, seed=2))
    assert worst < tolerance


@pytest.mark.slow
@pytest.mark.parametrize("io", IO_TYPES)
def test_int8_has_no_needless_operators(tiny_classifier: bytes, tmp_path: Path, io: str) -> None:
    used = operators(made(tiny_classifier, "int8", io), tmp_path)
    ends = used.pop("QUANTIZE", 0) + used.pop("DEQUANTIZE", 0)
    assert ends == {"uint8": 2, "int8": 0, "float32": 2}[io]
    assert used == {
        "CONV_2D": 3, "DEPTHWISE_CONV_2D": 1, "MEAN": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1,
    }  # fmt: skip


@pytest.mark.slow
def test_uint8_pixels_enter_as_they_are(tiny_classifier: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(made(tiny_classifier, "int8", "uint8"))
    report = inspect_model(path)
    assert report.inputs[0].dtype == "uint8"
    assert report.inputs[0].scale == (1 / 128,)
    assert report.inputs[0].zero_point == (127,)
    assert report.outputs[0].scale == (1 / 256,)
    assert report.quantization == "int8 full integer, per channel"


@pytest.mark.slow
def test_each_kind_is_recognised(tiny_classifier: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    for quantization, name in (
        ("none", "float32"),
        ("fp16", "float16 weights"),
        ("int16x8", "int16x8, per channel"),
    ):
        path.write_bytes(made(tiny_classifier, quantization))
        assert inspect_model(path).quantization == name


@pytest.mark.slow
def test_dynamic_quantizes_large_weights_only(tiny_classifier: bytes) -> None:
    from ai_edge_litert import schema_py_generated as schema

    from packager.export import flatbuffer

    model = flatbuffer.unpack(made(tiny_classifier, "dynamic"))
    scales = [
        (int(np.prod(tensor.shape)), len(tensor.quantization.scale))
        for tensor in model.subgraphs[0].tensors
        if tensor.type == schema.TensorType.INT8
    ]
    assert sorted(scales) == [(2048, 16), (2048, 128)]  # the two pointwise kernels, per channel


@pytest.mark.slow
def test_quantizing_twice_gives_the_same_bytes(tiny_classifier: bytes) -> None:
    for quantization in ("fp16", "dynamic", "int8", "int16x8"):
        assert made(tiny_classifier, quantization) == made(tiny_classifier, quantization)


def test_io_types_by_default() -> None:
    assert io_type("int8", None) == "uint8"
    for quantization in ("none", "fp16", "dynamic", "int16x8"):
        assert io_type(quantization, None) == "float32"


@pytest.mark.parametrize(
    ("quantization", "io", "message"),
    [
        ("int4", None, "unknown quantization 'int4'.*none, fp16, dynamic, int8, int16x8"),
        ("int8", "uint16", "unknown input type 'uint16'.*uint8, int8, float32"),
        ("fp16", "uint8", "--quantize fp16 can't take uint8 pixels.*Use --quantize int8"),
    ],
)
def test_bad_settings_are_refused(quantization: str, io: str | None, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        io_type(quantization, io)


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["none", "fp16", "dynamic", "int8", "int16x8"])
def test_constants_are_aligned(tiny_classifier: bytes, quantization: str) -> None:
    from ai_edge_litert import schema_py_generated as schema

    content = made(tiny_classifier, quantization)
    model = schema.Model.GetRootAs(content, 0)
    starts = []
    for number in range(model.BuffersLength()):
        table = model.Buffers(number)._tab
        field = table.Offset(4)
        if field:
            starts.append(table.Vector(field))
    assert len(starts) > 6
    assert all(start % 16 == 0 for start in starts)
