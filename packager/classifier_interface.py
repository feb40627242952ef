"""Whether a .tflite file is an image classifier, and its inputs and outputs.

Every command uses this. It reads only the flatbuffer and its metadata; nothing is run.
Tables and operators: TFLite's `schema.fbs`; `default_size` of an image: `metadata_schema.fbs`.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packager.errors import MetadataError, ModelFileError, SettingsError
from packager.metadata.container import ModelFile, input_shapes
from packager.metadata.flatbuffer import Tree
from packager.metadata.reader import metadata_tree

Size = tuple[int, int]  # height, width

DTYPES = {
    0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool",
    7: "int16", 8: "complex64", 9: "int8", 10: "float64", 11: "complex128", 12: "uint64",
    13: "resource", 14: "variant", 15: "uint32", 16: "uint16", 17: "int4", 18: "bfloat16",
    19: "int2", 20: "uint4", 21: "float8_e4m3fn", 22: "float8_e5m2",
}  # fmt: skip
_USABLE = ("float32", "uint8", "int8")
_LOWEST = {"uint8": 0, "int8": -128}
_MOST_PIXELS = 1 << 26
_SMALLEST_SCALE = 2.0**-126  # a smaller float32 has lost its digits
_CARRIERS = ("DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE")  # they leave the scores as they are
# Custom operators that LiteRT has, and those that stand for a whole compiled model.
_KNOWN_CUSTOM = ("TFLite_Detection_PostProcess", "Mfcc", "AudioSpectrogram", "NumericVerify")
_COMPILED = {
    "edgetpu-custom-op": "the Edge TPU",
    "ethos-u": "an Arm Ethos-U",
    "DISPATCH_OP": "the NPU of one kind of phone",
}
_DETECTIONS = ("TFLite_Detection_PostProcess", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5")
_FIX = (
    "Give a model with one RGB image input [1, height, width, 3] (uint8, int8 or float32) and "
    "one output [1, classes]."
)


@dataclass(frozen=True)
class ModelTensor:
    """An input or output of the model.

    Attributes:
        index: among the tensors of the first subgraph.
        open: for each dimension whether the signature leaves it to the one who runs it.
        scale, zero_point: the number is scale * (integer - zero_point); None when it isn't
            quantized. Several scales, one a channel, are NaN: no runtime knows such ends.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    open: tuple[bool, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True)
class ClassifierInterface:
    """The input and output of an image classifier.

    Attributes:
        size: height and width of its input in pixels; None where the file leaves them open and
            doesn't say at which size it was trained.
        size_is_open: whether it can be run at another size.
        classes: how many scores it gives.
        activation: "softmax" or "sigmoid" where its last operator says so, "probabilities" where
            the scale of its output does, else "".
    """

    image: ModelTensor
    scores: ModelTensor
    size: Size | None
    size_is_open: bool
    classes: int
    activation: str


def classifier_interface(file: ModelFile) -> ClassifierInterface:
    """The input and output of the file.

    Raises:
        ModelFileError: it isn't an image classifier that clients could run, and why.
        MetadataError: its metadata is damaged.
    """
    graph = file.tree["subgraphs"][0]
    inputs = [model_tensor(graph, index) for index in graph["inputs"]]
    outputs = [model_tensor(graph, index) for index in graph["outputs"]]
    metadata: Tree = next(iter((metadata_tree(file) or {}).get("subgraph_metadata", [])), {})
    operators = [name for name, _, _ in named_operators(file)]
    last = _last_operator(file) if outputs else ""
    problem = (
        _other_kind(inputs, outputs, operators, metadata, last)
        or _input_problem(inputs)
        or _output_problem(outputs)
    )
    if problem is not None:
        raise ModelFileError(
            f"this is not an image classifier: {problem}", where=file.where, fix=_FIX
        )
    problem = _scale_problem(inputs[0], outputs[0])
    if problem is not None:
        raise ModelFileError(
            f"this classifier can't be used: {problem}",
            where=file.where,
            fix="Convert it again, with quantization parameters on its input and output.",
        )
    (image,), (scores,) = inputs, outputs
    activation = {"SOFTMAX": "softmax", "LOGISTIC": "sigmoid"}.get(last, "")
    if not activation and _in_shares(scores):
        activation = "probabilities"
    return ClassifierInterface(
        image,
        scores,
        _size(image, metadata),
        _is_open(image),
        scores.shape[-1],
        activation,
    )


def check_operators(file: ModelFile) -> None:
    """Raises `ModelFileError` for a model that needs operators that LiteRT lacks."""
    names = list(dict.fromkeys(name for name, _, code in named_operators(file) if code))
    missing = [name for name in names if name not in _KNOWN_CUSTOM]
    compiled = next((name for name in missing if name in _COMPILED), None)
    if compiled is not None:
        raise ModelFileError(
            f"this model is compiled for {_COMPILED[compiled]} ({compiled}), and runs only there",
            where=file.where,
            fix="Give the .tflite that it was compiled from.",
        )
    if missing:
        few = ", ".join(missing[:5])
        flex = all(name.startswith("Flex") for name in missing)
        raise ModelFileError(
            f"this model needs operators of TensorFlow ({few}) that LiteRT lacks"
            if flex
            else f"this model needs custom operators ({few}) that LiteRT lacks",
            where=file.where,
            fix="Convert it again with builtin operators only.",
        )


def check_label_count(count: int, interface: ClassifierInterface, where: str | Path | None) -> None:
    """Raises `MetadataError` unless there is one label per score."""
    if count == interface.classes:
        return
    labels = f"{count} label{'' if count == 1 else 's'}"
    if count == 2 and interface.classes == 1:
        raise MetadataError(
            f"the model gives one score for {labels} (a single sigmoid)",
            where=where,
            fix="Clients expect one score per class: end the model in a softmax over two, and "
            "convert it again.",
        )
    scores = f"{interface.classes} score{'' if interface.classes == 1 else 's'}"
    raise MetadataError(
        f"the model gives {scores} and there {'is' if count == 1 else 'are'} {labels}",
        where=where,
        fix="Write a label for each score, in their order: packager metadata write MODEL "
        "--labels FILE.",
    )


def parse_size(text: str | None) -> Size | None:
    """ "224", or height and width as "48x64"; None for none. Raises `SettingsError`."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d{1,5})\s*(?:[x×*]\s*(\d{1,5})\s*)?", text)
    if found is not None:
        height = int(found[1])
        width = int(found[2] or height)
        if height > 0 < width and height * width <= _MOST_PIXELS:
            return height, width
    raise SettingsError(
        f"{text!r} is not an input size",
        where="--input-size",
        fix="Give the side in pixels, such as 224, or HEIGHTxWIDTH, such as 48x64.",
    )


def fix_size(
    file: ModelFile, content: bytes, interface: ClassifierInterface, wanted: Size | None = None
) -> tuple[bytes, Size]:
    """The file's `content`, its input's shape made [1, height, width, 3] where that is open.

    No runtime then needs to resize it, be it in the app, on a GPU or in a benchmark. All other
    bytes stay. The second value is that height and width.

    Raises:
        ModelFileError: the size is open, and neither the file nor `wanted` tells it.
        SettingsError: the file has another size, and it isn't open.
    """
    if wanted is not None and wanted != interface.size and not interface.size_is_open:
        height, width = interface.size or (0, 0)
        raise SettingsError(
            f"the input of this model is {height} x {width} (height x width) pixels",
            where="--input-size",
            fix="Leave it out: it only applies to models whose input has no fixed size.",
        )
    size = wanted or interface.size
    image = interface.image
    if size is None:
        raise ModelFileError(
            f"the input of this model has no fixed height and width ({_shape(image)})",
            where=file.where,
            fix="Give the size that it was trained with: --input-size 224, or HEIGHTxWIDTH.",
        )
    shape = (1, *size, 3)
    if image.shape == shape:
        return content, size
    fixed = bytearray(content)
    for place in input_shapes(content, image.index):
        struct.pack_into("<4i", fixed, place, *shape)
    return bytes(fixed), size


def describe_interface(interface: ClassifierInterface) -> str:
    """In words: "image classifier, 3 scores, input 48 x 64 (height x width)"."""
    plural = "" if interface.classes == 1 else "s"
    size = "of open size" if interface.size is None else "{} x {} (height x width)".format(
        *interface.size
    )  # fmt: skip
    if interface.size is not None and interface.size_is_open:
        size += ", open to others"
    return f"image classifier, {interface.classes} score{plural}, input {size}"


def model_tensor(graph: Tree, index: int) -> ModelTensor:
    """One of the first subgraph's tensors."""
    tensor = graph["tensors"][index]
    shape = tuple(int(size) for size in tensor.get("shape", ()))
    signature = tensor.get("shape_signature", ())
    quantization = tensor.get("quantization", {})
    scales, zeros = quantization.get("scale", ()), quantization.get("zero_point", ())
    number = tensor.get("type", 0)
    return ModelTensor(
        index=index,
        name=tensor.get("name", ""),
        shape=shape,
        open=tuple(size < 0 for size in signature)
        if len(signature) == len(shape)
        else (False,) * len(shape),
        dtype=DTYPES.get(number, f"type {number}"),
        scale=None if not scales else float(scales[0]) if len(scales) == 1 else math.nan,
        zero_point=None if not scales else int(zeros[0]) if zeros else 0,
    )


def named_operators(file: ModelFile) -> Iterator[tuple[str, tuple[Tree, list[Tree]], str]]:
    """Each operator of each subgraph: its name, itself and the tensors it can use, and the name
    again when it is a custom one."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    names = {n: name for name, n in vars(BuiltinOperator).items() if isinstance(n, int)}
    for graph in file.tree["subgraphs"]:
        for operator in graph["operators"]:
            code = file.tree["operator_codes"][operator.get("opcode_index", 0)]
            # Two fields, since the first was a byte; the larger one holds.
            number = max(code.get("deprecated_builtin_code", 0), code.get("builtin_code", 0))
            name = names.get(number, f"BUILTIN_{number}")
            custom = code.get("custom_code", name) if name == "CUSTOM" else ""
            yield custom or name, (operator, graph["tensors"]), custom


def _other_kind(
    inputs: Sequence[ModelTensor], outputs: Sequence[ModelTensor], operators: Sequence[str],
    metadata: Tree, last: str,
) -> str | None:  # fmt: skip
    """The kind of model, where it is recognisably not an image classifier."""
    said = {
        side: [
            tensor.get("content", {}).get("content_properties", ("",))[0]
            for tensor in metadata.get(f"{side}_tensor_metadata", [])
        ]
        for side in ("input", "output")
    }
    units = {unit.get("options", ("",))[0] for unit in metadata.get("input_process_units", [])}
    if any("Tokenizer" in unit for unit in units) or (
        inputs and all(t.dtype in ("int32", "int64", "string") and len(t.shape) < 3 for t in inputs)
    ):
        return f"its input is text or numbers of words ({_list(inputs)})"
    if "AudioProperties" in said["input"] or {"Mfcc", "AudioSpectrogram"} & set(operators):
        return f"its input is sound ({_list(inputs)})"
    if (
        set(_DETECTIONS) & set(operators)
        or "BoundingBoxProperties" in said["output"]
        or any(_is_boxes(tensor, alone=len(outputs) == 1) for tensor in outputs)
    ):
        return f"its outputs are boxes, as a detector's ({_list(outputs)})"
    if any(_is_map(tensor) for tensor in outputs):
        return f"its output is a map over the picture, as a segmenter's ({_list(outputs)})"
    if len(outputs) == 1:
        name, dims = outputs[0].name.lower(), [size for size in outputs[0].shape if size != 1]
        if len(dims) == 2 and dims[1] <= 3:
            return f"its output is a list of points ({_list(outputs)})"
        if len(dims) == 2:
            return f"its output is a list of candidates, as a detector's ({_list(outputs)})"
        if last == "L2_NORMALIZATION" or (not last.endswith(("MAX", "ISTIC")) and "embed" in name):
            return f"its output is an embedding ({_list(outputs)})"
        if "landmark" in name:
            return f"its output is a list of points ({_list(outputs)})"
    return None


def _is_boxes(tensor: ModelTensor, alone: bool) -> bool:
    """[1, N, 4], or one of several whose name says it."""
    listed = len(tensor.shape) in (2, 3) and tensor.shape[-1] == 4 and tensor.shape[-2] > 1
    named = re.search(r"box(es)?\b|detection_", tensor.name.lower())
    return listed or (named is not None and not alone)


def _is_map(tensor: ModelTensor) -> bool:
    if len(tensor.shape) != 4:
        return False
    return all(a > 1 or b for a, b in zip(tensor.shape[1:3], tensor.open[1:3], strict=True))


def _input_problem(inputs: Sequence[ModelTensor]) -> str | None:
    if len(inputs) != 1:
        return f"it has {len(inputs)} inputs ({_list(inputs)})" if inputs else "it has no input"
    (image,) = inputs
    shape, said = image.shape, _shape(image)
    if len(shape) < 3:
        return f"its input is not a picture but numbers, such as sound or features ({said})"
    if len(shape) == 3 and shape[2] == 3:
        return f"its input has no dimension for the batch ({said})"
    if len(shape) == 3 or (len(shape) == 4 and shape[3] == 1):
        return f"its input is grayscale ({said}), and clients feed RGB"
    if len(shape) == 4 and shape[3] != 3 and shape[1] == 3:
        return f"its input has the channels first ({said}), and clients feed them last"
    if len(shape) != 4 or shape[3] != 3:
        return f"its input has the shape {said}"
    if shape[0] != 1 and not image.open[0]:
        return f"it takes {shape[0]} photos at a time ({said}), and clients feed one"
    if image.dtype not in _USABLE:
        return f"its input is {image.dtype}"
    if any(size < 0 for size in shape) or math.prod(shape[1:3]) > _MOST_PIXELS:
        return f"its input has the shape {said}"
    return None


def _output_problem(outputs: Sequence[ModelTensor]) -> str | None:
    if len(outputs) != 1:
        return (
            f"it has {len(outputs)} outputs ({_list(outputs)})" if outputs else "it has no output"
        )
    (scores,) = outputs
    if not scores.shape or math.prod(scores.shape) != scores.shape[-1] or scores.shape[-1] < 1:
        return f"its output has the shape {_shape(scores)}"
    if scores.dtype not in _USABLE:
        return f"its output is {scores.dtype}"
    return None


def _scale_problem(image: ModelTensor, scores: ModelTensor) -> str | None:
    for what, tensor in (("input", image), ("output", scores)):
        # A uint8 input takes the pixels as they are.
        if tensor.dtype == "float32" or (tensor.dtype == "uint8" and what == "input"):
            continue
        if not tensor.scale:
            return f"its {what} is {tensor.dtype} without a scale"
        if not (math.isfinite(tensor.scale) and tensor.scale >= _SMALLEST_SCALE):
            return f"its {what} is {tensor.dtype} with a scale that can't be used ({tensor.scale})"
    return None


def _in_shares(scores: ModelTensor) -> bool:
    """Steps of 1/256 from 0: what quantizers give a softmax."""
    return scores.scale == 1 / 256 and scores.zero_point == _LOWEST.get(scores.dtype)


def _is_open(image: ModelTensor) -> bool:
    """Also [1, 1, 1, 3]: what converters write for an unknown size when they write no signature."""
    return any(image.open[1:3]) or min(image.shape[1:3]) < 2


def _size(image: ModelTensor, metadata: Tree) -> Size | None:
    height, width = image.shape[1:3]
    if not _is_open(image):
        return height, width
    entry: Tree = next(iter(metadata.get("input_tensor_metadata", [])), {})
    said = entry.get("content", {}).get("content_properties", ("", {}))[1].get("default_size", {})
    told = (said.get("height", 0), said.get("width", 0))
    if min(told) > 0 and math.prod(told) <= _MOST_PIXELS:
        return told
    return (height, width) if min(height, width) > 1 else None


def _last_operator(file: ModelFile) -> str:
    """What makes the scores, past the operators that only carry them."""
    graph = file.tree["subgraphs"][0]
    makers: dict[int, tuple[str, Tree]] = {}
    for name, (operator, tensors), _ in named_operators(file):
        if tensors is graph["tensors"]:
            makers.update(dict.fromkeys(operator["outputs"], (name, operator)))
    tensor, last = graph["outputs"][0], ""
    for _ in graph["operators"]:
        maker = makers.get(tensor)
        if maker is None:
            break
        last, operator = maker
        if last not in _CARRIERS or not operator["inputs"]:
            break
        tensor = operator["inputs"][0]
    return last


def _shape(tensor: ModelTensor) -> str:
    sizes = zip(tensor.shape, tensor.open, strict=True)
    return f"[{', '.join('?' if unknown else str(size) for size, unknown in sizes)}]"


def _list(tensors: Sequence[ModelTensor]) -> str:
    more = f" and {len(tensors) - 4} more" if len(tensors) > 4 else ""
    return ", ".join(f"{each.dtype} {_shape(each)}" for each in tensors[:4]) + more
