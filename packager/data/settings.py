"""Which photos are taken, and for what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from packager import files
from packager.data.shares import parse_split
from packager.options import Option

SETS = ("demo", "flowers")


def is_folder(data: str) -> bool:
    """Whether it names a folder, and not a set of photos that packager has."""
    return data not in SETS


@dataclass(frozen=True)
class PhotoSettings:
    """The photos and their split; checked when they are made.

    Attributes:
        data: a folder of photos, "demo" or "flowers".
        split: shares of training, validation and test photos, such as "80/10/10".
        strict: unreadable photos are an error.
    """

    data: Annotated[
        str | Path,
        Option(
            "Folder of photos, a sub-folder a class; or 'demo' (drawn here, no network) or "
            "'flowers' (3,670 photos, downloaded once).", "--data",
            is_path=is_folder,
        ),
    ] = "demo"  # fmt: skip
    split: Annotated[str, Option("Shares of training, validation and test photos.", "--split")] = (
        "80/10/10"
    )
    strict: Annotated[bool, Option("Unreadable photos are an error.", "--strict")] = False

    def __post_init__(self) -> None:
        parse_split(self.split)

    @property
    def name(self) -> str:
        """What the photos are called: the last part of their folder's path."""
        return files.expanded(self.data, "--data").absolute().name or "photos"
