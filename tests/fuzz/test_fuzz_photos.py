"""Photos with bytes changed: of each format, progressive, animated, with profiles and EXIF."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms
from PIL.Image import Transpose

from packager.data.images import VIEWS, open_photo, view
from tests.fuzz.mutation import COUNT, check, mutated_bytes

SIZE = 96
_DATA = Path(__file__).parents[1] / "data"
_START = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def picture(flowers: Path) -> Image.Image:
    with Image.open(min(flowers.glob("*/*.jpg"))) as photo:
        return photo.resize((SIZE, SIZE + 8))


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def _originals(picture: Image.Image, kind: str) -> list[bytes]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[274] = 6
    animated = {"save_all": True, "append_images": [picture.transpose(Transpose.FLIP_TOP_BOTTOM)]}
    half = picture.copy()
    half.putalpha(128)
    gray, few = picture.convert("L"), picture.quantize(16)
    ways: dict[str, list[tuple[Image.Image, dict[str, Any]]]] = {
        "JPEG": [
            (picture, {"exif": exif}),
            (picture, {"progressive": True, "icc_profile": profile}),
            (picture.convert("CMYK"), {}),
            (gray, {}),
        ],
        "PNG": [
            (picture, {"icc_profile": profile, "exif": exif}),
            (half, {}),
            (few, {"transparency": 3}),
            (gray.convert("I;16"), {}),
        ],
        "WEBP": [
            (picture, {"exif": exif}),
            (half, {"lossless": True, "icc_profile": profile}),
            (picture, animated),
        ],
        "BMP": [(picture, {}), (half, {}), (few, {})],
        "GIF": [(few, {"transparency": 3}), (picture, animated)],
        "PPM": [(picture, {}), (gray, {})],
        "AVIF": [(picture, {"exif": exif, "speed": 10}), (half, {"speed": 10})],
    }
    if kind == "HEIF":  # which nothing here can write
        return [path.read_bytes() for path in sorted(_DATA.glob("*.heic"))]
    return [_saved(image, kind, **options) for image, options in ways[kind]]


def _with_checksums(content: bytes) -> bytes:
    """A PNG whose chunks have the checksums of what is in them, so that more of it is decoded."""
    if not content.startswith(_START):
        return content
    mended, place = bytearray(content), len(_START)
    while place + 12 <= len(mended):
        length = int.from_bytes(mended[place : place + 4], "big")
        end = place + 8 + length
        if end + 4 > len(mended):
            break
        mended[end : end + 4] = zlib.crc32(mended[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(mended)


def _mutations(originals: list[bytes], kind: str) -> Iterator[bytes]:
    for number, content in enumerate(mutated_bytes(originals, COUNT)):
        yield _with_checksums(content) if kind == "PNG" and number % 2 else content


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "PPM", "HEIF", "AVIF"])
def test_fuzz_photos(kind: str, picture: Image.Image) -> None:
    def read(content: bytes) -> None:
        for at_least in (None, SIZE // 4):
            opened = open_photo(content, at_least=at_least)
            assert opened.mode == "RGB"
            for rule in VIEWS:
                assert view(opened, rule, 32).shape == (32, 32, 3)

    check(read, _mutations(_originals(picture, kind), kind))
