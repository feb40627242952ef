"""Full-integer quantization by LiteRT's quantizer, with given ranges.

`ai-edge-quantizer` computes scales and integers (Jacob et al. 2018, arXiv:1712.05877). Here are the
recipe, the ends of the model, and two things that it leaves to be done: biases that its scales
can't hold, and operator versions.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Collection, Mapping
from io import StringIO
from typing import Any

import numpy as np

from packager.errors import ModelFileError
from packager.export import flatbuffer

_LARGEST_BIAS = 1 << 30  # half of what int32 holds: the sum of products is added to it
_UINT8_OFFSET = 128  # from int8 to uint8
# The version of each operator that first took int8, and int16, activations.
_VERSIONS = {
    "ADD": (2, 3), "CONV_2D": (3, 4), "DEPTHWISE_CONV_2D": (3, 5), "FULLY_CONNECTED": (4, 7),
    "MEAN": (2, 3), "SOFTMAX": (2, 3), "PAD": (2, 3), "MAX_POOL_2D": (2, 3), "QUANTIZE": (1, 2),
    "DEQUANTIZE": (2, 3), "AVERAGE_POOL_2D": (2, 3), "CONCATENATION": (2, 3), "LOGISTIC": (2, 3),
    "MUL": (2, 4), "TANH": (2, 3),
}  # fmt: skip


def quantize_in_ranges(
    model: bytes,
    ranges: Mapping[int, tuple[float, float]],
    *,
    io: str,
    input_range: tuple[float, float],
    bits: int = 8,
    keep_float: Collection[int] = (),
) -> bytes:
    """Weights as int8, activations as integers of 8 or 16 bits.

    Convolutions have a scale for each channel, the head has one: the Task Library reads no other.

    Args:
        model: a float classifier as `head.attach_head` makes it.
        ranges: least and greatest value of each computed tensor, by its index.
        bits: 8, or 16 (symmetric ranges).
        io: dtype of input and output: "uint8" and "int8" with 8 bits only, or "float32".
        input_range: what pixels 0 and 255 are after normalisation.
        keep_float: numbers of operators to compute in float. Where a neighbour is an integer
            there's a DEQUANTIZE or QUANTIZE in between.

    Returns:
        The .tflite, without metadata.

    Raises:
        ModelFileError: the quantizer can't quantize an operator.
    """
    from ai_edge_quantizer import qtyping, quantizer

    parsed = flatbuffer.unpack(model)
    graph = parsed.subgraphs[0]
    names = [flatbuffer.name_of(tensor) for tensor in graph.tensors]
    operations = qtyping.TFLOperationName
    tool = quantizer.Quantizer(model)
    tool.add_static_config(".*", operations.ALL_SUPPORTED, bits, 8)
    tool.add_static_config(
        ".*", operations.FULLY_CONNECTED, bits, 8, qtyping.QuantGranularity.TENSORWISE
    )
    if io == "float32":
        for end in (operations.INPUT, operations.OUTPUT):
            tool.update_quantization_recipe(".*", end, algorithm_key="no_quantize")
    for number in keep_float:  # an operator is called as its output
        name = re.escape(names[graph.operators[number].outputs[0]])
        tool.update_quantization_recipe(
            f"^{name};$", operations.ALL_SUPPORTED, algorithm_key="no_quantize"
        )
    calibrated = {
        names[index]: {"min": _scalar(low), "max": _scalar(high)}
        for index, (low, high) in {**ranges, int(graph.inputs[0]): input_range}.items()
    }
    try:
        # It warns of biases (see below) and of its interpreter, and draws a progress bar.
        with warnings.catch_warnings(), contextlib.redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            whole = tool.quantize(
                calibrated, enable_progress_bar=False, enable_progress_report=False
            ).quantized_model
    except (ValueError, RuntimeError, NotImplementedError, KeyError) as error:
        raise ModelFileError(
            f"the model can't be quantized to integers ({' '.join(str(error).split())[:300]})",
            fix="Use --quantize dynamic or fp16, or a backbone without that operator.",
        ) from error
    quantized = flatbuffer.unpack(bytes(whole))
    _hold_biases(quantized, parsed)
    if io == "uint8":
        _uint8_ends(quantized)
    _set_versions(quantized)
    return flatbuffer.pack(quantized)


def _scalar(value: float) -> np.ndarray[Any, Any]:
    return np.array([[[[value]]]], np.float32)


def _hold_biases(quantized: Any, plain: Any) -> None:
    """Greater scales for channels whose bias, in units of theirs, would overflow.

    A channel whose weights are almost 0 has a scale of almost 0, and an int32 holds only so
    many of them. Its weights lose what they haven't got; its bias stays what it is.
    """
    from ai_edge_litert import schema_py_generated as schema

    casts = (schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE)
    graph, before = quantized.subgraphs[0], plain.subgraphs[0]
    same = [each for each in graph.operators if flatbuffer.builtin_of(quantized, each) not in casts]
    done = set()
    for operator, original in zip(same, before.operators, strict=True):
        if len(operator.inputs) < 3 or operator.inputs[2] < 0:
            continue
        data, kernel, bias = (graph.tensors[index] for index in operator.inputs[:3])
        values, biases = (
            flatbuffer.constant(plain, before.tensors[index]) for index in original.inputs[1:3]
        )
        in_float = _scales(data) is None or (scales := _scales(kernel)) is None
        if in_float or values is None or biases is None or kernel.buffer in done:
            continue
        done.add(kernel.buffer)
        entry = float(_scales(data)[0])
        needed = np.abs(biases.astype(np.float64)) / (entry * _LARGEST_BIAS)
        if len(scales) == 1:
            needed = needed.max(keepdims=True)
        wanted = np.maximum(scales, needed).astype(np.float32)
        if np.array_equal(wanted, scales):
            continue
        axis = int(kernel.quantization.quantizedDimension)
        shape = [-1 if place == axis else 1 for place in range(values.ndim)]
        rounded = np.clip(np.rint(values / wanted.reshape(shape)), -127, 127).astype(np.int8)
        kernel.quantization.scale = wanted
        quantized.buffers[kernel.buffer].data = rounded.view(np.uint8).reshape(-1)
        bias.quantization.scale = (wanted * np.float32(entry)).astype(np.float32)
        dtype = np.int32 if bias.type == schema.TensorType.INT32 else np.int64
        exact = np.rint(biases / (wanted.astype(np.float64) * entry)).astype(dtype)
        quantized.buffers[bias.buffer].data = np.frombuffer(exact.tobytes(), np.uint8)


def _scales(tensor: Any) -> Any:
    return None if tensor.quantization is None else tensor.quantization.scale


def _uint8_ends(model: Any) -> None:
    """A QUANTIZE before and one behind, between uint8 and int8 of the same values."""
    from ai_edge_litert import schema_py_generated as schema

    graph = model.subgraphs[0]
    quantize = schema.BuiltinOperator.QUANTIZE

    def beside(index: int) -> int:
        inner = graph.tensors[index]
        name = flatbuffer.name_of(inner)
        inner.name = f"{name}/int8"
        outer = flatbuffer.add_tensor(model, name, tuple(inner.shape), schema.TensorType.UINT8)
        parameters = schema.QuantizationParametersT()
        parameters.scale = inner.quantization.scale
        parameters.zeroPoint = [int(inner.quantization.zeroPoint[0]) + _UINT8_OFFSET]
        graph.tensors[outer].quantization = parameters
        for signature in model.signatureDefs or []:
            for entry in [*signature.inputs, *signature.outputs]:
                if entry.tensorIndex == index:
                    entry.tensorIndex = outer
        return outer

    def cast(source: int, target: int) -> Any:
        options = schema.QuantizeOptionsT()
        return flatbuffer.new_operator(model, quantize, [source], target, options)

    entry, result = int(graph.inputs[0]), int(graph.outputs[0])
    image, scores = beside(entry), beside(result)
    graph.operators = [cast(image, entry), *graph.operators, cast(result, scores)]
    graph.inputs, graph.outputs = [image], [scores]


def _set_versions(model: Any) -> None:
    from ai_edge_litert import schema_py_generated as schema

    names = {number: name for name, number in vars(schema.BuiltinOperator).items()}
    types = schema.TensorType
    graph = model.subgraphs[0]
    for operator in graph.operators:
        builtin = flatbuffer.builtin_of(model, operator)
        ends = {graph.tensors[i].type for i in [operator.inputs[0], *operator.outputs]}
        wide = types.INT16 in ends
        if names[builtin] in _VERSIONS and (wide or types.INT8 in ends):
            version = _VERSIONS[names[builtin]][wide]
            operator.opcodeIndex = flatbuffer.operator_code(model, builtin, version)
    used = sorted({operator.opcodeIndex for operator in graph.operators})
    model.operatorCodes = [model.operatorCodes[index] for index in used]
    for operator in graph.operators:
        operator.opcodeIndex = used.index(operator.opcodeIndex)
