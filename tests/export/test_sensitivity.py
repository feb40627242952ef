from __future__ import annotations

import numpy as np
import pytest

from packager.export import flatbuffer
from packager.export.calibration import activation_ranges
from packager.export.full_integer import quantize_in_ranges
from packager.export.sensitivity import LogitNoise, layer_errors, logits
from tests.export.networks import INPUT_RANGE, pictures

pytestmark = pytest.mark.slow

SAMPLES = pictures(20, seed=4)


def with_outsized_weight(model: bytes, operator: int) -> bytes:
    """One weight so great that int8 has no steps left for the others of its output channel."""
    parsed = flatbuffer.unpack(model)
    tensor = parsed.subgraphs[0].tensors[parsed.subgraphs[0].operators[operator].inputs[1]]
    values = flatbuffer.constant(parsed, tensor)
    assert values is not None
    values = values.copy()
    values[:, 0, 0, 1] = 80
    tensor.buffer = flatbuffer.add_buffer(parsed, values)
    return flatbuffer.pack(parsed)


def test_logits_are_what_enters_the_softmax(tiny_classifier: bytes) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=tiny_classifier)
    interpreter.allocate_tensors()
    for sample, row in zip(SAMPLES[:4], logits(tiny_classifier, SAMPLES[:4]), strict=True):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample)
        interpreter.invoke()
        scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
        expected = np.exp(row - row.max())
        np.testing.assert_allclose(scores, expected / expected.sum(), atol=1e-5)


def test_noise_is_the_share_of_the_signal(tiny_classifier: bytes) -> None:
    """Logits 1 % too great: 40 dB; all of them one greater: none at all."""
    noise = LogitNoise(tiny_classifier, SAMPLES)
    parsed = flatbuffer.unpack(tiny_classifier)
    dense = parsed.subgraphs[0].operators[-2]
    tensors = [parsed.subgraphs[0].tensors[index] for index in dense.inputs[1:]]
    kernel, bias = (flatbuffer.constant(parsed, tensor) for tensor in tensors)
    assert kernel is not None
    assert bias is not None
    for tensor, values in zip(tensors, (kernel * 1.01, bias * 1.01 + 1), strict=True):
        tensor.buffer = flatbuffer.add_buffer(parsed, values.astype(np.float32))
    assert noise.sqnr_db(flatbuffer.pack(parsed)) == pytest.approx(40, abs=0.1)


def test_layer_with_an_outsized_weight_is_the_worst(tiny_classifier: bytes) -> None:
    model = with_outsized_weight(tiny_classifier, 2)
    ranges = activation_ranges(model, SAMPLES)
    found = layer_errors(
        model,
        lambda numbers: quantize_in_ranges(
            model, ranges, io="float32", input_range=INPUT_RANGE, keep_float=numbers
        ),
        LogitNoise(model, SAMPLES),
    )
    assert sorted(each.operator for each in found) == list(range(6))  # all but the softmax
    assert found[0].operator == 2
    assert found[0].sqnr_db < found[1].sqnr_db - 3
