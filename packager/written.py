"""The record of files that packager wrote into a folder, so that `--force` deletes nothing else.

The record is a file in the folder, `.packager.json`: {"format": 1, "files": {NAME: SHA-256}}, with
names relative to the folder, "/" between their parts. An empty folder is a name that ends in "/".
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from packager import files
from packager.errors import OutputError, RecordError, first_of
from packager.reading import MODEL_BYTES, open_file
from packager.record import as_json, read_record

RECORD_FILE = ".packager.json"
BASE_FILE = ".packager.base"  # of an Android project, see packager/android/base.py
OWN_FILES = frozenset({RECORD_FILE, BASE_FILE})  # they aren't in the record
_FORMAT = 1
_SHOWN = 5
# What Gradle leaves in the folder of a build script, and no person wrote.
_BUILD_SCRIPTS = ("build.gradle.kts", "settings.gradle.kts")
OF_GRADLE = frozenset({"build", ".gradle", ".kotlin", ".cxx"})


def record_all(folder: Path, kept: Collection[str] = ()) -> None:
    """Records every file, and every empty folder, in a folder that packager has just made.

    `kept`: folders in it that hold a user's files too: what their own records have is recorded.
    """
    record = {}
    for root, folders, names in os.walk(folder):
        if Path(root) == folder:
            folders[:] = [name for name in folders if name not in kept]
        for name in names:
            path = Path(root, name)
            record[path.relative_to(folder).as_posix()] = _digest(path)
        if not folders and not names and Path(root) != folder:
            record[f"{Path(root).relative_to(folder).as_posix()}/"] = ""
    record = {name: digest for name, digest in record.items() if name not in OWN_FILES}
    for name in kept:
        record |= _inner(folder, folder / name)
    _write(folder, record)


def record_more(folder: Path, paths: Iterable[Path]) -> None:
    """Adds files that packager has just written into a folder, which may have no record yet."""
    _write(
        folder,
        {
            **(_read(folder) or {}),
            **{path.relative_to(folder).as_posix(): _digest(path) for path in paths},
        },
    )


def record_below(folder: Path, below: Path) -> None:
    """Brings the record of `folder` up to that of a folder in it, if it knows that one."""
    record = _read(folder)
    prefix = f"{below.relative_to(folder).as_posix()}/"
    if record is None or not any(name.startswith(prefix) for name in record):
        return
    others = {name: digest for name, digest in record.items() if not name.startswith(prefix)}
    _write(folder, others | _inner(folder, below))


def _inner(folder: Path, below: Path) -> dict[str, str]:
    """What the record of `folder` has to say of one in it that has a record too."""
    own = {name: _digest(below / name) for name in OWN_FILES if (below / name).exists()}
    inner = {**(_read(below) or {}), **own}
    prefix = f"{below.relative_to(folder).as_posix()}/"
    return {prefix + name: digest for name, digest in inner.items()}


def has_record(folder: Path) -> bool:
    """Whether packager left a readable record there."""
    return recorded(folder) is not None


def recorded(folder: Path) -> frozenset[str] | None:
    """Names of the files that packager wrote there; None where there is no readable record."""
    record = _read(folder)
    return None if record is None else frozenset(record)


def demand_ours(
    folder: Path,
    where: Path | None = None,
    *,
    passed: Collection[str] = (),
    ways: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Raises `OutputError` unless all in `folder` is as packager wrote it.

    Gradle's files are ignored, and the names `passed` at the top. `where` is the folder's
    name for the person. `ways`: what to do where all that isn't packager's is in one
    folder at the top, by its name; "" is any place.
    """
    where = where or folder
    record = _read(folder)
    foreign = sorted(_foreign(folder, record or {}, passed=passed))
    added, changed = ([name for name, known in foreign if known is kind] for kind in (False, True))
    if added:
        what = f"files that packager did not write: {first_of(added, _SHOWN)}"
        if changed:
            what += f"; and files that were changed since: {first_of(changed, _SHOWN)}"
        if record is None:
            what += f" (it has no record of what packager wrote, {RECORD_FILE})"
    elif changed:
        what = f"files that were changed since packager wrote them: {first_of(changed, _SHOWN)}"
    else:
        return
    fix = "Move them away, or choose another --out: --force would delete them."
    tops = {name.partition("/")[0] for name in (*added, *changed)}
    for top, way in ways.items():
        if not top or tops == {top}:
            fix = f"{way} Or move them away, or choose another --out: --force would delete them."
    raise OutputError(f"the folder holds {what}", where=where, fix=fix)


def demand_unchanged(folder: Path, paths: Iterable[Path]) -> None:
    """Raises `OutputError` when one of the files is there, and not as packager wrote it.

    A folder without a record is one of an older packager, whose files may be replaced.
    """
    record = _read(folder)
    if record is None:
        return
    names = {path.relative_to(folder).as_posix(): path for path in paths if path.exists()}
    changed = [name for name, path in names.items() if record.get(name) != _digest(path)]
    if changed:
        raise OutputError(
            f"it would overwrite files that packager did not write, or that were changed "
            f"since: {first_of(changed, _SHOWN)}",
            where=folder,
            fix="Move them away, and run it again.",
        )


def _foreign(
    folder: Path, record: Mapping[str, str], below: str = "", passed: Collection[str] = ()
) -> Iterator[tuple[str, bool]]:
    """What isn't recorded, False, or has another content, True; folders end in a slash."""
    ours = {name[len(below) :].partition("/")[0] for name in record if name.startswith(below)}
    gradle = any(f"{below}{script}" in record for script in _BUILD_SCRIPTS)
    for entry in os.scandir(folder / below):
        name = below + entry.name
        if name in passed:
            continue
        if entry.is_dir(follow_symlinks=False):
            if entry.name in ours and name not in record:
                yield from _foreign(folder, record, f"{name}/")
            elif not (gradle and entry.name in OF_GRADLE):
                yield f"{name}/", False
        elif name in OWN_FILES:
            continue
        elif not entry.is_file(follow_symlinks=False) or name not in record:
            yield name, False
        elif _digest(Path(entry.path)) != record[name]:
            yield name, True


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with open_file(path, MODEL_BYTES) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _write(folder: Path, record: Mapping[str, str]) -> None:
    content = {"format": _FORMAT, "files": dict(sorted(record.items()))}
    files.write_text(folder / RECORD_FILE, as_json(content))


def _read(folder: Path) -> dict[str, str] | None:
    from packager.shapes import Written

    try:
        content = read_record(folder / RECORD_FILE, Written, fix="", newest=_FORMAT)
    except RecordError:
        return None
    return content["files"]
