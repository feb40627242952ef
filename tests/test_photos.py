"""The photos that the repository carries: whose they are, and that they are small."""

from __future__ import annotations

import csv
from pathlib import Path

from PIL import Image


def test_every_photo_is_attributed(flowers: Path) -> None:
    with (flowers / "LICENSE.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    photos = sorted(path.relative_to(flowers).as_posix() for path in flowers.glob("*/*.jpg"))
    assert [row["file"] for row in rows] == photos
    for row in rows:
        assert row["photographer"]
        assert row["address"].startswith("https://www.flickr.com/photos/")
        assert row["licence"].startswith("CC BY 2.0")
        assert row["changes"]


def test_photos_are_small(flowers: Path) -> None:
    photos = sorted(flowers.glob("*/*.jpg"))
    for photo in photos:
        with Image.open(photo) as picture:
            assert max(picture.size) <= 320
    assert sum(photo.stat().st_size for photo in photos) < 1_200_000
