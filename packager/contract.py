"""`model_spec.json`: what an app has to know of the model that lies beside it.

The app checks it against the model when it loads, and hard-codes nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from packager import __version__
from packager.errors import MetadataError, ModelFileError
from packager.inference import Classifier, Normalisation
from packager.labels import labels_text
from packager.metadata.writer import LABELS_FILE
from packager.reading import MODEL_BYTES, read_file
from packager.record import read_record

if TYPE_CHECKING:
    from packager.evaluation import Evaluation
    from packager.metadata.container import ModelFile
    from packager.metadata.flatbuffer import Tree
    from packager.metadata.reader import ModelMetadata

FORMAT = 1
MODEL_FILE = "model.tflite"
SPEC_FILE = "model_spec.json"
_DTYPES = {0: "float32", 3: "uint8", 9: "int8"}  # TFLite's TensorType
_LOWEST = {"uint8": 0, "int8": -128}


@dataclass(frozen=True)
class DescribedModel:
    """A model's bytes, the labels to show in the order of the scores, and its contract."""

    model: bytes
    labels: tuple[str, ...]
    spec: dict[str, Any]


def model_spec(
    model: bytes,
    *,
    name: str,
    spec: str | None,
    quantization: str,
    model_file: str,
    labels: Sequence[str],
    normalisation: Normalisation,
    evaluation: Evaluation | None = None,
    semantics: str = "probabilities",
) -> dict[str, Any]:
    """The contract as JSON values.

    `spec` is null for a model that packager didn't train, `evaluation` the file's own over the
    test photos. Scale and zero point are null for a tensor that isn't quantized; `mean` and
    `std` apply to pixels 0..255 and matter to float32 and int8 input only (a uint8 model takes
    the pixels as they are).
    """
    from packager.metadata.container import open_model

    graph = open_model(model, unpack=False).tree["subgraphs"][0]
    image, scores = (graph["tensors"][graph[ends][0]] for ends in ("inputs", "outputs"))
    return {
        "format": FORMAT,
        "model": {
            "name": name,
            "file": model_file,
            "bytes": len(model),
            "sha256": hashlib.sha256(model).hexdigest(),
            "spec": spec,
            "quantization": quantization,
        },
        "input": {
            **_tensor(image),
            "color_space": "RGB",
            "mean": list(normalisation.mean),
            "std": list(normalisation.std),
        },
        "resize": {"rule": "stretch", "interpolation": "bilinear", "antialias": False},
        "output": {**_tensor(scores), "semantics": semantics},
        "labels": {
            "file": LABELS_FILE,
            "count": len(labels),
            "sha256": hashlib.sha256(labels_text(labels).encode()).hexdigest(),
        },
        "accuracy": None if evaluation is None else _accuracy(evaluation),
        "versions": {"packager": __version__},
    }


def describe_model(
    path: Path, spec: dict[str, Any] | None = None, locale: str | None = None
) -> DescribedModel:
    """Any .tflite image classifier with labels inside, with its contract.

    The contract is `spec`, or model_spec.json beside the file, when it is of these very bytes;
    else what the file itself and its metadata say: clients stretch the photo, so that's the
    resize rule, and the accuracy isn't known. The labels are what people are shown, in `locale`
    (`ModelMetadata.names`).

    Whether the scores are probabilities: yes when the last operator is a softmax or a sigmoid,
    or when the output is quantized in steps of 1/256 from 0; else the model is asked about three
    drawn pictures, and its scores have to lie in 0..1 and add up to 1. If not, they are logits.

    Raises:
        ModelFileError: it can't be read or run, or isn't an image classifier.
        RecordError: the model_spec.json beside it is damaged.
        MetadataError: it has no labels, another number of them than scores, or takes float32 or
            int8 input and no mean and std are known.
    """
    from packager.inspection import inspect_model
    from packager.metadata.container import open_model
    from packager.metadata.reader import describe_labelled

    file = open_model(path)
    metadata = describe_labelled(file)
    model = read_file(path, MODEL_BYTES)
    labels = metadata.names(locale)
    known = spec if spec is not None else _spec_beside(path, file)
    if known is not None and _is_of(known, file, labels):
        return DescribedModel(model, labels, _placed(known))
    normalisation = _normalisation(file, metadata)
    _check_tensors(file)
    classifier = Classifier(model, normalisation, where=path)
    if classifier.classes != len(labels):
        raise MetadataError(
            f"the model gives {classifier.classes} scores and has {len(labels)} labels",
            where=path,
            fix="Write the right ones: packager metadata write MODEL --labels FILE.",
        )
    return DescribedModel(
        model,
        labels,
        model_spec(
            model,
            name=metadata.name.strip() or path.stem,
            spec=None,
            quantization=inspect_model(path).quantization,
            model_file=MODEL_FILE,
            labels=labels,
            normalisation=normalisation or _identity(file),
            semantics=_semantics(file, classifier),
        ),
    )


def _spec_beside(path: Path, file: ModelFile) -> dict[str, Any] | None:
    """The contract beside the model; None where there is none, or another model's."""
    from packager.shapes import Contract

    beside = path.parent / SPEC_FILE
    if not beside.exists():
        return None
    fix = "Move it away: the model's own metadata is used then. Or put back that of its build."
    spec = read_record(beside, dict[str, Any], fix=fix)
    model = spec.get("model")
    if not isinstance(model, dict) or model.get("sha256") != file.sha256:
        return None
    return cast(dict[str, Any], read_record(beside, Contract, fix=fix, newest=FORMAT))


def _is_of(spec: dict[str, Any], file: ModelFile, labels: Sequence[str]) -> bool:
    digest = hashlib.sha256(labels_text(labels).encode()).hexdigest()
    try:
        found = spec["format"], spec["model"]["sha256"], spec["labels"]["sha256"]
    except (KeyError, TypeError):
        return False
    return bool(found == (FORMAT, file.sha256, digest))


def _placed(spec: dict[str, Any]) -> dict[str, Any]:
    """The contract with the names that the files have in a project."""
    return {
        **spec,
        "model": {**spec["model"], "file": MODEL_FILE},
        "labels": {**spec["labels"], "file": LABELS_FILE},
    }


def _ends(file: ModelFile) -> tuple[Tree, Tree]:
    graph = file.tree["subgraphs"][0]
    return graph["tensors"][graph["inputs"][0]], graph["tensors"][graph["outputs"][0]]


def _tensor(tensor: Tree) -> dict[str, Any]:
    quantization = tensor.get("quantization", {})
    scale, zero_point = quantization.get("scale", ()), quantization.get("zero_point", ())
    return {
        "name": tensor.get("name", ""),
        "shape": [int(size) for size in tensor.get("shape", ())],
        "dtype": _DTYPES[tensor.get("type", 0)],
        "scale": float(scale[0]) if len(scale) else None,
        "zero_point": (int(zero_point[0]) if len(zero_point) else 0) if len(scale) else None,
    }


def _normalisation(file: ModelFile, metadata: ModelMetadata) -> Normalisation | None:
    first = metadata.inputs[0] if metadata.inputs else None
    if first is None or not first.mean:
        return None
    values = (*first.mean, *first.std)
    lengths = {len(first.mean), len(first.std)}
    if not all(map(math.isfinite, values)) or 0 in first.std or not lengths <= {1, 3}:
        raise MetadataError(
            f"the metadata's mean {list(first.mean)} and std {list(first.std)} can't be used",
            where=file.where,
            fix="Write the right ones: packager metadata write MODEL --labels FILE --mean M "
            "--std S.",
        )
    return Normalisation(first.mean, first.std)


def _identity(file: ModelFile) -> Normalisation:
    """What a uint8 input's own scale and zero point make of a pixel."""
    image = _tensor(_ends(file)[0])
    return (
        Normalisation((float(image["zero_point"]),), (1 / image["scale"],))
        if image["scale"]
        else Normalisation((0.0,), (1.0,))
    )


def _check_tensors(file: ModelFile) -> None:
    """What a client needs beyond what `Classifier` checks."""
    problem = None
    graph = file.tree["subgraphs"][0]
    for what, indices in (("input", graph["inputs"]), ("output", graph["outputs"])):
        for tensor in (graph["tensors"][index] for index in indices[:1]):
            dtype, shape = _DTYPES.get(tensor.get("type", 0)), list(tensor.get("shape", ()))
            # A uint8 input takes the pixels as they are.
            scaled = dtype == "int8" or (dtype == "uint8" and what == "output")
            if scaled and not any(tensor.get("quantization", {}).get("scale", ())):
                problem = f"its {what} is {dtype} without a scale"
            elif what == "input" and len(shape) == 4 and min(shape[1:3]) < 2:
                problem = f"its input has no fixed height and width: {shape}"
    if problem is not None:
        raise ModelFileError(
            f"an app can't feed this model: {problem}",
            where=file.where,
            fix="Convert it anew, with an input of fixed size [1, height, width, 3] and with "
            "quantization parameters on its input and output.",
        )


def _semantics(file: ModelFile, classifier: Classifier) -> str:
    fields = _tensor(_ends(file)[1])
    steps = fields["scale"] == 1 / 256 and fields["zero_point"] == _LOWEST.get(fields["dtype"])
    if steps or _last_operator(file) in ("SOFTMAX", "LOGISTIC"):
        return "probabilities"
    return "probabilities" if _adds_up(classifier) else "logits"


def _last_operator(file: ModelFile) -> str:
    """What makes the scores, past the operators that only carry them."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    names = {number: name for name, number in vars(BuiltinOperator).items() if name.isupper()}
    graph = file.tree["subgraphs"][0]
    makers = {end: operator for operator in graph["operators"] for end in operator["outputs"]}
    tensor, name = graph["outputs"][0], ""
    for _ in graph["operators"]:
        operator = makers.get(tensor)
        if operator is None:
            break
        code = file.tree["operator_codes"][operator.get("opcode_index", 0)]
        number = max(code.get("deprecated_builtin_code", 0), code.get("builtin_code", 0))
        name = names.get(number, "")
        if name not in ("DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE") or not operator["inputs"]:
            break
        tensor = operator["inputs"][0]
    return name


def _adds_up(classifier: Classifier) -> bool:
    import numpy as np

    height, width = classifier.size
    rows, columns = np.mgrid[0:height, 0:width]
    pictures = [
        np.repeat(np.uint8(plane % 256)[..., None], 3, axis=2)
        for plane in (rows * 5, columns * 3, rows * columns)
    ]
    answers = [classifier.scores(picture) for picture in pictures]
    return all(
        np.isfinite(answer).all() and answer.min() >= -1e-3 and abs(float(answer.sum()) - 1) <= 0.01
        for answer in answers
    )


def _accuracy(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "photos": len(evaluation.photos),
        **{each.view: {"top1": each.top1, "top5": each.top5} for each in evaluation.views},
    }
