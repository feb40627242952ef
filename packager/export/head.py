"""The classification head attached to a backbone's file, which stays as it is.

What training changes is one fully connected layer, so the classifier is the backbone's .tflite
with two operators more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from packager.errors import ModelFileError
from packager.export import flatbuffer

INPUT_NAME = "image"
OUTPUT_NAME = "scores"
OPERATORS = 2  # of a head: fully connected, softmax


def attach_head(backbone: bytes, kernel: np.ndarray[Any, Any], bias: np.ndarray[Any, Any]) -> bytes:
    """The classifier: backbone, then fully connected, then softmax.

    Args:
        backbone: a float .tflite with one input, float32 [1, size, size, 3], and one output,
            float32 [1, features].
        kernel: float32 [features, classes], as Keras keeps it; bias: float32 [classes].

    Returns:
        A float .tflite; input "image" as the backbone's, output "scores" float32 [1, classes]
        in 0..1 with sum 1; signature "serving_default" under the same names.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = flatbuffer.unpack(backbone)
    graph = model.subgraphs[0]
    features = graph.tensors[graph.outputs[0]]
    width, classes = kernel.shape
    if int(features.shape[-1]) != width:
        raise ModelFileError(
            f"the backbone gives {features.shape[-1]} features and the head reads {width}",
            fix="Train the head on this backbone's own features.",
        )
    float32 = schema.TensorType.FLOAT32
    transposed = np.ascontiguousarray(kernel.T, np.float32)
    weights = flatbuffer.add_tensor(
        model,
        "classifier/kernel",
        (classes, width),
        float32,
        flatbuffer.add_buffer(model, transposed),
    )
    biases = flatbuffer.add_tensor(
        model, "classifier/bias", (classes,), float32,
        flatbuffer.add_buffer(model, bias.astype(np.float32)),
    )  # fmt: skip
    logits = flatbuffer.add_tensor(model, "classifier/logits", (1, classes), float32)
    scores = flatbuffer.add_tensor(model, OUTPUT_NAME, (1, classes), float32)

    dense = flatbuffer.new_operator(
        model, schema.BuiltinOperator.FULLY_CONNECTED, [int(graph.outputs[0]), weights, biases],
        logits, schema.FullyConnectedOptionsT(),
    )  # fmt: skip
    softmax_options = schema.SoftmaxOptionsT()
    softmax_options.beta = 1.0
    softmax = flatbuffer.new_operator(
        model, schema.BuiltinOperator.SOFTMAX, [logits], scores, softmax_options
    )
    graph.operators += [dense, softmax]
    graph.outputs = [scores]
    graph.tensors[graph.inputs[0]].name = INPUT_NAME
    model.signatureDefs = [_signature(int(graph.inputs[0]), scores)]
    return flatbuffer.pack(model)


def _signature(image: int, scores: int) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    def tensor_map(name: str, index: int) -> Any:
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name, index
        return entry

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs = [tensor_map(INPUT_NAME, image)]
    signature.outputs = [tensor_map(OUTPUT_NAME, scores)]
    return signature
