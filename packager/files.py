"""Files and folders that are whole or not there: written beside their place, renamed into it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


def write_bytes(path: Path, content: bytes, mode: int | None = None) -> None:
    """Writes `content` to `path`; a reader sees the old file or the new one, never a part.

    `mode` is the file's permissions, by default those of a new file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o666 & ~_umask() if mode is None else mode)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def write_text(path: Path, content: str) -> None:
    """`write_bytes` of UTF-8 with the newlines as they are."""
    write_bytes(path, content.encode("utf-8"))


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Gives a fresh folder beside `path` to fill; on success it takes `path`'s place.

    An older folder at `path` is swapped out in one step where the system can (Linux, macOS) and
    then deleted. On an exception the fresh folder is deleted and `path` is left as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".tmp"))
    try:
        os.chmod(fresh, 0o777 & ~_umask())
        yield fresh
        _put_in_place(fresh, path)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _put_in_place(fresh: Path, path: Path) -> None:
    try:
        os.rename(fresh, path)  # nothing there, or an empty folder
        return
    except OSError:
        if not path.is_dir():
            raise
    if _exchange(fresh, path):
        return  # `fresh` now names the old folder
    old = path.with_name(f".{path.name[:100]}.old.tmp")
    shutil.rmtree(old, ignore_errors=True)
    os.rename(path, old)
    try:
        os.rename(fresh, path)
    except OSError:
        os.rename(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two folders atomically: renameat2(2) on Linux, renamex_np(2) on macOS."""
    import ctypes
    import sys

    first, second = os.fsencode(one), os.fsencode(other)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux":
            at_cwd, exchange = -100, 2
            return bool(libc.renameat2(at_cwd, first, at_cwd, second, exchange) == 0)
        if sys.platform == "darwin":
            swap = 2
            return bool(libc.renamex_np(first, second, swap) == 0)
    except (OSError, AttributeError, TypeError):
        pass
    return False


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
