"""Labels from a text file, and metadata, into anybody's .tflite image classifier."""

from __future__ import annotations

from pathlib import Path

from packager.errors import MetadataError, SettingsError
from packager.metadata.reader import ModelMetadata, read_labels, read_metadata
from packager.metadata.writer import ClassifierMetadata, add_metadata_to_file


def label_model(
    model: Path,
    labels: Path,
    out: Path | None = None,
    *,
    mean: str = "",
    std: str = "",
    replace: bool = False,
    name: str = "",
    description: str = "",
    version: str = "",
    author: str = "",
    licence: str = "",
) -> ModelMetadata:
    """Writes into `model`, or into a copy at `out`, and gives what a reader then finds there.

    `labels` is UTF-8 text, a label a line, in the order of the scores. `mean` and `std` are one
    number or three with commas between. What is left empty stays as the file has it, unless
    `replace` drops all older metadata first.

    Raises `MetadataError` when the labels can't be read or don't fit the model, `ModelFileError`
    when it isn't an image classifier, and `SettingsError` for a mean or std that is no number.
    """
    written = add_metadata_to_file(
        model,
        ClassifierMetadata(
            labels=_labels(labels),
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


def _labels(path: Path) -> tuple[str, ...]:
    fix = "Give a UTF-8 text file with a label a line, in the order of the model's scores."
    try:
        labels = read_labels(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise MetadataError(
            f"the labels can't be read ({error.strerror or error})", where=path, fix=fix
        ) from None
    except UnicodeDecodeError:
        raise MetadataError("the labels are not UTF-8 text", where=path, fix=fix) from None
    if not labels:
        raise MetadataError("there are no labels in the file", where=path, fix=fix)
    return labels


def _numbers(flag: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(",")) if text else ()
    except ValueError:
        raise SettingsError(
            f"{text!r} is not a number, or three with commas between",
            where=flag,
            fix="Give, say, 127.5 or 123.7,116.3,103.5.",
        ) from None
