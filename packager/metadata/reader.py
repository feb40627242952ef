"""Reads the metadata inside a .tflite file.

Source: `metadata_schema.fbs` of TensorFlow Lite Support, version 1.5.0; see `schema.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from packager.errors import MetadataError, SettingsError
from packager.labels import packed_labels
from packager.metadata import schema
from packager.metadata.container import ModelFile, open_model
from packager.metadata.flatbuffer import DamagedError, Tree, decode

DEFAULT_LOCALE = "en"


@dataclass(frozen=True)
class TensorMetadata:
    """What the metadata says of one input or output.

    Attributes:
        content: "image", "feature", "bounding box", "audio" or "".
        color_space: "RGB", "GRAYSCALE" or "" (images).
        mean, std: a pixel x of 0..255 enters as (x - mean) / std; one value or one a channel.
        minimum, maximum: of the tensor's values; one value or one a channel.
        labels: one a class, in the order of the output's values, cleaned as `packager.labels`
            does; from the label file without a locale, or else from the first.
        display_names: by locale, what people are shown for each of the labels (a name that is
            blank is the label). A list of another length than the labels' is ignored.
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
    display_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
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

    @property
    def display_names(self) -> Mapping[str, tuple[str, ...]]:
        """By locale, the names to show for `labels`."""
        return next((output.display_names for output in self.outputs if output.labels), {})

    def names(self, locale: str | None = None) -> tuple[str, ...]:
        """What people are shown for each class, in a locale such as "en" or "pt-BR".

        Without one the English names, as MediaPipe and the Task Library do; the labels where
        there are none. A class without either is "class 3", by its place from 0.

        Raises `SettingsError` for a locale that the model has no names in.
        """
        wanted = _locale(locale or DEFAULT_LOCALE)
        found = {_locale(name): names for name, names in self.display_names.items()}
        near = [names for name, names in found.items() if name.split("-")[0] == wanted]
        for names in (found.get(wanted), found.get(wanted.split("-")[0]), *near):
            if names is not None:
                return _named(names)
        if locale is None:
            return _named(self.labels)
        there = ", ".join(self.display_names)
        raise SettingsError(
            f"the model has no names for the locale {locale!r}",
            where="--locale",
            fix=f"Use one of: {there}." if there else "Leave it out: it has labels only.",
        )


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
        outputs=tuple(
            _tensor(tree, file, scores or 0)
            for tree, scores in zip_longest(
                graph.get("output_tensor_metadata", []), score_counts(file)
            )
            if tree is not None
        ),
        associated_files=tuple(file.files),
    )


def metadata_tree(file: ModelFile) -> Tree | None:
    """The tables of the metadata flatbuffer; raises `MetadataError` when it's damaged."""
    if file.metadata is None:
        return None
    try:
        if file.metadata[4:8] != schema.IDENTIFIER:
            raise DamagedError(f"it lacks the identifier {schema.IDENTIFIER.decode()}")
        return decode(file.metadata, schema.TABLES, "ModelMetadata", strict=True)
    except DamagedError as error:
        raise _damaged(file, f"the metadata can't be read: {error}") from None


def score_counts(file: ModelFile) -> list[int]:
    """How many scores each output gives, 0 where its shape doesn't say."""
    graph = file.tree["subgraphs"][0]
    shapes = [graph["tensors"][index].get("shape", ()) for index in graph["outputs"]]
    return [max(0, int(shape[-1])) if len(shape) else 0 for shape in shapes]


def _tensor(tree: Tree, file: ModelFile, scores: int = 0) -> TensorMetadata:
    kind, content = tree.get("content", {}).get("content_properties", ("", {}))
    color = content.get("color_space", 0) if kind == "ImageProperties" else 0
    units = dict(unit["options"] for unit in tree.get("process_units", []) if "options" in unit)
    normalization = units.get("NormalizationOptions", {})
    stats, files = tree.get("stats", {}), tree.get("associated_files", [])
    labels, display_names = _labels(files, file, scores)
    return TensorMetadata(
        name=tree.get("name", ""),
        description=tree.get("description", ""),
        content=_CONTENTS.get(kind, ""),
        color_space=schema.COLOR_SPACES[color] if color in (1, 2) else "",
        mean=tuple(normalization.get("mean", ())),
        std=tuple(normalization.get("std", ())),
        minimum=tuple(stats.get("min", ())),
        maximum=tuple(stats.get("max", ())),
        labels=labels,
        display_names=display_names,
        associated_files=tuple(entry.get("name", "") for entry in files),
    )


_CONTENTS = {
    "FeatureProperties": "feature",
    "ImageProperties": "image",
    "BoundingBoxProperties": "bounding box",
    "AudioProperties": "audio",
}


def _labels(
    files: list[Tree], model: ModelFile, scores: int
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """The labels, and what is shown for them by locale."""
    lists = [entry for entry in files if entry.get("type") == schema.TENSOR_AXIS_LABELS]
    if not lists:
        return (), {}
    plain = min(lists, key=lambda entry: bool(entry.get("locale")))
    labels = _list(plain, model, scores)
    shown = {}
    for entry in lists:
        names = _list(entry, model, len(labels)) if entry.get("locale") else ()
        if names and len(names) == len(labels):
            pairs = zip(names, labels, strict=True)
            shown[entry["locale"]] = tuple(name or label for name, label in pairs)
    return labels, shown


def _list(entry: Tree, model: ModelFile, count: int) -> tuple[str, ...]:
    name = entry.get("name", "")
    if name not in model.files:
        raise _damaged(
            model, f"the metadata names the label file {name[:100]!r}, which isn't there"
        )
    try:
        return packed_labels(model.files[name], count)
    except UnicodeDecodeError:
        raise _damaged(model, f"the label file {name[:100]!r} isn't UTF-8 text") from None
    except ValueError as error:
        raise _damaged(model, f"the label file {name[:100]!r} can't be one: {error}") from None


def _named(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(label or f"class {place}" for place, label in enumerate(labels))


def _locale(name: str) -> str:
    return name.replace("_", "-").casefold()


def _damaged(model: ModelFile, what: str) -> MetadataError:
    return MetadataError(
        what, where=model.where, fix="Write the metadata again: packager metadata write --replace."
    )
