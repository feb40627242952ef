"""Image classifiers of a few hundred bytes, built without a converter."""

from __future__ import annotations

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tfl

T = tfl.TensorType


def tiny_model(
    classes=3, io=T.FLOAT32, weights=T.FLOAT32, input_shape=(1, 8, 8, 3), inputs=1, change=None
):
    """MEAN over the pixels, FULLY_CONNECTED, SOFTMAX. `change(model)` may alter the objects."""
    activations = io if weights == T.FLOAT32 else T.INT8
    model = tfl.ModelT()
    model.version, model.description = 3, "tiny"
    model.buffers = [tfl.BufferT()]
    graph = tfl.SubGraphT()
    graph.tensors, graph.operators = [], []

    def tensor(name, shape, dtype, data=None, scales=1):
        item = tfl.TensorT()
        item.name, item.shape, item.type, item.buffer = name, list(shape), dtype, 0
        if data is not None:
            buffer = tfl.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            model.buffers.append(buffer)
            item.buffer = len(model.buffers) - 1
        if dtype in (T.INT8, T.UINT8):
            item.quantization = tfl.QuantizationParametersT()
            item.quantization.scale = [1 / 128] * scales
            item.quantization.zeroPoint = [0] * scales
        graph.tensors.append(item)
        return len(graph.tensors) - 1

    kernel = np.arange(classes * input_shape[-1], dtype=np.float32).reshape(classes, -1) / 10
    if weights == T.INT8:
        kernel = kernel.astype(np.int8)
    images = [tensor(f"image{n}", input_shape, io) for n in range(inputs)]
    axes = tensor("axes", (2,), T.INT32, np.array([1, 2], np.int32))
    mean = tensor("mean", (1, input_shape[-1]), activations)
    kernels = tensor("kernel", kernel.shape, weights, kernel, scales=classes)
    logits = tensor("logits", (1, classes), activations)
    scores = tensor("scores", (1, classes), io)
    codes = [
        tfl.BuiltinOperator.MEAN,
        tfl.BuiltinOperator.FULLY_CONNECTED,
        tfl.BuiltinOperator.SOFTMAX,
    ]
    options = [
        (tfl.BuiltinOptions.ReducerOptions, tfl.ReducerOptionsT()),
        (tfl.BuiltinOptions.FullyConnectedOptions, tfl.FullyConnectedOptionsT()),
        (tfl.BuiltinOptions.SoftmaxOptions, tfl.SoftmaxOptionsT()),
    ]
    options[2][1].beta = 1.0
    ends = [([images[0], axes], [mean]), ([mean, kernels, -1], [logits]), ([logits], [scores])]
    model.operatorCodes = []
    for number, (code, (kind, option), (sources, targets)) in enumerate(
        zip(codes, options, ends, strict=True)
    ):
        entry = tfl.OperatorCodeT()
        entry.builtinCode = entry.deprecatedBuiltinCode = code
        entry.version = 1
        model.operatorCodes.append(entry)
        operator = tfl.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = number, sources, targets
        operator.builtinOptionsType, operator.builtinOptions = kind, option
        graph.operators.append(operator)
    graph.inputs, graph.outputs = images, [scores]
    model.subgraphs = [graph]
    add_entry(model, "min_runtime_version", b"1.5.0\0\0\0")
    if change:
        change(model)
    return pack(model)


def add_entry(model, name, content):
    """A metadata entry as TensorFlow Lite Support adds one: a buffer at the end of the list."""
    buffer, entry = tfl.BufferT(), tfl.MetadataT()
    buffer.data = np.frombuffer(content, np.uint8)
    model.buffers.append(buffer)
    entry.name, entry.buffer = name, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]


def pack(model):
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def unpack(content):
    return tfl.ModelT.InitFromPackedBuf(content)


def probabilities(content, pixels):
    """What LiteRT answers for float pixels [1, 8, 8, 3]."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def without_axes(model):
    """MEAN without its axes: LiteRT takes the file, and refuses to run it."""
    model.subgraphs[0].tensors[1].buffer = 0
