"""Counter-examples: photos that belong to none of the classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packager.data.folder import Found, Photo, PhotoFolder, find_below, usable_photos
from packager.data.look import LookStore
from packager.data.near_duplicates import near_duplicates
from packager.data.source import is_table, photo_place
from packager.data.split import halve
from packager.data.table import find_in_table
from packager.errors import DataError
from packager.progress import SILENT, Progress

_NAME = "counter-examples"
_LEAST = 5  # in each half


@dataclass(frozen=True)
class Negatives:
    """Counter-examples in two halves; near duplicates are in the same half.

    Attributes:
        learnt: for calibrating the rule; held_out: only for measuring.
    """

    learnt: tuple[Photo, ...] = ()
    held_out: tuple[Photo, ...] = ()


def scan_negatives(
    data: str | Path, own: PhotoFolder, *, seed: int = 0, progress: Progress = SILENT
) -> Negatives:
    """Finds the photos, reads each once, and halves those that can be decoded.

    Args:
        data: what `packager.data.source.scan_photos` takes; a folder may have its photos anywhere.
        own: the photos that there are classes of. A counter-example that is one of them, byte for
            byte, is left out and counted in a warning.
        seed: of the halves, which are as stable as `packager.data.split.split_photos`.

    Raises:
        DataError: they can't be read; photos of the classes are among them; or too few are left.
        SettingsError, DownloadError: as `scan_photos`.
    """
    place = photo_place(data, progress)
    if is_table(place):
        listed = find_in_table(place, progress=progress)
        photos = tuple(dict.fromkeys(replace(each, label=0, part=None) for each in listed.photos))
        found = Found(listed.root, (_NAME,), False, photos, 0, {(None, 0): Counter()})
    else:
        _demand_apart(place, own)
        found = find_below(place, _NAME, progress)
    if not found.photos:
        raise _too_few("it contains no photo", place)
    folder = usable_photos(found, looks=LookStore(), progress=progress)
    others = _others(folder.photos, own.photos, progress)
    groups = near_duplicates(folder).of
    halves = halve(others, seed, groups)
    for half in halves:
        if len({groups.get(photo.sha256, photo.sha256) for photo in half}) < _LEAST:
            count = "1 counter-example is" if len(others) == 1 else f"{len(others)} of them are"
            raise _too_few(f"{count} too few to calibrate and to measure with", place)
    return Negatives(*halves)


def _others(photos: Sequence[Photo], own: Sequence[Photo], progress: Progress) -> tuple[Photo, ...]:
    """The counter-examples without copies of each other and of the classes' photos."""
    known = {photo.sha256 for photo in own}
    once = {photo.sha256: photo for photo in reversed(photos)}
    left = tuple(
        photo for photo in photos if photo.sha256 not in known and once[photo.sha256] is photo
    )
    if copies := len(known & once.keys()):
        progress.warn(
            f"{copies:,} of the counter-examples left out: they are photos of your classes too, "
            "byte for byte"
        )
    return left


def _demand_apart(place: Path, own: PhotoFolder) -> None:
    here, root = place.resolve(), own.root.resolve()
    if here == root or any(
        (root / photo.path.relative_to(own.root)).is_relative_to(here) for photo in own.photos
    ):
        raise DataError(
            "it contains photos of your classes, which can't be counter-examples",
            where=place,
            fix="Choose a --negatives folder outside of --data.",
        )


def _too_few(what: str, place: Path) -> DataError:
    return DataError(
        what, where=place, fix="Give at least 20 photos of other things with --negatives."
    )
