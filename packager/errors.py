"""What can go wrong, in words a person can act on.

Every error that packager raises on purpose is a `PackagerError`: it says what happened, to
which file or setting, and what to do about it. The command line prints it and exits with 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def first_of(names: Sequence[str], most: int) -> str:
    """At most so many of the names, for a message, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


class PackagerError(Exception):
    """What happened, where, and what to do.

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
        """Errors cross from one process to another whole."""
        return _again, (type(self), self.what, self.where, self.fix)

    def __str__(self) -> str:
        place = "" if self.where is None else f"{self.where}: "
        return f"{place}{self.what}. {self.fix}"


def _again(kind: type[PackagerError], what: str, where: str | None, fix: str) -> PackagerError:
    return kind(what, where=where, fix=fix)


class DataError(PackagerError):
    """The photos, or the folder they lie in, can't be used."""


class WeightsError(PackagerError):
    """Pretrained weights are missing, damaged, hostile or of another architecture."""


class DownloadError(PackagerError):
    """A file could not be fetched, or is not the file that was promised."""


class ModelFileError(PackagerError):
    """A .tflite file can't be read, or is not an image classifier."""


class MetadataError(PackagerError):
    """Metadata or labels can't be written into, or read from, a model file."""


class SettingsError(PackagerError):
    """A value given by the user is out of range or contradicts another."""


class OutputError(PackagerError):
    """The place to write to exists already, or can't be written."""


class RecordError(PackagerError):
    """A JSON file that was written earlier can't be read back, or isn't what it should be."""


class TrainingError(PackagerError):
    """Training can't begin or did not give a usable head."""


class AccuracyError(PackagerError):
    """Quantization lost more accuracy than the user allows."""


class LimitsError(PackagerError):
    """No model is within the limits given by the user."""


class ClientError(PackagerError):
    """A client that runs the model (MediaPipe, Task Library) can't be set up or failed."""


class DeviceError(PackagerError):
    """A phone can't be found or used over adb, or what ran on it failed."""


class BenchError(PackagerError):
    """Latencies can't be measured, or a file of them can't be read."""
