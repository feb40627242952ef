"""Writes labels from a text file, and metadata, into any .tflite image classifier."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from packager.errors import MetadataError, SettingsError
from packager.labels import clean, file_labels, same_named, without_numbers
from packager.metadata.reader import ModelMetadata, read_metadata
from packager.metadata.writer import ClassifierMetadata, add_metadata_to_file
from packager.out_folder import check_outputs
from packager.progress import SILENT, Progress
from packager.reading import TEXT_BYTES, read_file

_NAMED = 3  # warnings name so many labels and count the rest


def label_model(
    model: Path,
    labels: Path,
    out: Path | None = None,
    *,
    mean: str = "",
    std: str = "",
    replace: bool = False,
    strip_index: bool = False,
    name: str = "",
    description: str = "",
    version: str = "",
    author: str = "",
    licence: str = "",
    progress: Progress = SILENT,
) -> ModelMetadata:
    """Writes into `model`, or into a copy at `out`, and gives what a reader then finds there.

    `labels` is UTF-8 text, a label a line, in the order of the scores; `strip_index` leaves out
    the number that each begins with ("0 cat"). `mean` and `std` are one number or three with
    commas between. What is left empty stays as the file has it, unless `replace` drops all older
    metadata first. `progress` gets warnings about labels that occur twice or begin with numbers.

    Raises `MetadataError` when the labels can't be read or don't fit the model, `ModelFileError`
    when it isn't an image classifier, `OutputError` when `out` can't be written, and
    `SettingsError` for a mean or std that isn't a number, or an `out` that is the label file.
    """
    if out is not None and os.path.realpath(out) == os.path.realpath(labels):
        raise SettingsError(
            "this is the label file, which the model would replace",
            where="--out",
            fix="Choose another file.",
        )
    check_outputs({"--out": out}, [labels])
    written = add_metadata_to_file(
        model,
        ClassifierMetadata(
            labels=_labels(labels, strip_index, progress),
            name=name,
            description=description,
            version=version,
            author=author,
            license=licence,
            mean=_numbers("--mean", mean),
            std=_numbers("--std", std),
        ),
        out,
        keep=not replace,
    )
    found = read_metadata(written)
    assert found is not None
    return found


def _labels(path: Path, strip_index: bool, progress: Progress) -> tuple[str, ...]:
    try:
        content = read_file(path, TEXT_BYTES)
    except OSError as error:
        raise MetadataError(
            f"the labels can't be read ({error.strerror or error})",
            where=path,
            fix="Give a UTF-8 text file with a label a line, in the order of the model's scores.",
        ) from None
    labels = file_labels(content, path)
    names = without_numbers(labels)
    if strip_index:
        if names is None:
            raise MetadataError(
                "the labels don't begin with their numbers",
                where=path,
                fix="--strip-index is for lines such as '0 cat', '1 dog', in the order of the "
                "scores; leave it out.",
            )
        labels = tuple(map(clean, names))
    elif names is not None:
        progress.warn(
            f"{path}: the labels begin with their numbers ({labels[0]!r}), which an app will "
            "show; --strip-index removes the numbers"
        )
    warn_of_twins(labels, progress)
    return labels


def warn_of_twins(labels: Sequence[str], progress: Progress) -> None:
    """Tells of labels that several classes have."""
    groups = same_named(labels)
    said = [
        f"{labels[group[0]]!r} ({', '.join(map(str, group[:5]))}{', …' if group[5:] else ''})"
        for group in groups[:_NAMED]
    ]
    if groups:
        more = f" and {len(groups) - _NAMED} more" if groups[_NAMED:] else ""
        progress.warn(
            f"several classes have the same label: {', '.join(said)}{more}; only their places in "
            "the list (from 0) tell them apart"
        )


def _numbers(flag: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(",")) if text else ()
    except ValueError:
        raise SettingsError(
            f"{text!r} is not a number, or three with commas between",
            where=flag,
            fix="Give, say, 127.5 or 123.7,116.3,103.5.",
        ) from None
