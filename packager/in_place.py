"""Changes several files of a folder in place: all of them, or none.

The new files and copies of the old ones are written into a folder of their own first, with a
journal of what is to change. Then the new ones are renamed into their places. What an exception
stops is put back at once, what a kill stops by `put_back`, which the next run calls.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from packager import files
from packager.errors import OutputError, RecordError
from packager.reading import MODEL_BYTES, read_file
from packager.record import as_json, read_record

STAGE = ".packager-update"
_JOURNAL = "journal.json"
_LONGEST, _LONGEST_PART = 1000, 255


@dataclass(frozen=True)
class Change:
    """A file, by its name in the folder: what it holds, and what it will; None: it isn't there.

    `executable` makes it one; it stays one in any case.
    """

    name: str
    old: bytes | None
    new: bytes | None
    executable: bool = False


def current(folder: Path, name: str) -> bytes | None:
    """What the file holds, None when there is none.

    Raises `OutputError` when it, or a folder that it is in, is a link or no file: what comes of
    writing there is somewhere else.
    """
    path = folder
    for part in PurePosixPath(name).parts:
        path = path / part
        try:
            mode = path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        wanted = "file" if path == folder / name else "folder"
        if not (stat.S_ISREG(mode) if wanted == "file" else stat.S_ISDIR(mode)):
            kind = "a link" if stat.S_ISLNK(mode) else f"no {wanted}"
            raise OutputError(
                f"this is {kind}, and packager needs a {wanted} there",
                where=path,
                fix=f"Put the {wanted} itself there, or move it away.",
            )
    return read_file(path, MODEL_BYTES)


def change_files(folder: Path, changes: Sequence[Change]) -> None:
    """Makes the changes.

    Raises:
        OutputError: a file isn't what `old` says: somebody changed it meanwhile.
        OSError: the folder can't be written. In each case nothing has changed.
    """
    if not changes:
        return
    stage = folder / STAGE
    stage.mkdir()
    try:
        try:
            for number, change in enumerate(changes):
                _prepare(folder, stage, number, change)
            journal = {"format": 1, "files": [_entry(change) for change in changes]}
            files.write_text(stage / _JOURNAL, as_json(journal))
            for number, change in enumerate(changes):
                _carry_out(folder, stage, number, change)
            (stage / _JOURNAL).unlink()
        except BaseException:
            put_back(folder)
            raise
    finally:
        if not (stage / _JOURNAL).exists():
            _remove(stage)
    _remove_empty(folder, [change.name for change in changes if change.new is None])


def put_back(folder: Path) -> bool:
    """Undoes unfinished changes; returns whether there were any.

    A file that somebody changed since stays as it is.

    Raises:
        OutputError: the folder of the new files is a link.
        RecordError: its journal is damaged. OSError: the folder can't be written.
    """
    from packager.shapes import Journal

    stage = folder / STAGE
    if not os.path.lexists(stage):
        return False
    if stage.is_symlink() or not stage.is_dir():
        raise OutputError("this is not a folder of packager", where=stage, fix="Move it away.")
    if (stage / _JOURNAL).exists():
        fix = f"Look for your files in {stage / 'old'}, then delete {stage}."
        journal = read_record(stage / _JOURNAL, Journal, fix=fix, newest=1)
        if not all(is_inside(entry["name"]) for entry in journal["files"]):
            raise RecordError(
                "a name in it leads outside of the folder", where=stage / _JOURNAL, fix=fix
            )
        for number, entry in enumerate(journal["files"]):
            content = current(folder, entry["name"])
            if _digest(content) != entry["new"] or entry["new"] == entry["old"]:
                continue
            place = folder / entry["name"]
            if entry["old"] is None:
                place.unlink(missing_ok=True)
                continue
            copy = stage / "old" / str(number)
            if not copy.is_file():
                raise RecordError(f"the copy of {entry['name']} is gone", where=copy, fix=fix)
            place.parent.mkdir(parents=True, exist_ok=True)
            copy.replace(place)
        _remove_empty(folder, [e["name"] for e in journal["files"] if e["old"] is None])
        (stage / _JOURNAL).unlink()
    _remove(stage)
    return True


def is_inside(name: str) -> bool:
    """Whether the name is of a file below the folder that it's relative to, on any system."""
    path, on_windows = PurePosixPath(name), PureWindowsPath(name)
    return (
        bool(path.parts)
        and len(name) <= _LONGEST
        and name == name.encode("utf-8", "replace").decode("utf-8")  # it has no lone surrogates
        and all(len(part.encode()) <= _LONGEST_PART for part in path.parts)
        and path.as_posix() == name
        and not path.is_absolute()
        and not on_windows.anchor
        and not {"..", ".git"} & {*path.parts, *on_windows.parts}
        and "\0" not in name
    )


def _entry(change: Change) -> dict[str, str | None]:
    return {"name": change.name, "old": _digest(change.old), "new": _digest(change.new)}


def _digest(content: bytes | None) -> str | None:
    return None if content is None else digest_of(content)


def digest_of(content: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()


def _prepare(folder: Path, stage: Path, number: int, change: Change) -> None:
    place = folder / change.name
    if current(folder, change.name) != change.old:
        raise OutputError(
            "the file was changed while packager was running; nothing was written",
            where=place,
            fix="Run it again.",
        )
    if change.old is not None:
        (stage / "old").mkdir(exist_ok=True)
        shutil.copy2(place, stage / "old" / str(number))
    if change.new is not None:
        mode = None if change.old is None else stat.S_IMODE(place.stat().st_mode)
        new = stage / "new" / str(number)
        files.write_bytes(new, change.new, mode)
        if change.executable:
            new.chmod(new.stat().st_mode | 0o111)


def _carry_out(folder: Path, stage: Path, number: int, change: Change) -> None:
    place = folder / change.name
    if change.new is None:
        place.unlink()
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        (stage / "new" / str(number)).replace(place)


def _remove(stage: Path) -> None:
    """Also when a signal comes meanwhile."""
    try:
        shutil.rmtree(stage, ignore_errors=True)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise


def _remove_empty(folder: Path, names: Sequence[str]) -> None:
    """Removes the folders that these files were in, as far as they are empty now."""
    for name in names:
        for parent in list(PurePosixPath(name).parents)[:-1]:
            with contextlib.suppress(OSError):
                (folder / parent).rmdir()
