"""The demo photos: a set that is drawn here, so that everything can be tried without data."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from packager import pool
from packager.cache import cache_folder
from packager.data.drawings import DRAWINGS
from packager.data.scenes import photograph
from packager.errors import DataError
from packager.files import Place, held
from packager.progress import SILENT, Progress

CLASSES = tuple(sorted(DRAWINGS))
_VERSION = 1  # of the pictures: a change of them must not meet an older set in the cache


def demo_photos(
    folder: Path | None = None,
    *,
    per_class: int = 60,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Path:
    """Creates the demo photos once and returns their folder, with one subfolder per class.

    Butterflies, cups, fish, houses and umbrellas, of any colour on any background, in varied
    light, size, place and rotation: JPEG, 240 to 360 pixels a side. The colours are drawn from
    the same distribution for each class, so that they don't give it away. The same seed makes
    the same bytes (with the same Pillow). Each file's name ends in the CRC-32 of its bytes:
    a folder that is found again is checked by it, and recreated when a photo is missing,
    changed or one too many.

    Args:
        folder: where to make them; "demo-…" in `packager.cache.cache_folder()` when None. An
            existing folder that holds anything else is refused.
        per_class: photos a class, at least 1.
        seed: of everything that is random.
        progress: told of one phase, a step a photo, when they are made.

    Raises:
        DataError: `folder` holds other files, or can't be written; or `per_class` is below 1.
    """
    if per_class < 1:
        raise DataError(
            f"{per_class} demo photos per class are too few", fix="Use 1 or more per class."
        )
    own = folder is None
    folder = folder or cache_folder() / f"demo-{_VERSION}-{per_class}-{seed}"
    if _complete(folder, per_class):
        return folder

    def demand_replaceable(found: Path) -> None:
        if not own and found.exists() and not _may_replace(found):
            raise DataError(
                "the folder contains files other than demo photos",
                where=folder,
                fix="Give a new folder, or an empty one.",
            )

    demand_replaceable(folder)
    try:
        with held(folder, wait=True) as place:
            if not _complete(folder, per_class):  # another process may have just made it
                _draw(place, demand_replaceable, per_class, seed, progress)
    except OSError as error:
        raise DataError(
            f"the demo photos can't be written ({error.strerror or error})",
            where=folder,
            fix="Free some space, or set PACKAGER_CACHE to a folder that can be written.",
        ) from error
    return folder


def _draw(
    place: Place, replaceable: Callable[[Path], None], per_class: int, seed: int,
    progress: Progress,
) -> None:  # fmt: skip
    photos = per_class * len(CLASSES)
    with (
        place.filled(replaceable) as fresh,
        progress.phase("Drawing demo photos", photos) as phase,
    ):
        for name in CLASSES:
            (fresh / name).mkdir()

        def make(photo: int) -> None:
            label, number = divmod(photo, per_class)
            name = CLASSES[label]
            content = photograph(DRAWINGS[name], np.random.default_rng([seed, label, number]))
            file = f"{name}-{number:04d}-{zlib.crc32(content):08x}.jpg"
            (fresh / name / file).write_bytes(content)

        for _ in pool.each(lambda: None, lambda _, photo: make(photo), range(photos)):
            phase.advance()


def _complete(folder: Path, per_class: int) -> bool:
    for name in CLASSES:
        try:
            files = sorted((folder / name).iterdir())
            if len(files) != per_class or not all(_is_whole(file) for file in files):
                return False
        except OSError:
            return False
    return True


def _is_whole(file: Path) -> bool:
    return file.stem[-8:] == f"{zlib.crc32(file.read_bytes()):08x}"


def _may_replace(folder: Path) -> bool:
    """Whether nothing is in there but demo photos."""
    if not folder.is_dir():
        return False
    for path in folder.rglob("*"):
        top = path.relative_to(folder).parts[0]
        if top not in CLASSES:
            return False
        drawn = rf"{top}-\d{{4,}}-[0-9a-f]{{8}}\.jpg"
        if not path.is_dir() and not re.fullmatch(drawn, path.name):
            return False
    return True
