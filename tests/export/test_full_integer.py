"""What full-integer quantization adds to the library's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from packager.export import flatbuffer
from packager.export.calibration import activation_ranges
from packager.export.full_integer import quantize_in_ranges
from packager.export.sensitivity import values_of
from tests.conftest import images

RANGE = (-127 / 128, 1.0)
SAMPLES = [(image[None].astype(np.float32) - 127) / 128 for image in images(20, seed=1)]


def with_dead_channel(model: bytes, operator: int, bias: float) -> bytes:
    """The same with a channel that gives `bias` whatever comes in."""
    parsed = flatbuffer.unpack(model)
    graph = parsed.subgraphs[0]
    kernel, constant = (graph.tensors[i] for i in graph.operators[operator].inputs[1:])
    weights, biases = (flatbuffer.constant(parsed, tensor).copy() for tensor in (kernel, constant))
    weights[2], biases[2] = 1e-12, bias
    for tensor, values in ((kernel, weights), (constant, biases)):
        tensor.buffer = flatbuffer.add_buffer(parsed, values)
    return flatbuffer.pack(parsed)


@pytest.mark.parametrize(("bits", "tolerance"), [(8, 0.03), (16, 0.001)])
def test_a_channel_without_weights_keeps_its_bias(
    tiny_classifier: bytes, bits: int, tolerance: float
) -> None:
    model = with_dead_channel(tiny_classifier, 0, 3.0)
    ranges = activation_ranges(model, SAMPLES)
    quantized = quantize_in_ranges(model, ranges, io="float32", input_range=RANGE, bits=bits)
    # The first operator puts the input into integers.
    found = next(iter(values_of(quantized, 1, SAMPLES)))[..., 2]
    np.testing.assert_allclose(found, 3.0, atol=tolerance)


def test_versions_are_those_that_first_took_integers(tiny_classifier: bytes) -> None:
    from ai_edge_litert import schema_py_generated as schema

    ranges = activation_ranges(tiny_classifier, SAMPLES)
    names = {number: name for name, number in vars(schema.BuiltinOperator).items()}
    found = {}
    for bits, io in ((8, "uint8"), (16, "float32")):
        model = quantize_in_ranges(tiny_classifier, ranges, io=io, input_range=RANGE, bits=bits)
        codes = flatbuffer.unpack(model).operatorCodes
        found[bits] = {names[code.builtinCode]: code.version for code in codes}
    assert found[8] == {"QUANTIZE": 1, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "MEAN": 2,
                        "FULLY_CONNECTED": 4, "SOFTMAX": 2}  # fmt: skip
    assert found[16] == {"QUANTIZE": 2, "CONV_2D": 4, "DEPTHWISE_CONV_2D": 5, "MEAN": 3,
                         "FULLY_CONNECTED": 7, "SOFTMAX": 3, "DEQUANTIZE": 3}  # fmt: skip


def test_nothing_is_said_and_tensorflow_is_not_imported(
    tiny_classifier: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(tiny_classifier)
    code = (
        "import sys, numpy as np\n"
        "from packager.export.quantize import quantize\n"
        f"plain = open({str(path)!r}, 'rb').read()\n"
        "samples = [np.zeros((1, 32, 32, 3), np.float32)]\n"
        "for kind in ('none', 'fp16', 'dynamic', 'int8', 'int16x8'):\n"
        "    quantize(plain, kind, io='float32', input_range=(-1, 1),\n"
        "             representative=lambda: samples)\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Transformations" not in done.stderr
    assert done.stdout == ""
