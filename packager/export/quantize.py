"""From a float .tflite to a smaller, faster one, without touching Keras again.

The arithmetic follows the TensorFlow Lite 8-bit quantization specification
(https://ai.google.dev/edge/litert/models/quantization_spec) and Jacob et al. 2018
(arXiv:1712.05877).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np

from packager.export import flatbuffer
from packager.export.calibration import activation_ranges
from packager.export.full_integer import quantize_in_ranges

_SMALLEST_QUANTIZED = 1024  # smaller constants stay float
_DEPTHWISE_CHANNELS = 3  # the axis that a depthwise kernel's channels lie on


def quantize(
    model: bytes,
    quantization: str,
    *,
    io: str,
    input_range: tuple[float, float],
    representative: Callable[[], Iterable[np.ndarray[Any, Any]]],
    backbone: bytes | None = None,
) -> bytes:
    """Quantizes a float classifier.

    Args:
        model: a float .tflite as `head.attach_head` makes it.
        quantization: "none", "fp16" (weights), "dynamic" (int8 weights, activations quantized as
            they come), "int8" (full integer, per channel) or "int16x8" (16-bit activations).
        io: dtype of input and output, as `packager.export.settings.io_type` gives it.
        input_range: what pixels 0 and 255 are after normalisation. It fixes the input's scale
            and zero point, so that an integer pixel enters as it is.
        representative: gives the representative dataset, float32 [1, size, size, 3] each, in
            the model's own normalisation. Only called for int8 and int16x8.
        backbone: what the head was attached to; None where the model is more than these two.

    Returns:
        The quantized .tflite, without metadata.
    """
    if quantization == "none":
        return model
    if quantization == "fp16":
        return _float16_weights(model)
    if quantization == "dynamic":
        return quantize_weights(model)
    return quantize_in_ranges(
        model,
        activation_ranges(model, representative(), backbone),
        bits=8 if quantization == "int8" else 16,
        io=io,
        input_range=input_range,
    )


def _float16_weights(model: bytes) -> bytes:
    """Constants as float16, each read through a DEQUANTIZE (which delegates fold away)."""
    from ai_edge_litert import schema_py_generated as schema

    parsed = flatbuffer.unpack(model)
    graph = parsed.subgraphs[0]
    dequantize = schema.BuiltinOperator.DEQUANTIZE
    dequantized: dict[int, int] = {}
    before = []
    for operator in graph.operators:
        for place, index in enumerate(operator.inputs):
            if index not in dequantized:
                values = _constant_at(parsed, index)
                if values is None:
                    continue
                limit = np.finfo(np.float16).max
                half = np.clip(values, -limit, limit).astype(np.float16)
                name, shape = flatbuffer.name_of(graph.tensors[index]), tuple(values.shape)
                source = flatbuffer.add_tensor(
                    parsed, f"{name}/float16", shape, schema.TensorType.FLOAT16,
                    flatbuffer.add_buffer(parsed, half),
                )  # fmt: skip
                parsed.buffers[graph.tensors[index].buffer].data = None
                graph.tensors[index].buffer = 0
                before.append(
                    flatbuffer.new_operator(parsed, dequantize, [source], int(index), version=3)
                )
                dequantized[int(index)] = place
    graph.operators = before + graph.operators
    return flatbuffer.pack(parsed)


def quantize_weights(model: bytes, *, keep_float: Collection[int] = ()) -> bytes:
    """Dynamic range: int8 weights, per output channel in convolutions, per tensor in the head.

    `keep_float` are the numbers of operators whose weights stay as they are.
    """
    from ai_edge_litert import schema_py_generated as schema

    operators = schema.BuiltinOperator
    # Axis of the channels (None: one scale), and the version that reads int8 weights this way.
    # One scale in the head: version 12, which reads one per class, is too new for the
    # Task Library.
    rules: dict[int, tuple[int | None, int]] = {
        operators.CONV_2D: (0, 5),
        operators.DEPTHWISE_CONV_2D: (_DEPTHWISE_CHANNELS, 6),
        operators.FULLY_CONNECTED: (None, 9),
    }
    parsed = flatbuffer.unpack(model)
    graph = parsed.subgraphs[0]
    for number, operator in enumerate(graph.operators):
        builtin = flatbuffer.builtin_of(parsed, operator)
        if builtin not in rules or number in keep_float:
            continue
        index = operator.inputs[1]
        values = _constant_at(parsed, index)
        if values is None or values.size < _SMALLEST_QUANTIZED:
            continue
        axis, version = rules[builtin]
        quantized, scales = _symmetric_int8(values, axis)
        tensor = graph.tensors[index]
        parsed.buffers[tensor.buffer].data = quantized.view(np.uint8).reshape(-1)
        tensor.type = schema.TensorType.INT8
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = scales.astype(np.float32)
        tensor.quantization.zeroPoint = np.zeros(len(scales), np.int64)
        tensor.quantization.quantizedDimension = axis or 0
        operator.opcodeIndex = flatbuffer.operator_code(parsed, builtin, version)
        if builtin == operators.FULLY_CONNECTED:
            operator.builtinOptions.asymmetricQuantizeInputs = True
    return flatbuffer.pack(parsed)


def _symmetric_int8(
    values: np.ndarray[Any, Any], axis: int | None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """int8 in -127..127 of the same shape, and the scales [channels] (or [1])."""
    others = tuple(i for i in range(values.ndim) if i != axis)
    peak = np.abs(values).max(axis=others, keepdims=True)
    scale = np.where(peak > 0, peak / 127.0, 1.0)
    quantized = np.clip(np.rint(values / scale), -127, 127).astype(np.int8)
    return quantized, scale.reshape(-1)


def _constant_at(model: Any, index: int) -> np.ndarray[Any, Any] | None:
    return None if index < 0 else flatbuffer.constant(model, model.subgraphs[0].tensors[index])
