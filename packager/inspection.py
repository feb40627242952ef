"""The content of a .tflite file, read from its tables only: nothing is run or allocated.

Tables and enums: TFLite's `schema.fbs`; how integers stand for numbers:
https://ai.google.dev/edge/litert/models/quantization_spec.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from packager.classifier_interface import (
    DTYPES,
    check_operators,
    classifier_interface,
    describe_interface,
    named_operators,
)
from packager.errors import ModelFileError
from packager.metadata.container import ModelFile, open_model
from packager.metadata.flatbuffer import Tree
from packager.metadata.reader import ModelMetadata, describe


@dataclass(frozen=True)
class TensorReport:
    """An input or output: its name, shape, dtype, and what its integers stand for.

    Attributes:
        scale, zero_point: the number is scale * (integer - zero_point); one value, one a channel,
            or none when the tensor isn't quantized.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: tuple[float, ...]
    zero_point: tuple[int, ...]


@dataclass(frozen=True)
class ModelReport:
    """The content of a .tflite file.

    Attributes:
        size: of the file, bytes.
        kind: "image classifier, 5 scores, input 224 x 224 (height x width)", or what it is
            instead and why packager can't run it.
        operators: how many of each, by TFLite's name, most frequent first.
        quantization: "float32", "float16 weights", "dynamic range", "int8 full integer, per
            channel", "int16x8, per channel", or what is mixed.
        parameters: weights and biases, counted once each.
        metadata: None when the file has none.
        labels: those of the metadata.
        signatures: the keys of its signatures.
    """

    path: str
    size: int
    sha256: str
    description: str
    kind: str
    inputs: tuple[TensorReport, ...]
    outputs: tuple[TensorReport, ...]
    operators: dict[str, int]
    quantization: str
    parameters: int
    metadata: ModelMetadata | None
    labels: tuple[str, ...]
    signatures: tuple[str, ...]


def inspect_model(path: Path) -> ModelReport:
    """Reads a .tflite file.

    Raises:
        ModelFileError: it can't be read or isn't a whole TFLite model.
        MetadataError: its metadata is damaged.
    """
    file = open_model(path)
    metadata = describe(file)
    graph = file.tree["subgraphs"][0]
    return ModelReport(
        path=str(path),
        size=file.size,
        sha256=file.sha256,
        description=file.tree.get("description", ""),
        kind=_kind(file),
        inputs=tuple(_tensor(graph["tensors"][index]) for index in graph["inputs"]),
        outputs=tuple(_tensor(graph["tensors"][index]) for index in graph["outputs"]),
        operators=dict(Counter(_operator_names(file)).most_common()),
        quantization=_quantization(file),
        parameters=_parameters(file),
        metadata=metadata,
        labels=metadata.labels if metadata else (),
        signatures=tuple(s.get("signature_key", "") for s in file.tree.get("signature_defs", [])),
    )


def _kind(file: ModelFile) -> str:
    try:
        said = describe_interface(classifier_interface(file))
        check_operators(file)
    except ModelFileError as error:
        return error.what
    return said


_WEIGHTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D"}
# (activations, weights) of an operator: what that is called
_KINDS = {
    ("float32", "float32"): "float32",
    ("float32", "float16"): "float16 weights",
    ("float32", "int8"): "dynamic range",
    ("float32", "uint8"): "dynamic range",
    ("int8", "int8"): "int8 full integer",
    ("uint8", "uint8"): "uint8 full integer",
    ("int16", "int8"): "int16x8",
}
_INTEGER = ("int8 full integer", "uint8 full integer", "int16x8")


def _dtype(tensor: Tree) -> str:
    number = tensor.get("type", 0)
    return DTYPES.get(number, f"type {number}")


def _tensor(tensor: Tree) -> TensorReport:
    quantization = tensor.get("quantization", {})
    return TensorReport(
        name=tensor.get("name", ""),
        shape=tuple(tensor.get("shape", ())),
        dtype=_dtype(tensor),
        scale=tuple(quantization.get("scale", ())),
        zero_point=tuple(quantization.get("zero_point", ())),
    )


def _operator_names(file: ModelFile) -> list[str]:
    return [name for name, _, _ in named_operators(file)]


def _quantization(file: ModelFile) -> str:
    made_from: dict[int, Tree] = {}  # what DEQUANTIZE turns into numbers, by its output
    kinds: Counter[str] = Counter()
    channels = False
    for name, (operator, tensors), _ in named_operators(file):
        inputs = [tensors[index] if index >= 0 else {} for index in operator["inputs"]]
        if name == "DEQUANTIZE" and inputs and operator["outputs"]:
            made_from[id(tensors[operator["outputs"][0]])] = inputs[0]
        elif name in _WEIGHTED and len(inputs) > 1:
            # TRANSPOSE_CONV takes its weights second and its activations third.
            activations = inputs[2] if name == "TRANSPOSE_CONV" and len(inputs) > 2 else inputs[0]
            weights = made_from.get(id(inputs[1]), inputs[1])
            pair = _dtype(activations), _dtype(weights)
            kinds[_KINDS.get(pair, f"{pair[0]} activations, {pair[1]} weights")] += 1
            channels |= len(weights.get("quantization", {}).get("scale", ())) > 1
    if len(kinds) == 2:
        # Converters leave small layers in float.
        for partly in ("dynamic range", "float16 weights"):
            if partly in kinds:
                kinds.pop("float32", None)
    if not kinds:
        return "unknown"
    if len(kinds) > 1:
        return "mixed: " + ", ".join(f"{kind} ({n} layers)" for kind, n in kinds.most_common())
    kind = next(iter(kinds))
    if kind not in _INTEGER:
        return kind
    left = _float_operators(file)
    if left:
        return f"mixed: {kind.removesuffix(' full integer')}, but {', '.join(left)} in float"
    return f"{kind}, per {'channel' if channels else 'tensor'}"


def float_operators(model: bytes) -> tuple[str, ...]:
    """Names of the operators of a .tflite that compute in float, each once.

    Raises `ModelFileError` when it isn't a whole TFLite model.
    """
    return _float_operators(open_model(model, unpack=False))


def _float_operators(file: ModelFile) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            name
            for name, (operator, tensors), _ in named_operators(file)
            if name not in ("QUANTIZE", "DEQUANTIZE")
            and any(_dtype(tensors[index]) == "float32" for index in operator["outputs"])
        )
    )


def _tensors(file: ModelFile) -> list[Tree]:
    return [tensor for graph in file.tree["subgraphs"] for tensor in graph["tensors"]]


def _parameters(file: ModelFile) -> int:
    """Elements of the constants, once a buffer; shapes, axes and paddings aren't parameters.

    Those are plain int32 or int64, while biases of such types carry a scale.
    """
    counted: dict[int, int] = {}
    for tensor in _tensors(file):
        number = tensor.get("buffer", 0)
        buffer = file.tree["buffers"][number] if number else {}
        constant = buffer.get("data", (0, 0))[1] or buffer.get("offset", 0) > 1
        plain = _dtype(tensor) in ("int32", "int64", "bool", "string")
        if constant and (not plain or tensor.get("quantization", {}).get("scale")):
            counted[number] = math.prod(tensor.get("shape", ()))
    return sum(counted.values())
