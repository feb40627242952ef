"""The errors that packager raises, with messages that users can act on.

Every error that packager raises on purpose is a `PackagerError`: it says what happened, to
which file or setting, and what to do about it. The command line prints it and exits with 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def first_of(names: Sequence[str], most: int) -> str:
    """Up to `most` of the names, for a message, and the number of further ones."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


class PackagerError(Exception):
    """An error with what happened, where, and what to do.

    Args:
        what: one sentence, no final full stop: "the photo is truncated".
        where: the file, folder or setting that it happened to, when there is one.
        fix: what the user can do, as one or more full sentences.
    """

    def __init__(self, what: str, *, where: str | Path | None = None, fix: str) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.fix = fix
        super().__init__(what, self.where, fix)

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors keep all their parts when they are pickled."""
        return _again, (type(self), self.what, self.where, self.fix)

    def __str__(self) -> str:
        place = "" if self.where is None else f"{self.where}: "
        return f"{place}{self.what}. {self.fix}"


def _again(kind: type[PackagerError], what: str, where: str | None, fix: str) -> PackagerError:
    return kind(what, where=where, fix=fix)


class DataError(PackagerError):
    """The photos, or their folder, can't be used."""


class WeightsError(PackagerError):
    """Pretrained weights are missing, damaged, hostile or of another architecture."""


class DownloadError(PackagerError):
    """A file could not be downloaded, or is not the expected file."""


class ModelFileError(PackagerError):
    """A .tflite file can't be read, or is not an image classifier."""


class MetadataError(PackagerError):
    """Metadata or labels can't be written into, or read from, a model file."""


class SettingsError(PackagerError):
    """A value given by the user is out of range or contradicts another."""


class OutputError(PackagerError):
    """The output exists already, or can't be written."""


class RecordError(PackagerError):
    """A JSON file that was written earlier can't be read, or has unexpected content."""


class TrainingError(PackagerError):
    """Training can't start, or didn't produce a usable head."""


class AccuracyError(PackagerError):
    """Quantization lost more accuracy than allowed."""


class LimitsError(PackagerError):
    """No model is within the limits given by the user."""


class ClientError(PackagerError):
    """A client that runs the model (MediaPipe, Task Library) can't be set up or failed."""


class DeviceError(PackagerError):
    """A phone can't be found or used over adb, or what ran on it failed."""


class BenchError(PackagerError):
    """Latencies can't be measured, or a file of them can't be read."""
