"""`model_spec.json`: the contract of the model beside it, for apps.

The app checks it against the model when it loads, and hard-codes nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from packager import __version__
from packager.classifier_interface import ModelTensor, Size, classifier_interface
from packager.inference import Normalisation, gives_logits
from packager.labels import labels_text
from packager.metadata.container import open_model
from packager.metadata.writer import LABELS_FILE
from packager.record import read_record

if TYPE_CHECKING:
    from packager.evaluation import Evaluation

FORMAT = 1
MODEL_FILE = "model.tflite"
SPEC_FILE = "model_spec.json"
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,5}")


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
    normalisation: Normalisation | None,
    evaluation: Evaluation | None = None,
    semantics: str = "probabilities",
    threshold: float | None = None,
) -> dict[str, Any]:
    """The contract as JSON values.

    `spec` is null for a model that packager didn't train, `evaluation` the file's own over the
    test photos. Scale and zero point are null for a tensor that isn't quantized; `mean` and
    `std` apply to pixels 0..255 and matter to float32 and int8 input only (a uint8 model takes
    the pixels as they are). `threshold` is the score, 0..1, below which the best answer is worth
    nothing; null where none is known.
    """
    interface = classifier_interface(open_model(model, unpack=False))
    normalisation = normalisation or _identity(interface.image)
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
            **_tensor(interface.image),
            "color_space": "RGB",
            "mean": list(normalisation.mean),
            "std": list(normalisation.std),
        },
        "resize": {"rule": "stretch", "interpolation": "bilinear", "antialias": False},
        "output": {
            **_tensor(interface.scores),
            "semantics": semantics,
            "threshold": threshold,
        },
        "labels": {
            "file": LABELS_FILE,
            "count": len(labels),
            "sha256": hashlib.sha256(labels_text(labels).encode()).hexdigest(),
        },
        "accuracy": None if evaluation is None else _accuracy(evaluation),
        "versions": {"packager": __version__},
    }


def describe_model(
    path: Path,
    spec: dict[str, Any] | None = None,
    locale: str | None = None,
    *,
    input_size: Size | None = None,
) -> DescribedModel:
    """Any .tflite image classifier with labels inside, with its contract.

    The contract is `spec`, or model_spec.json beside the file, when it is of these very bytes;
    else what the file itself and its metadata say: clients stretch the photo, so that's the
    resize rule, and the accuracy isn't known. Then the model is run once, in a process of its
    own: what an app couldn't run is refused. The labels are what people are shown, in `locale`
    (`ModelMetadata.names`).

    Whether the scores are probabilities: yes when the last operator is a softmax or a sigmoid,
    or when the output is quantized in steps of 1/256 from 0; else the model is asked about three
    drawn pictures, and its scores have to lie in 0..1 and add up to 1. If not, they are logits.

    Args:
        input_size: height and width for a model whose input has none; the model's bytes are
            then those with this size in them.

    Raises:
        ModelFileError: it can't be read or run, or isn't an image classifier.
        RecordError: the model_spec.json beside it is damaged.
        MetadataError: it has no labels, another number of them than scores, or takes float32 or
            int8 input and no mean and std are known.
        SettingsError: the file has another input size.
    """
    from packager.classifier_file import open_classifier
    from packager.inspection import inspect_model
    from packager.isolation import run_isolated

    file = open_classifier(path, locale, input_size)
    known = spec if spec is not None else _spec_beside(path, file.model)
    if known is not None and _is_of(known, file.model, file.names):
        return DescribedModel(file.model, file.names, _placed(known))
    logits = run_isolated(gives_logits, file.model, file.normalisation, path, where=path)
    return DescribedModel(
        file.model,
        file.names,
        model_spec(
            file.model,
            name=file.title or path.stem,
            spec=None,
            quantization=inspect_model(path).quantization,
            model_file=MODEL_FILE,
            labels=file.names,
            normalisation=file.normalisation,
            semantics="logits" if logits else "probabilities",
        ),
    )


def with_locales(
    spec: dict[str, Any], shown: Sequence[str], names: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The contract with lists of `names` by locale beside that of `shown`; texts by file name.

    A locale that isn't a language tag (RFC 5646: letters, digits and hyphens) is ignored.
    """
    texts = {LABELS_FILE: labels_text(shown)}
    locales: dict[str, dict[str, str]] = {}
    for locale, labels in names.items():
        tag = locale.replace("_", "-")
        if not _TAG.fullmatch(tag) or tag.casefold() in map(str.casefold, locales):
            continue
        text = labels_text(labels)
        file = LABELS_FILE if text == texts[LABELS_FILE] else f"labels-{tag.lower()}.txt"
        texts[file] = text
        locales[tag] = {"file": file, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    if len(texts) == 1:
        return spec, texts
    return {**spec, "labels": {**spec["labels"], "locales": locales}}, texts


def _spec_beside(path: Path, content: bytes) -> dict[str, Any] | None:
    """The contract beside the model; None where there is none, or another model's."""
    from packager.shapes import Contract

    beside = path.parent / SPEC_FILE
    if not beside.exists():
        return None
    fix = (
        "Move it away, so that the model's own metadata is used, or restore the file of its build."
    )
    spec = read_record(beside, dict[str, Any], fix=fix)
    model = spec.get("model")
    if not isinstance(model, dict) or model.get("sha256") != hashlib.sha256(content).hexdigest():
        return None
    return cast(dict[str, Any], read_record(beside, Contract, fix=fix, newest=FORMAT))


def _is_of(spec: dict[str, Any], model: bytes, labels: Sequence[str]) -> bool:
    digest = hashlib.sha256(labels_text(labels).encode()).hexdigest()
    try:
        found = spec["format"], spec["model"]["sha256"], spec["labels"]["sha256"]
    except (KeyError, TypeError):
        return False
    return bool(found == (FORMAT, hashlib.sha256(model).hexdigest(), digest))


def _placed(spec: dict[str, Any]) -> dict[str, Any]:
    """The contract with the names that the files have in a project."""
    return {
        **spec,
        "model": {**spec["model"], "file": MODEL_FILE},
        "labels": {**spec["labels"], "file": LABELS_FILE},
    }


def _tensor(tensor: ModelTensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "scale": tensor.scale,
        "zero_point": tensor.zero_point,
    }


def _identity(image: ModelTensor) -> Normalisation:
    """What a uint8 input's own scale and zero point make of a pixel."""
    if not image.scale:
        return Normalisation((0.0,), (1.0,))
    return Normalisation((float(image.zero_point or 0),), (1 / image.scale,))


def _accuracy(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "photos": len(evaluation.photos),
        **{each.view: {"top1": each.top1, "top5": each.top5} for each in evaluation.views},
    }
