"""First step: the photos and their split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packager import files
from packager.clock import Clock, SharedWork
from packager.data.settings import PhotoSettings
from packager.errors import SettingsError
from packager.progress import SILENT, Progress

if TYPE_CHECKING:
    from packager.data.folder import PhotoFolder
    from packager.data.split import Split


@dataclass(frozen=True)
class Photos:
    """The folder and what of it is for what."""

    folder: PhotoFolder
    split: Split


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
        DataError, DownloadError: the photos can't be had or used.
    """
    return shared.once(
        ("photos", settings, seed),
        clock,
        lambda: _look(settings, seed, out, clock, progress),
    )


def _look(
    settings: PhotoSettings, seed: int, out: Path, clock: Clock, progress: Progress
) -> Photos:
    from packager.data.folder import scan_folder
    from packager.data.shares import parse_split
    from packager.data.split import split_photos

    with clock("data"):
        root = _root(settings, out, progress)
        folder = scan_folder(root, strict=settings.strict, progress=progress)
        split = split_photos(folder, parse_split(settings.split), seed)
    progress.say(
        f"{len(folder.photos)} photos in {len(folder.classes)} classes: {len(split.train)} to "
        f"train, {len(split.validation)} to validate, {len(split.test)} to test."
    )
    return Photos(folder, split)


def _root(settings: PhotoSettings, out: Path, progress: Progress) -> Path:
    if settings.data == "demo":
        from packager.data.demo import demo_photos

        progress.say("Using the demo set: five drawn classes, made on this machine.")
        return demo_photos(progress=progress)
    if settings.data == "flowers":
        from packager.data.flowers import flower_photos

        return flower_photos(progress=progress)
    root = files.expanded(settings.data, "--data")
    if out.absolute().resolve().is_relative_to(root.absolute().resolve()):
        raise SettingsError(
            "the output would lie among the photos, and count as a class of the next build",
            where=out,
            fix="Give --out a folder outside of --data.",
        )
    return root
