"""Writes labels and metadata into a .tflite image classifier.

Source: `metadata_schema.fbs` of TensorFlow Lite Support, version 1.5.0; what clients make of it
is in docs/metadata.md.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packager import files
from packager.classifier_interface import check_label_count, classifier_interface
from packager.errors import MetadataError, OutputError
from packager.labels import check_labels, labels_text, packed_labels
from packager.metadata import schema
from packager.metadata.container import ModelFile, is_model, join_model, open_model
from packager.metadata.flatbuffer import Tree, encode
from packager.metadata.reader import metadata_tree
from packager.reading import MODEL_BYTES, open_file

LABELS_FILE = "labels.txt"
_TEXTS = ("name", "description", "version", "author", "license")


@dataclass(frozen=True)
class ClassifierMetadata:
    """What to write into an image classifier. What is left empty stays as the file has it.

    Attributes:
        name, description, version, author, license: of the model, as free text.
        labels: one a class, in the order of the output's values. They are written as
            `packager.labels.clean` gives them; two classes may have the same.
        mean, std: a pixel x of 0..255 enters the float model as (x - mean) / std; one value, or
            three for red, green, blue (MediaPipe takes three only when they are equal). A
            quantized model gets those of the float model that it came from.
        threshold: the score, 0..1, below which clients leave a class out unless the app says
            otherwise; None leaves what is there.
    """

    labels: tuple[str, ...]
    name: str = ""
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    threshold: float | None = None


def add_metadata_to_file(
    model: Path, metadata: ClassifierMetadata, out: Path | None = None, *, keep: bool = True
) -> Path:
    """`write_metadata` for a file; replaces `model` itself when `out` is None. Gives the path.

    A link stays one, and leads to the new content; what a file that is replaced may be used for
    (its mode) stays as it was.

    Raises `OutputError` when `out` can't be written, or is there and is no .tflite file.
    """
    content = _write(open_model(model, unpack=keep), metadata, keep)
    target = out or model
    try:
        place = Path(os.path.realpath(target))
        mode = _mode_of_model(place, target)
        files.write_bytes(place, content, mode)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise OutputError(
            f"the model can't be written ({getattr(error, 'strerror', None) or error})",
            where=target,
            fix="Choose an --out file in a writable folder.",
        ) from None
    return target


def _mode_of_model(place: Path, target: Path) -> int | None:
    """The permissions of the model at `place`, None where nothing is."""
    if not os.path.lexists(place):
        return None
    with open_file(place, MODEL_BYTES) as file:
        if not is_model(file.read(8)):
            raise OutputError(
                "the file exists already, and is not a .tflite model",
                where=target,
                fix="Choose another --out, or delete it.",
            )
        return stat.S_IMODE(os.fstat(file.fileno()).st_mode)


def write_metadata(model: bytes, metadata: ClassifierMetadata, *, keep: bool = True) -> bytes:
    """The .tflite file `model` with this metadata and `labels.txt` inside.

    Metadata that is there already is replaced where `metadata` says something, and kept
    otherwise: other fields, process units, associated files, metadata entries. The same input
    gives the same bytes, and writing twice gives what writing once gives.

    Args:
        keep: False drops all older metadata and associated files, unread.

    Raises:
        ModelFileError: not a TFLite model, or not an image classifier.
        MetadataError: labels or normalization don't fit, or the older metadata is damaged.
    """
    return _write(open_model(model, unpack=keep), metadata, keep)


def _write(file: ModelFile, metadata: ClassifierMetadata, keep: bool) -> bytes:
    check_labels(metadata.labels)
    _check_normalization(metadata)
    if metadata.threshold is not None and not 0 <= metadata.threshold <= 1:
        raise MetadataError(
            f"a score threshold of {metadata.threshold} is out of range",
            where=file.where,
            fix="Use 0 to 1.",
        )
    if not keep:
        file = replace(file, metadata=None, files={})
    tree = metadata_tree(file) or {}
    named = _file_names(tree)
    interface = classifier_interface(file)
    check_label_count(len(metadata.labels), interface, file.where)
    for key in _TEXTS:
        if text := getattr(metadata, key):
            tree[key] = text
    graphs = tree.setdefault("subgraph_metadata", [])
    if not graphs:
        graphs.append({})
    inputs = _entries(graphs[0], "input", file)
    outputs = _entries(graphs[0], "output", file)
    _describe_image(inputs[0], metadata, interface.image.dtype, file)
    _describe_scores(outputs[0], metadata, file)
    tree["min_parser_version"] = ".".join(map(str, minimum_parser_version(tree)))
    # A file that only a replaced entry named goes with it; one that nothing ever named stays.
    content = {n: c for n, c in file.files.items() if n not in named - _file_names(tree)}
    content[LABELS_FILE] = labels_text(metadata.labels).encode()
    try:
        packed = encode(tree, schema.TABLES, "ModelMetadata", schema.IDENTIFIER)
    except UnicodeEncodeError:
        raise MetadataError(
            "a text of the metadata isn't valid Unicode",
            where=file.where,
            fix="Check name, description, version, author and license.",
        ) from None
    return join_model(file, packed, content)


def _file_names(tree: Tree) -> set[str]:
    entries = _tables(tree, "AssociatedFile", "ModelMetadata")
    return {entry.get("name", "") for entry in entries}


def _check_normalization(metadata: ClassifierMetadata) -> None:
    mean, std = metadata.mean, metadata.std
    if problem := _normalization_problem(mean, std):
        raise MetadataError(
            problem,
            where=f"mean {mean}, std {std}",
            fix="For pixels of 0..255 into -1..1: 127.5, 127.5.",
        )


def _normalization_problem(mean: Sequence[float], std: Sequence[float]) -> str:
    numbers = all(math.isfinite(value) and abs(value) < 1e30 for value in (*mean, *std))
    if len(mean) != len(std) or len(mean) not in (0, 1, 3) or not numbers:
        return "mean and std must be one finite number each, or three each"
    return "std must be above zero" if any(value < 1e-6 for value in std) else ""


def _entries(graph: Tree, end: str, file: ModelFile) -> list[Tree]:
    """The metadata of all inputs or outputs; clients want exactly as many as the model has."""
    entries: list[Tree] = graph.setdefault(f"{end}_tensor_metadata", [])
    wanted = len(file.tree["subgraphs"][0][f"{end}s"])
    entries += [{} for _ in range(wanted - len(entries))]
    del entries[wanted:]
    return entries


def _describe_image(entry: Tree, metadata: ClassifierMetadata, dtype: str, file: ModelFile) -> None:
    entry.setdefault("name", "image")
    entry.setdefault("description", "The photo to classify.")
    kind, image = entry.get("content", {}).get("content_properties", ("", {}))
    image = {**(image if kind == "ImageProperties" else {}), "color_space": schema.RGB}
    entry["content"] = {"content_properties": ("ImageProperties", image)}
    units = entry.get("process_units", [])
    if metadata.mean:
        units = [u for u in units if u.get("options", ("",))[0] != "NormalizationOptions"]
        units.insert(0, {"options": ("NormalizationOptions", _normalization(metadata))})
        entry["process_units"] = units
    normalization = dict(unit["options"] for unit in units if "options" in unit)
    normalization = normalization.get("NormalizationOptions", {})
    mean, std = normalization.get("mean", []), normalization.get("std", [])
    if dtype == "float32" and (not mean or _normalization_problem(mean, std)):
        raise MetadataError(
            "a model with float input needs mean and std; no client runs it without",
            where=file.where,
            fix="Give the values that the model was trained with.",
        )
    low, high = _INTEGER_RANGE.get(dtype, (0.0, 255.0))
    if dtype == "float32":
        entry["stats"] = {
            "min": [(low - middle) / spread for middle, spread in zip(mean, std, strict=True)],
            "max": [(high - middle) / spread for middle, spread in zip(mean, std, strict=True)],
        }
    else:
        entry["stats"] = {"min": [low], "max": [high]}


_INTEGER_RANGE = {"uint8": (0.0, 255.0), "int8": (-128.0, 127.0)}


def _normalization(metadata: ClassifierMetadata) -> Tree:
    # MediaPipe refuses three values that differ; three equal ones are one.
    equal = len(set(metadata.mean)) == len(set(metadata.std)) == 1
    count = 1 if equal else 3
    return {"mean": list(metadata.mean[:count]), "std": list(metadata.std[:count])}


def _describe_scores(entry: Tree, metadata: ClassifierMetadata, file: ModelFile) -> None:
    entry.setdefault("name", "probability")
    entry.setdefault("description", "One score per class; the highest is the prediction.")
    entry["content"] = {"content_properties": ("FeatureProperties", {})}
    entry["stats"] = {"min": [0.0], "max": [1.0]}  # of the scores, which clients dequantize
    if metadata.threshold is not None:
        units = entry.get("process_units", [])
        units = [u for u in units if u.get("options", ("",))[0] != "ScoreThresholdingOptions"]
        options = {"global_score_threshold": metadata.threshold}
        entry["process_units"] = [*units, {"options": ("ScoreThresholdingOptions", options)}]
    labels = {
        "name": LABELS_FILE,
        "description": "The label of each class, one per line.",
        "type": schema.TENSOR_AXIS_LABELS,
    }
    kept = [e for e in entry.get("associated_files", []) if _stays(e, metadata, file)]
    entry["associated_files"] = [labels, *kept]


def _stays(entry: Tree, metadata: ClassifierMetadata, file: ModelFile) -> bool:
    """Whether a file of the output is kept: all but label lists; of those, fitting translations."""
    if entry.get("type") != schema.TENSOR_AXIS_LABELS:
        return True
    if not entry.get("locale") or entry.get("name") == LABELS_FILE:
        return False
    try:
        content = file.files.get(entry.get("name", ""), b"")
        return len(packed_labels(content, len(metadata.labels))) == len(metadata.labels)
    except ValueError:  # not UTF-8, or no list of labels
        return False


def _tables(tree: Any, wanted: str, table: str) -> Iterator[Tree]:
    """All tables of one kind, wherever they hang."""
    if table == wanted:
        yield tree
    for field, kind in schema.TABLES.get(table, {}).items():
        value = tree.get(field)
        if value is None:
            continue
        if kind.startswith("union "):
            yield from _tables(value[1], wanted, value[0])
        elif kind[0] == "[" and kind[1:-1] in schema.TABLES:
            for item in value:
                yield from _tables(item, wanted, kind[1:-1])
        elif kind in schema.TABLES:
            yield from _tables(value, wanted, kind)


def minimum_parser_version(tree: Mapping[str, Any]) -> tuple[int, int, int]:
    """The schema version that brought the newest thing used in `tree`; at least 1.0.0.

    As TensorFlow Lite Support counts it (`metadata_version.cc`): a field counts when it is
    present, even empty; the vocabulary files of tokenizers don't count.
    """
    versions = [(1, 0, 0)]
    for graph in tree.get("subgraph_metadata", []):
        fields = schema.SUBGRAPH_FIELD_VERSIONS.items()
        versions += [version for field, version in fields if field in graph]
    for unit in _tables(tree, "ProcessUnit", "ModelMetadata"):
        member = unit.get("options", ("",))[0]
        versions.append(schema.UNIT_VERSIONS.get(member, (1, 0, 0)))
    for content in _tables(tree, "Content", "ModelMetadata"):
        if content.get("content_properties", ("",))[0] == "AudioProperties":
            versions.append(schema.AUDIO_VERSION)
    for entry in _attached_files(tree):
        versions.append(schema.FILE_TYPE_VERSIONS.get(entry.get("type", 0), (1, 0, 0)))
        if "version" in entry:
            versions.append(schema.FILE_VERSION_VERSION)
    return max(versions)


def _attached_files(tree: Mapping[str, Any]) -> Iterator[Tree]:
    yield from tree.get("associated_files", [])
    for graph in tree.get("subgraph_metadata", []):
        yield from graph.get("associated_files", [])
        for end in ("input", "output"):
            for tensor in graph.get(f"{end}_tensor_metadata", []):
                yield from tensor.get("associated_files", [])
