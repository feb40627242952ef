"""A temporary copy of a folder by hard links."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path


def copy_linked(source: Path, target: Path) -> None:
    """Copies a tree by hard links where the disk has them; links in it stay links.

    What is neither a file, a folder nor a link is left out. Raises `OSError`.
    """
    target.mkdir(parents=True)
    for entry in os.scandir(source):
        place = target / entry.name
        if entry.is_dir(follow_symlinks=False):
            copy_linked(Path(entry.path), place)
        elif entry.is_symlink():
            place.symlink_to(Path(entry.path).readlink())
        elif entry.is_file(follow_symlinks=False):
            try:
                os.link(entry.path, place)
            except OSError:  # a disk without hard links
                shutil.copy2(entry.path, place)
    shutil.copystat(source, target)


def state_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What changes when somebody works in the folder: each entry's kind, size and time.

    Empty where there is no folder.
    """
    if not folder.is_dir():
        return {}
    return {
        name: (found.st_mode, found.st_size, found.st_mtime_ns) for name, found in _walk(folder, "")
    }


def _walk(folder: Path, below: str) -> Iterator[tuple[str, os.stat_result]]:
    for entry in os.scandir(folder):
        name = f"{below}{entry.name}"
        found = entry.stat(follow_symlinks=False)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{name}/")
        yield name, found
