"""Settings of the photos: their source and their split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from packager.data.shares import parse_split
from packager.options import Option, any_path

DEMO, FLOWERS = "demo", "flowers"
HUB = "hf:"


def is_place(data: str) -> bool:
    """Whether `data` names a file or folder, not photos that packager makes or fetches."""
    return data not in (DEMO, FLOWERS) and not data.startswith(HUB)


@dataclass(frozen=True)
class PhotoSettings:
    """The photos and their split; values are checked on construction.

    Attributes:
        data: a folder of photos, a CSV file, a zip or tar, "hf:OWNER/NAME", "demo" or "flowers":
            see `packager.data.source.scan_photos`.
        split: shares of training, validation and test photos, such as "80/10/10".
        strict: whether an unreadable photo is an error.
        images: the folder that relative paths in a CSV file refer to.
        exclude: a file that lists photos to leave out.
    """

    data: Annotated[
        str | Path,
        Option(
            "Photos: a folder with one subfolder per class, a CSV file, a zip or tar archive, "
            "hf:OWNER/NAME, 'demo' (drawn on this machine) or 'flowers' (3,670 photos, downloaded "
            "once).",
            "--data", is_path=is_place,
        ),
    ] = "demo"  # fmt: skip
    split: Annotated[
        str, Option("Percentages of training, validation and test photos.", "--split")
    ] = "80/10/10"
    strict: Annotated[bool, Option("Treat an unreadable photo as an error.", "--strict")] = False
    images: Annotated[
        Path | None,
        Option(
            "Folder that relative paths in the CSV file refer to.", "--images",
            usual="the CSV file's folder", example="photos", is_path=any_path,
        ),
    ] = None  # fmt: skip
    exclude: Annotated[
        Path | None,
        Option(
            "Photos to leave out: a file with one path per line, or the file that `packager photos "
            "--list` wrote.",
            "--exclude", usual="none", example="bad.csv", is_path=any_path, metavar="FILE",
        ),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        parse_split(self.split)
