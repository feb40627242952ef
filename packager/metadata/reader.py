"""What the metadata inside a .tflite file says.

Source: `metadata_schema.fbs` of TensorFlow Lite Support, version 1.5.0; see `schema.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packager.errors import MetadataError
from packager.metadata import schema
from packager.metadata.container import ModelFile, open_model
from packager.metadata.flatbuffer import DamagedError, Tree, decode


@dataclass(frozen=True)
class TensorMetadata:
    """What the metadata says of one input or output.

    Attributes:
        content: "image", "feature", "bounding box", "audio" or "".
        color_space: "RGB", "GRAYSCALE" or "" (images).
        mean, std: a pixel x of 0..255 enters as (x - mean) / std; one value or one a channel.
        minimum, maximum: of the tensor's values; one value or one a channel.
        labels: one a class, in the order of the output's values; from the label file without a
            locale, or else from the first.
        associated_files: names of the files that belong to the tensor.
    """

    name: str = ""
    description: str = ""
    content: str = ""
    color_space: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    minimum: tuple[float, ...] = ()
    maximum: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    associated_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelMetadata:
    """What the metadata says of a model; texts that it lacks are "".

    Attributes:
        inputs, outputs: in the order of the model's own inputs and outputs.
        associated_files: names of all files in the zip behind the model.
    """

    name: str = ""
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    min_parser_version: str = ""
    inputs: tuple[TensorMetadata, ...] = ()
    outputs: tuple[TensorMetadata, ...] = ()
    associated_files: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the first output that has any."""
        return next((output.labels for output in self.outputs if output.labels), ())


def read_metadata(model: bytes | Path) -> ModelMetadata | None:
    """The metadata of a .tflite file, or None when it has none.

    Raises:
        ModelFileError: it isn't a whole TFLite model.
        MetadataError: its metadata or its associated files are damaged.
    """
    return describe(open_model(model))


def describe(file: ModelFile) -> ModelMetadata | None:
    """`read_metadata` of a file that is open already."""
    tree = metadata_tree(file)
    if tree is None:
        return None
    graph: Tree = next(iter(tree.get("subgraph_metadata", [])), {})
    texts = ("name", "description", "version", "author", "license", "min_parser_version")
    return ModelMetadata(
        **{key: tree.get(key, "") for key in texts},
        inputs=tuple(_tensor(t, file) for t in graph.get("input_tensor_metadata", [])),
        outputs=tuple(_tensor(t, file) for t in graph.get("output_tensor_metadata", [])),
        associated_files=tuple(file.files),
    )


def describe_labelled(file: ModelFile) -> ModelMetadata:
    """`describe` of a file that has to have labels inside; `MetadataError` when it has none."""
    metadata = describe(file)
    if metadata is None or not metadata.labels:
        raise MetadataError(
            "the model has no labels inside",
            where=file.where,
            fix="Write them into it: packager metadata write MODEL --labels FILE.",
        )
    return metadata


def metadata_tree(file: ModelFile) -> Tree | None:
    """The tables of the metadata flatbuffer; raises `MetadataError` when it's damaged."""
    if file.metadata is None:
        return None
    try:
        if file.metadata[4:8] != schema.IDENTIFIER:
            raise DamagedError(f"it lacks the mark {schema.IDENTIFIER.decode()}")
        return decode(file.metadata, schema.TABLES, "ModelMetadata", strict=True)
    except DamagedError as error:
        raise _damaged(file, f"the metadata can't be read: {error}") from None


def read_labels(content: bytes) -> tuple[str, ...]:
    """The lines of a label file, split as the clients do; `UnicodeDecodeError` if not UTF-8."""
    lines = content.decode("utf-8").split("\n")
    return tuple(line.removesuffix("\r") for line in (lines[:-1] if not lines[-1] else lines))


def _tensor(tree: Tree, file: ModelFile) -> TensorMetadata:
    kind, content = tree.get("content", {}).get("content_properties", ("", {}))
    color = content.get("color_space", 0) if kind == "ImageProperties" else 0
    units = dict(unit["options"] for unit in tree.get("process_units", []) if "options" in unit)
    normalization = units.get("NormalizationOptions", {})
    stats, files = tree.get("stats", {}), tree.get("associated_files", [])
    return TensorMetadata(
        name=tree.get("name", ""),
        description=tree.get("description", ""),
        content=_CONTENTS.get(kind, ""),
        color_space=schema.COLOR_SPACES[color] if color in (1, 2) else "",
        mean=tuple(normalization.get("mean", ())),
        std=tuple(normalization.get("std", ())),
        minimum=tuple(stats.get("min", ())),
        maximum=tuple(stats.get("max", ())),
        labels=_labels(files, file),
        associated_files=tuple(entry.get("name", "") for entry in files),
    )


_CONTENTS = {
    "FeatureProperties": "feature",
    "ImageProperties": "image",
    "BoundingBoxProperties": "bounding box",
    "AudioProperties": "audio",
}


def _labels(files: list[Tree], model: ModelFile) -> tuple[str, ...]:
    lists = [entry for entry in files if entry.get("type") == schema.TENSOR_AXIS_LABELS]
    if not lists:
        return ()
    name = min(lists, key=lambda entry: bool(entry.get("locale"))).get("name", "")
    if name not in model.files:
        raise _damaged(model, f"the metadata names the label file {name!r}, which isn't there")
    try:
        return read_labels(model.files[name])
    except UnicodeDecodeError:
        raise _damaged(model, f"the label file {name!r} isn't UTF-8 text") from None


def _damaged(model: ModelFile, what: str) -> MetadataError:
    return MetadataError(
        what, where=model.where, fix="Write the metadata anew: packager metadata write --replace."
    )
