"""Atomic files and folders: written beside their place, then renamed into it.

While a folder is being made, a lock file beside it exists. The holder of the lock removes what
killed processes left there; no other process touches it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from packager.errors import OutputError, SettingsError

_TEMPORARY = "packager-run-"
_LONGEST = 100  # letters of a name that is shortened to make another of it
_WINDOWS = os.name == "nt"
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)  # seconds between the attempts to rename
_pause = time.sleep


def write_bytes(
    path: Path, content: bytes, mode: int | None = None, *, scratch: Path | None = None
) -> None:
    """Writes `content` to `path`; a reader sees the old file or the new one, never a part.

    `mode` is the file's permissions, by default those of a new file. The unfinished file lies
    beside it, or in the folder `scratch` on the same disk. What a kill leaves there is cleared by
    `clear_dead_files`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _unfinished(scratch or path.parent, path.name) as (file, name):
        try:
            file.write(content)
            file.flush()
            os.chmod(name, 0o666 & ~_umask() if mode is None else mode)
            if _WINDOWS:
                file.close()  # an open file can't be renamed there
            _patient(lambda: os.replace(name, path))
        except BaseException:
            file.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise


def write_text(path: Path, content: str) -> None:
    """`write_bytes` of UTF-8 with the newlines as they are."""
    write_bytes(path, content.encode("utf-8"))


def write_output(path: Path, content: str) -> None:
    """`write_text` of a file that the user named. Raises `OutputError` when it can't be written."""
    try:
        write_text(path, content)
    except OSError as error:
        raise OutputError(
            f"can't be written ({error.strerror or error})",
            where=path,
            fix="Choose another file, or free some space.",
        ) from error


@contextlib.contextmanager
def _unfinished(folder: Path, name: str) -> Iterator[tuple[IO[bytes], str]]:
    """A new file, locked as long as it is written to: so a living one is told from a dead one."""
    while True:
        handle, path = tempfile.mkstemp(dir=folder, prefix=f".{_short(name)}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            if _lock(handle, wait=False) and os.path.exists(path):
                yield file, path
                return
        # `clear_dead_files` of another process was faster than the lock.


def clear_dead_files(folder: Path) -> None:
    """Deletes the unfinished files in `folder` whose writers are gone; errors are ignored."""
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder)):
            if re.fullmatch(r"\..*\.[a-z0-9_]{8}\.tmp", entry.name, re.DOTALL):
                with contextlib.suppress(OSError):
                    if entry.is_file(follow_symlinks=False):
                        _unlink_if_dead(entry.path)


def _unlink_if_dead(path: str) -> None:
    if not _LOCKS:
        return
    with open(path, "rb") as file:
        if _lock(file.fileno(), wait=False):
            os.unlink(path)


@contextlib.contextmanager
def new_folder(path: Path, *, replaceable: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Yields a new folder beside `path` to fill; on success it replaces `path`.

    Processes that make the same folder take turns: see `Place.filled`, and `held` to hold the
    place for longer.
    """
    with held(path, wait=True) as place, place.filled(replaceable) as fresh:
        yield fresh


@contextlib.contextmanager
def held(path: Path, *, wait: bool = False) -> Iterator[Place]:
    """Holds `path`, a folder to be made, for this process alone; clears what dead ones left.

    Folders above it are made, and taken away again when they stay empty.

    Raises `OutputError` when another process holds it, unless `wait` is true.
    """
    made = _make_parents(path.parent)
    try:
        with _alone(path.with_name(f".{_short(path.name)}.lock"), path, wait=wait):
            place = Place(path)
            place.recover()
            yield place
    finally:
        with contextlib.suppress(OSError):
            for folder in made:
                folder.rmdir()


def _make_parents(folder: Path) -> list[Path]:
    """Those that were not there, the deepest first."""
    missing = []
    while not folder.exists() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
    return missing


@dataclass(frozen=True)
class Place:
    """A folder that this process alone makes, see `held`."""

    path: Path

    @contextlib.contextmanager
    def filled(self, replaceable: Callable[[Path], None] | None = None) -> Iterator[Path]:
        """Yields a new folder beside `path` to fill; on success it replaces `path`.

        An older folder is swapped out in one step where the system can (Linux, macOS) and then
        deleted, but only with `replaceable`, which is called with it before and after, and
        raises where something in it must not be lost. On an exception the fresh folder is
        deleted and `path` is as it was.

        Raises `OutputError` when there is something at `path` and no `replaceable`.
        """
        path = self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(
            tempfile.mkdtemp(dir=path.parent, prefix=f".{_short(path.name)}.", suffix=".tmp")
        )
        try:
            os.chmod(fresh, 0o777 & ~_umask())
            yield fresh
            self._put_in_place(fresh, replaceable)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def recover(self) -> None:
        """Puts back what a kill left aside, and deletes what killed processes left unfinished."""
        old = self._aside()
        if old.exists():
            try:
                _rename_new(old, self.path)
            except OSError:
                raise OutputError(
                    "an interrupted run left the previous folder there",
                    where=old,
                    fix=f"Move it elsewhere, or delete it if {self.path} is complete.",
                ) from None
        if not _LOCKS:
            return  # one that is alive could not be told
        name = re.escape(f".{_short(self.path.name)}.")
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(self.path.parent)):
                if re.fullmatch(name + r"[a-z0-9_]{8}\.tmp", entry.name) and entry.is_dir(
                    follow_symlinks=False
                ):
                    shutil.rmtree(entry.path, ignore_errors=True)

    def _put_in_place(self, fresh: Path, replaceable: Callable[[Path], None] | None) -> None:
        path = self.path
        try:
            _rename_new(fresh, path)
            return
        except OSError:
            if not path.is_dir() or path.is_symlink():
                raise
        if replaceable is None:
            raise OutputError(
                "the folder was created by something else meanwhile, and was not touched",
                where=path,
                fix="Check it, and choose another --out or move it away.",
            )
        replaceable(path)
        if _exchange(fresh, path):
            try:
                replaceable(fresh)  # which is the older one now: somebody may have been quicker
            except BaseException:
                _exchange(fresh, path)
                raise
            return
        old = self._aside()
        try:
            _patient(lambda: os.rename(path, old))
            replaceable(old)
            _patient(lambda: os.rename(fresh, path))
        except BaseException:
            if old.exists() and not path.exists():
                os.rename(old, path)
            raise
        os.rename(old, fresh)  # from here on it is no longer needed

    def _aside(self) -> Path:
        return self.path.with_name(f".{_short(self.path.name)}.old.tmp")


def _patient(rename: Callable[[], None]) -> None:
    """On Windows another process that reads the file, such as a virus scanner, delays it."""
    for seconds in _PAUSES if _WINDOWS else ():
        try:
            return rename()
        except PermissionError:
            _pause(seconds)
    return rename()


def _rename_new(fresh: Path, path: Path) -> None:
    """Renames to a place where there is nothing, or an empty folder; else raises `OSError`."""
    if _WINDOWS and path.is_dir() and not path.is_symlink():
        path.rmdir()  # Windows renames to no folder at all, not even an empty one
    os.rename(fresh, path)


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two folders atomically: renameat2(2) on Linux, renamex_np(2) on macOS."""
    import ctypes

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


@contextlib.contextmanager
def _alone(lock: Path, path: Path, *, wait: bool) -> Iterator[None]:
    """Holds the file `lock`, which is deleted at the end."""
    while True:
        lock.parent.mkdir(parents=True, exist_ok=True)  # another run may have just taken it away
        with lock.open("ab") as file:
            if not _lock(file.fileno(), wait=wait):
                raise OutputError(
                    "another run of packager is making this folder",
                    where=path,
                    fix="Wait until it has finished, or choose another --out.",
                )
            try:
                same = os.path.samestat(os.fstat(file.fileno()), lock.stat())
            except FileNotFoundError:
                same = False
            if not same:
                continue  # the one before has just deleted it
            try:
                yield
            finally:
                if _WINDOWS:
                    file.close()  # an open file can't be deleted there
                with contextlib.suppress(OSError):
                    lock.unlink()  # while it is held
            return


try:
    import fcntl
except ImportError:  # Windows: folders are still swapped whole, but not in turns
    _LOCKS = False
else:
    _LOCKS = True


def _lock(handle: int, *, wait: bool) -> bool:
    """Whether the open file is this process's alone now; the lock ends with it, however it ends.

    True, too, where files can't be locked (Windows, some network disks).
    """
    if not _LOCKS:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def _short(name: str) -> str:
    """The name, shortened if there is no room for a suffix."""
    if len(os.fsencode(name)) <= _LONGEST:
        return name
    return f"{name[: _LONGEST // 4]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


def expanded(path: str | Path, where: str) -> Path:
    """With the home folder that `~` stands for; `where` is the option, for `SettingsError`."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise SettingsError(
            f"there is no home folder for {path}", where=where, fix="Give another path."
        ) from None


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for as long as it is needed; clears those of processes that were killed.

    Raises `OutputError` when there is no place for it.
    """
    with contextlib.ExitStack() as stack:
        try:
            if _LOCKS:
                _clear_temporary(Path(tempfile.gettempdir()))
            while True:
                folder = tempfile.TemporaryDirectory(prefix=_TEMPORARY, suffix=".tmp")
                path = Path(stack.enter_context(folder))
                if not _LOCKS or stack.enter_context(_locked_folder(path)):
                    break
        except OSError as error:
            raise no_temporary(error) from None
        yield path


def _clear_temporary(parent: Path) -> None:
    for path in parent.glob(f"{_TEMPORARY}????????.tmp"):
        with contextlib.suppress(OSError), _locked_folder(path) as dead:
            if dead:
                shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _locked_folder(path: Path) -> Iterator[bool]:
    """Whether it is there, and this process's alone."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        yield _lock(handle, wait=False) and path.is_dir()
    finally:
        os.close(handle)


def temporary_file() -> IO[bytes]:
    """A nameless file that ends with the process. Raises `OutputError` when there is no place."""
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise no_temporary(error) from None


def no_temporary(error: OSError) -> OutputError:
    """The error for a temporary file or folder that can't be made."""
    return OutputError(
        f"there is no writable folder for temporary files ({error.strerror or error})",
        where=os.environ.get("TMPDIR"),
        fix="Set TMPDIR to a writable folder with some MB free.",
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
