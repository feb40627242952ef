"""Which photos are taken, and for what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from packager.data.shares import parse_split
from packager.options import Option, any_path

DEMO, FLOWERS = "demo", "flowers"
HUB = "hf:"


def is_place(data: str) -> bool:
    """Whether it names a file or folder, and not photos that packager makes or fetches."""
    return data not in (DEMO, FLOWERS) and not data.startswith(HUB)


@dataclass(frozen=True)
class PhotoSettings:
    """The photos and their split; checked when they are made.

    Attributes:
        data: a folder of photos, a CSV file, a zip or tar, "hf:OWNER/NAME", "demo" or "flowers":
            see `packager.data.source.scan_photos`.
        split: shares of training, validation and test photos, such as "80/10/10".
        strict: unreadable photos are an error.
        images: the folder that a CSV file's paths are relative to.
        exclude: a file of photos to leave out.
    """

    data: Annotated[
        str | Path,
        Option(
            "Folder of photos, a sub-folder a class; a CSV file, zip or tar; hf:OWNER/NAME; or "
            "'demo' (drawn here, no network) or 'flowers' (3,670 photos, downloaded once).",
            "--data", is_path=is_place,
        ),
    ] = "demo"  # fmt: skip
    split: Annotated[str, Option("Shares of training, validation and test photos.", "--split")] = (
        "80/10/10"
    )
    strict: Annotated[bool, Option("Unreadable photos are an error.", "--strict")] = False
    images: Annotated[
        Path | None,
        Option(
            "Folder that the paths of a CSV file in --data are relative to.", "--images",
            usual="beside it", example="photos", is_path=any_path,
        ),
    ] = None  # fmt: skip
    exclude: Annotated[
        Path | None,
        Option(
            "Photos to leave out: a path a line, or what `packager photos --list` wrote.",
            "--exclude", usual="none", example="bad.csv", is_path=any_path, metavar="FILE",
        ),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        parse_split(self.split)
