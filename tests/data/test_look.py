from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from packager.data.look import LookStore, aspect, look_at, thumbnails
from packager.errors import DataError


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    image.save(content, kind, quality=90)
    return content.getvalue()


@pytest.fixture(scope="module")
def photo(flowers: Path) -> Image.Image:
    with Image.open(min(flowers.glob("*/*.jpg"))) as opened:
        return opened.convert("RGB")


def test_size_and_format_are_the_files(photo: Image.Image) -> None:
    large = photo.resize((1600, 1100))
    for kind in ("JPEG", "PNG", "WEBP"):
        look = look_at(encoded(large, kind))
        assert (look.kind, look.width, look.height) == (kind, 1600, 1100)
    assert aspect(look) == pytest.approx(1600 / 1100)


def test_blur_grows_with_blur_and_not_with_size(photo: Image.Image) -> None:
    blurs = [
        look_at(encoded(photo.filter(ImageFilter.GaussianBlur(radius)))).blur
        for radius in (0, 1, 2, 4)
    ]
    assert blurs == sorted(blurs)
    assert blurs[0] < 0.35 < 0.5 < blurs[3]
    assert look_at(encoded(photo.resize((684, 960)), "JPEG")).blur < 0.35


def test_a_sharp_corner_is_enough(photo: Image.Image) -> None:
    blurred = photo.filter(ImageFilter.GaussianBlur(6))
    blurred.paste(photo.crop((60, 60, 220, 180)), (0, 0))
    assert look_at(encoded(blurred)).blur < 0.35


def test_light(photo: Image.Image) -> None:
    dark = look_at(encoded(photo.point(lambda level: level // 8)))
    assert dark.brightness < 32
    assert dark.bright <= 31
    white = look_at(encoded(Image.new("RGB", (40, 40), "white")))
    assert (white.brightness, white.white, white.blur) == (255, 1, 1)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 2), (5, 5)])
def test_tiny_photos_are_looked_at_too(size: tuple[int, int]) -> None:
    look = look_at(encoded(Image.new("RGB", size, (9, 99, 199))))
    assert (look.width, look.height) == size
    assert thumbnails([look])[0, 3, 3].tolist() == [9, 99, 199]


def test_looks_are_kept_whole_or_not_at_all(photo: Image.Image, tmp_path: Path) -> None:
    store, content = LookStore(tmp_path), encoded(photo)
    look = store.look(content, "ab" * 32)
    kept = store.read("ab" * 32)
    assert kept is not None
    assert kept.thumbnail == look.thumbnail
    assert kept.blur == pytest.approx(look.blur, abs=1e-6)
    assert store.read("cd" * 32) is None
    file = next(path for path in tmp_path.rglob("*") if path.is_file())
    for damaged in (b"", file.read_bytes()[:-1], file.read_bytes()[:-1] + b"\0\0"):
        file.write_bytes(damaged)
        assert store.read("ab" * 32) is None
    assert store.look(content, "ab" * 32) == look


def test_what_is_no_photo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a JPEG"):
        LookStore(tmp_path).look(b"words", "ab" * 32)
    assert not list(tmp_path.rglob("*"))
    assert np.isfinite(look_at(encoded(Image.new("L", (9, 9)))).blur)
