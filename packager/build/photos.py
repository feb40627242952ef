"""First step: the photos and their split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packager import files
from packager.clock import Clock, SharedWork
from packager.data.settings import PhotoSettings, is_place
from packager.errors import SettingsError
from packager.progress import SILENT, Progress

if TYPE_CHECKING:
    from packager.data.folder import PhotoFolder
    from packager.data.near_duplicates import Groups
    from packager.data.split import Split


@dataclass(frozen=True)
class Photos:
    """The photos, their split, and the groups of near duplicates."""

    folder: PhotoFolder
    split: Split
    groups: Groups


def look_at_photos(
    settings: PhotoSettings,
    seed: int,
    out: Path,
    *,
    shared: SharedWork,
    clock: Clock,
    progress: Progress = SILENT,
) -> Photos:
    """Reads the photos and splits them; builds that are given the same `shared` do so once.

    Args:
        seed: of the split.
        out: the folder that is made, which must not lie among the photos.

    Raises:
        SettingsError: it does.
        DataError, DownloadError: the photos can't be found, downloaded or used.
    """
    return shared.once(
        ("photos", settings, seed),
        clock,
        lambda: _look(settings, seed, out, clock, progress),
    )


def _look(
    settings: PhotoSettings, seed: int, out: Path, clock: Clock, progress: Progress
) -> Photos:
    from packager.data.look import LookStore
    from packager.data.near_duplicates import near_duplicates, warn_of_groups
    from packager.data.shares import parse_split
    from packager.data.source import scan_photos
    from packager.data.split import split_photos

    demand_outside(settings.data, "--data", out)
    with clock("data"):
        folder = scan_photos(
            settings.data, images=settings.images, exclude=settings.exclude,
            strict=settings.strict, looks=LookStore(), progress=progress,
        )  # fmt: skip
        groups = near_duplicates(folder)
        warn_of_groups(folder, groups, progress)
        split = split_photos(folder, parse_split(settings.split), seed, groups.of)
    progress.say(
        f"{len(folder.photos)} photos in {len(folder.classes)} classes: {len(split.train)} to "
        f"train, {len(split.validation)} to validate, {len(split.test)} to test."
    )
    return Photos(folder, split, groups)


def demand_outside(data: str | Path, flag: str, out: Path) -> None:
    """Raises `SettingsError` when the folder that is made would lie among photos."""
    if not is_place(str(data)):
        return
    root = files.expanded(data, flag)
    if root.is_dir() and out.absolute().resolve().is_relative_to(root.absolute().resolve()):
        raise SettingsError(
            "the output folder is among the photos, and would count as a class in the next build",
            where=out,
            fix=f"Choose an --out folder outside of {flag}.",
        )
