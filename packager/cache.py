"""The cache: files that packager can recreate or download again."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from packager import files
from packager.errors import OutputError
from packager.reading import MODEL_BYTES, read_file

_TRIAL_BYTES = 1 << 16
_DIGEST = 16
# Where unfinished files lie.
_SWEPT = ("backbones", "features/*", "checkpoints/*", "ranges", "evaluations", "heads")


def cache_folder() -> Path:
    """The user's cache folder for packager; `PACKAGER_CACHE` in the environment moves it.

    Raises `SettingsError` when it names the home folder of an unknown user.
    """
    override = os.environ.get("PACKAGER_CACHE")
    if override:
        return files.expanded(override, "PACKAGER_CACHE").absolute()
    from platformdirs import user_cache_path

    return Path(user_cache_path("tflite-packager", appauthor=False))


def check_cache() -> None:
    """Clears what killed runs left in the cache. Raises `OutputError` when it can't be written."""
    folder = cache_folder()
    try:
        for each in (folder, *(folder / name for name in ("backbones", "features"))):
            each.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=each) as trial:
                trial.write(bytes(_TRIAL_BYTES))
                trial.flush()
        for pattern in _SWEPT:
            for each in folder.glob(pattern):
                files.clear_dead_files(each)
    except (OSError, ValueError) as error:
        raise _unwritable(folder, error) from error


def read_entry(path: Path) -> bytes:
    """The content of a file in the cache, empty when it is missing or not a regular file.

    Raises `OutputError` when there is a folder in its place, which nothing could replace.
    """
    try:
        return read_file(path, MODEL_BYTES)
    except IsADirectoryError as error:
        raise OutputError(
            "there is a folder in the cache where a file is expected",
            where=path,
            fix="Delete it: packager can recreate everything in the cache.",
        ) from error
    except OSError:
        return b""


def write_entry(path: Path, content: bytes, *, scratch: Path | None = None) -> None:
    """`files.write_bytes` into the cache. Raises `OutputError` when it can't be written."""
    try:
        files.write_bytes(path, content, scratch=scratch)
    except OSError as error:
        raise _unwritable(path.parent, error) from error


def read_checked(path: Path) -> bytes:
    """What `write_checked` wrote; empty when it isn't there or is damaged."""
    content = read_entry(path)
    digest, data = content[:_DIGEST], content[_DIGEST:]
    return data if _digest(data) == digest else b""


def write_checked(path: Path, data: bytes) -> None:
    """`write_entry` with a digest in front, which reveals damage."""
    write_entry(path, _digest(data) + data)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST).digest()


def _unwritable(where: Path, error: OSError | ValueError) -> OutputError:
    return OutputError(
        f"the cache can't be written ({getattr(error, 'strerror', None) or error})",
        where=where,
        fix="Free some space, or set PACKAGER_CACHE to a writable folder.",
    )
