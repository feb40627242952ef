"""A .tflite file as objects and back: the one place that touches the TensorFlow Lite schema.

The schema: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

from typing import Any

import numpy as np


def unpack(model: bytes) -> Any:
    """The schema's `ModelT` of a model that packager wrote itself (not of an untrusted file).

    Constants that lie behind the flatbuffer, as in files of ai-edge-quantizer, are taken into it:
    older readers look for them nowhere else.
    """
    from ai_edge_litert import schema_py_generated as schema

    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    for buffer in parsed.buffers:
        if buffer.data is None and buffer.offset > 1:
            buffer.data = np.frombuffer(model, np.uint8, buffer.size, buffer.offset)
        buffer.offset = buffer.size = 0
    return parsed


def pack(model: Any) -> bytes:
    """The flatbuffer of a `ModelT`, with the file identifier TFL3.

    Constants lie at multiples of 16 bytes, as the schema demands: from a file that is mapped
    into memory, clients then use them where they lie, and copy none.
    """
    import flatbuffers

    model.buffers = [_Aligned(buffer) for buffer in model.buffers]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


class _Aligned:
    """A `BufferT` whose data the generated code would put at any place."""

    def __init__(self, buffer: Any) -> None:
        self.data, self.offset, self.size = buffer.data, buffer.offset, buffer.size

    def Pack(self, builder: Any) -> int:  # noqa: N802  (the schema's own name)
        from ai_edge_litert import schema_py_generated as schema

        data = b"" if self.data is None else np.asarray(self.data, np.uint8).tobytes()
        if data:
            builder.StartVector(1, len(data), 16)
            builder.head -= len(data)
            builder.Bytes[builder.head : builder.head + len(data)] = data
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if data:
            schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


def add_buffer(model: Any, values: np.ndarray[Any, Any]) -> int:
    """Appends constant data; gives the buffer's index."""
    from ai_edge_litert import schema_py_generated as schema

    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def add_tensor(model: Any, name: str, shape: tuple[int, ...], dtype: int, buffer: int = 0) -> int:
    """Appends a tensor to the first subgraph; gives its index. Buffer 0 means computed."""
    from ai_edge_litert import schema_py_generated as schema

    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), dtype, buffer
    tensor.hasRank = True
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def operator_code(model: Any, builtin: int, version: int = 1) -> int:
    """The index of a builtin operator at that version, added to the model when it's not there."""
    from ai_edge_litert import schema_py_generated as schema

    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == builtin and code.version == version:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def new_operator(
    model: Any, builtin: int, inputs: list[int], output: int, options: Any = None, version: int = 1
) -> Any:
    """An operator with one output, not yet in the model; `options`: the schema's, of its kind."""
    from ai_edge_litert import schema_py_generated as schema

    operator = schema.OperatorT()
    operator.opcodeIndex = operator_code(model, builtin, version)
    operator.inputs, operator.outputs = inputs, [output]
    if options is not None:
        name = type(options).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        operator.builtinOptions = options
    return operator


def builtin_of(model: Any, operator: Any) -> int:
    """The builtin code of an operator (old files keep it in the deprecated field)."""
    code = model.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def constant(model: Any, tensor: Any) -> np.ndarray[Any, Any] | None:
    """A float32 tensor's constant values in its shape, or None for one that is computed."""
    from ai_edge_litert import schema_py_generated as schema

    data = model.buffers[tensor.buffer].data
    if data is None or len(data) == 0 or tensor.type != schema.TensorType.FLOAT32:
        return None
    values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float32)
    return values.reshape(tuple(tensor.shape))


def name_of(tensor: Any) -> str:
    """A tensor's name as text."""
    return tensor.name.decode() if isinstance(tensor.name, bytes) else str(tensor.name)
