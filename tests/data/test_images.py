from __future__ import annotations

import contextlib
import hashlib
import io
import os
import struct
import subprocess
import sys
import time
import tracemalloc
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from packager.data import images
from packager.data.images import VIEWS, open_photo, to_rgb, view
from packager.errors import DataError

HERE = Path(__file__).parent
WIDTH, HEIGHT = 48, 32
# Four quarters, so that each way of turning the picture can be told from the others.
QUARTERS = ((220, 30, 30), (30, 200, 40), (40, 60, 210), (240, 220, 60))


def quarters() -> Image.Image:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[: HEIGHT // 2, : WIDTH // 2] = QUARTERS[0]
    pixels[: HEIGHT // 2, WIDTH // 2 :] = QUARTERS[1]
    pixels[HEIGHT // 2 :, : WIDTH // 2] = QUARTERS[2]
    pixels[HEIGHT // 2 :, WIDTH // 2 :] = QUARTERS[3]
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def corners(image: Image.Image) -> np.ndarray[Any, Any]:
    """The colours of the four quarters' middles."""
    width, height = image.size
    spots = [(x, y) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    return np.array([image.getpixel(spot) for spot in spots], int)


def png(width: int, height: int) -> bytes:
    """A PNG's head that promises `width` by `height` pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        check = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("name", ["quarters", "quarters-turned"])
def test_photos_of_phones_are_read_upright(name: str) -> None:
    image = open_photo(HERE / f"{name}.heic")
    assert image.size == (WIDTH, HEIGHT)
    assert np.abs(corners(image) - QUARTERS).max() < 4


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_heic_cut_short_is_refused(share: float) -> None:
    content = (HERE / "quarters.heic").read_bytes()
    with pytest.raises(DataError, match="damaged|truncated"):
        open_photo(content[: int(share * len(content))])


def test_a_heic_that_claims_too_many_pixels_is_refused() -> None:
    content = (HERE / "quarters.heic").read_bytes()
    place = content.index(b"ispe") + 8
    claimed = content[:place] + struct.pack(">II", 20_000, 20_000) + content[place + 8 :]
    with pytest.raises(DataError, match="too large|damaged"):
        open_photo(claimed)


def test_avif_is_said_where_pillow_has_no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(quarters(), "AVIF")
    monkeypatch.setattr(images, "_reads_avif", lambda: False)
    with pytest.raises(DataError, match="this installation of Pillow can't read AVIF"):
        open_photo(content)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}),
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}),
        ("MPO", {"quality": 95, "subsampling": 0}),
        ("PNG", {}),
        ("AVIF", {"quality": 95}),
        ("WEBP", {"lossless": True}),
        ("BMP", {}),
        ("GIF", {}),
    ],
)
def test_formats_keep_their_colours(kind: str, options: dict[str, Any]) -> None:
    image = open_photo(encoded(quarters(), kind, **options))
    assert (image.mode, image.size) == ("RGB", (WIDTH, HEIGHT))
    assert np.abs(corners(image) - QUARTERS).max() <= 6


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(quarters(), "PNG"))
    assert (corners(open_photo(path)) == QUARTERS).all()


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ((0, 0, 255), (255, 0, 0))]
    for kind in ("GIF", "WEBP", "PNG"):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        pixel = open_photo(content).getpixel((4, 4))
        assert np.abs(np.array(pixel) - (0, 0, 255)).max() <= 6, kind


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "YCbCr", "L"])
def test_jpeg_modes(mode: str) -> None:
    image = quarters().convert(mode)
    expected = corners(image.convert("RGB"))
    opened = open_photo(encoded(image, "JPEG", quality=95, subsampling=0))
    assert np.abs(corners(opened) - expected).max() <= 6


def test_cmyk_jpeg_is_not_inverted() -> None:
    white = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    assert min(open_photo(encoded(white, "JPEG")).getpixel((8, 8))) > 250  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["P", "1", "L", "LA", "RGBA"])
def test_png_modes(mode: str) -> None:
    image = quarters().convert(mode)
    opened = open_photo(encoded(image, "PNG"))
    assert (np.asarray(opened) == np.asarray(image.convert("RGB"))).all()


def test_alpha_is_laid_over_white() -> None:
    image = quarters()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    half = open_photo(encoded(image, "PNG"))
    alpha = np.asarray(image)[..., 3:] / 255
    expected = np.asarray(image)[..., :3] * alpha + 255 * (1 - alpha)
    assert np.abs(np.asarray(half, float) - expected).max() <= 1
    gray = Image.new("LA", (8, 8), (0, 0))
    gray.putpixel((1, 0), (7, 1))
    assert open_photo(encoded(gray, "PNG")).getpixel((0, 0)) == (255, 255, 255)


def test_transparent_palette_colour_becomes_white() -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 0)
    for kind in ("PNG", "GIF"):
        opened = open_photo(encoded(image, kind, transparency=0))
        assert opened.getpixel((0, 0)) == (255, 255, 255), kind
        assert opened.getpixel((4, 4)) == (200, 100, 50), kind


def test_transparent_colour_of_an_rgb_png_becomes_white() -> None:
    content = encoded(quarters(), "PNG", transparency=QUARTERS[0])
    assert (corners(open_photo(content))[0] == 255).all()


def test_sixteen_bit_gray_is_scaled() -> None:
    gray = np.array([[0, 257, 128 * 257, 65535, 300]], np.uint16)
    opened = open_photo(encoded(Image.fromarray(gray), "PNG"))
    assert np.asarray(opened)[0].tolist() == [[v] * 3 for v in (0, 1, 128, 255, 1)]


def test_modes_that_no_file_gives() -> None:
    wide = Image.fromarray(np.array([[0, 65535, 70000, -5, 257]], np.int32))
    assert np.asarray(to_rgb(wide))[0, :, 0].tolist() == [0, 255, 255, 0, 1]
    real = Image.fromarray(np.array([[0, 127.6, 999, -1, np.nan]], np.float32))
    assert np.asarray(to_rgb(real))[0, :, 0].tolist() == [0, 128, 255, 0, 0]
    assert to_rgb(quarters().convert("HSV")).mode == "RGB"
    assert to_rgb(quarters().convert("RGBA").convert("RGBa")).getpixel((1, 1)) == QUARTERS[0]


# Where the quarters of the upright picture lie in the stored one.
TURNS = {
    1: [0, 1, 2, 3],
    2: [1, 0, 3, 2],
    3: [3, 2, 1, 0],
    4: [2, 3, 0, 1],
    5: [0, 2, 1, 3],
    6: [2, 0, 3, 1],
    7: [3, 1, 2, 0],
    8: [1, 3, 0, 2],
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("at_least", [None, 8])
def test_exif_orientation(orientation: int, kind: str, at_least: int | None) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
    content = encoded(quarters(), kind, exif=exif, **options.get(kind, {}))
    image = open_photo(content, at_least=at_least)
    turned = image.size[0] < image.size[1]
    assert turned == (orientation >= 5)
    expected = np.array(QUARTERS)[TURNS[orientation]]
    assert np.abs(corners(image) - expected).max() <= 12


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"]
)
def test_damaged_exif_does_not_reject_the_photo(exif: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = open_photo(encoded(quarters(), "JPEG", exif=exif))
    assert image.size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("value", [0, 9, 77])
def test_orientation_out_of_range_is_upright(value: int) -> None:
    exif = Image.Exif()
    exif[274] = value
    assert open_photo(encoded(quarters(), "PNG", exif=exif)).size == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("at_least", "size"),
    [(None, (800, 600)), (75, (100, 75)), (76, (200, 150)), (301, (800, 600)), (1, (100, 75))],
)
def test_at_least(at_least: int | None, size: tuple[int, int]) -> None:
    content = encoded(quarters().resize((800, 600)), "JPEG")
    assert open_photo(content, at_least=at_least).size == size


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"the file is empty \(zero bytes\)"),
        (b"just words", "not a JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF or PPM picture"),
        (encoded(quarters(), "TIFF"), "not a JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF or PPM picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a JPEG"),
        (b"\xff\xd8\xff\xe0", "damaged or truncated"),
        (b"\x89PNG\r\n\x1a\n", "damaged or truncated"),
        (png(50_000, 50_000), "too large"),
        (png(8, 8), "truncated|damaged"),
    ],
)
def test_unusable_bytes(content: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        open_photo(content)
    assert caught.value.fix == "Replace or delete this photo."


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
@pytest.mark.parametrize("at_least", [None, 1])
def test_truncated_files(kind: str, at_least: int | None) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    with pytest.raises(DataError, match=r"truncated|damaged"):
        open_photo(content[: len(content) * 2 // 3], at_least=at_least)


def test_no_damage_leads_to_another_error() -> None:
    rng = np.random.default_rng(1)
    for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF"):
        content = encoded(quarters(), kind)
        for _ in range(60):
            broken = bytearray(content)
            for spot in rng.integers(0, len(broken), 5):
                broken[spot] = rng.integers(256)
            with contextlib.suppress(DataError):
                open_photo(bytes(broken))


def test_unusable_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"gone\.jpg: there is no such file"):
        open_photo(tmp_path / "gone.jpg")
    with pytest.raises(DataError, match="it is a folder"):
        open_photo(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(DataError, match="not a file"):
        open_photo(tmp_path / "pipe.jpg")
    (tmp_path / "locked.jpg").write_bytes(b"x")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DataError, match=r"can't be read \(Permission denied\)"):
        open_photo(tmp_path / "locked.jpg")


def test_pillow_does_not_talk_to_the_terminal(tmp_path: Path) -> None:
    large = Image.new("1", (10_000, 9_500))  # Pillow warns from 89 million pixels on
    (tmp_path / "large.png").write_bytes(encoded(large, "PNG"))
    code = (
        "import sys; from pathlib import Path; from packager.data.images import open_photo;"
        "print(open_photo(Path(sys.argv[1])).size)"
    )
    run = [sys.executable, "-c", code, str(tmp_path / "large.png")]
    result = subprocess.run(run, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("(10000, 9500)\n", "")


def test_importing_does_not_load_pillow() -> None:
    code = (
        "import sys, packager.data.images, packager.data.folder, packager.data.split,"
        "packager.data.demo, packager.data.flowers, packager.data.download;"
        "print([name for name in ('PIL', 'requests') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def stretched(pixels: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, Any]:
    """Bilinear sampling at half-pixel centres, border repeated, in floating point."""

    def axis(length: int) -> tuple[Any, Any, Any]:
        centre = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
        low = np.floor(centre).astype(int)
        return low, np.minimum(low + 1, length - 1), centre - low

    top, bottom, down = axis(pixels.shape[0])
    left, right, across = axis(pixels.shape[1])
    down, across = down[:, None, None], across[None, :, None]
    upper = pixels[top][:, left] * (1 - across) + pixels[top][:, right] * across
    lower = pixels[bottom][:, left] * (1 - across) + pixels[bottom][:, right] * across
    return np.asarray(upper * (1 - down) + lower * down)


def cropped(pixels: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, Any]:
    """A triangle filter over the central square, as the view's description has it."""

    def axis(length: int, start: float, side: float) -> np.ndarray[Any, Any]:
        scale = side / size
        reach = max(scale, 1.0)
        weights = np.zeros((size, length))
        for i in range(size):
            centre = start + (i + 0.5) * scale
            near = np.arange(length)
            weight = np.maximum(0, 1 - np.abs(near + 0.5 - centre) / reach)
            weights[i] = weight / weight.sum()
        return weights

    height, width = pixels.shape[:2]
    side = 0.875 * min(height, width)
    down = axis(height, (height - side) / 2, side)
    across = axis(width, (width - side) / 2, side)
    rows = np.tensordot(down, pixels.astype(float), (1, 0))
    return np.asarray(np.moveaxis(np.tensordot(rows, across, (1, 1)), 2, 1))


SHAPES = [(240, 320), (321, 213), (224, 224), (37, 500), (60, 45), (2, 3), (1, 1), (900, 1300)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", VIEWS)
def test_views_match_their_description(shape: tuple[int, int], name: str) -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (*shape, 3), np.uint8)
    fitted = view(Image.fromarray(pixels), name, 224)
    assert (fitted.shape, fitted.dtype) == ((224, 224, 3), np.uint8)
    reference = {"stretch": stretched, "crop": cropped}[name](pixels, 224)
    assert np.abs(fitted - reference).max() <= 1.0001


def test_stretch_keeps_the_border_and_the_whole_photo() -> None:
    fitted = view(quarters(), "stretch", 64)
    assert fitted[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [list(c) for c in QUARTERS]
    assert view(Image.new("RGB", (500, 20), "white"), "stretch", 224).min() == 255


def test_stretch_does_not_average_and_crop_does() -> None:
    pixels = np.zeros((600, 600, 3), np.uint8)
    pixels[::2] = 255
    image = Image.fromarray(pixels)
    assert view(image, "crop", 50).std() < 10
    assert view(image, "stretch", 200).std() > 100


def test_crop_leaves_the_sides_out() -> None:
    pixels = np.full((100, 200, 3), 255, np.uint8)
    pixels[:, :50] = pixels[:, 150:] = 0
    assert view(Image.fromarray(pixels), "crop", 32).min() == 255


def test_view_converts_and_refuses_other_names() -> None:
    assert view(Image.new("L", (9, 9), 77), "crop", 4).tolist() == [[[77] * 3] * 4] * 4
    with pytest.raises(ValueError, match="a view is one of"):
        view(quarters(), "fit", 4)


ALPHA_ZERO = {
    "RGBA": quarters().convert("RGBA"),
    "LA": quarters().convert("LA"),
    "RGBa": quarters().convert("RGBA").convert("RGBa"),
}


@pytest.mark.parametrize("mode", ALPHA_ZERO)
def test_alpha_that_is_zero_everywhere_means_nothing(mode: str) -> None:
    image = ALPHA_ZERO[mode].copy()
    colours = np.asarray(image)[..., : 1 if mode == "LA" else 3]
    image.putalpha(0) if mode != "RGBa" else None
    if mode == "RGBa":
        bands = image.split()
        image = Image.merge("RGBa", (*bands[:3], Image.new("L", image.size)))
    assert (np.asarray(to_rgb(image)) == colours).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP"])
def test_files_whose_alpha_is_zero_everywhere(kind: str) -> None:
    image = quarters()
    image.putalpha(0)
    options: dict[str, Any] = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    content = bitmap_v4(image) if kind == "BMP" else encoded(image, kind, **options)
    assert (corners(open_photo(content)) == QUARTERS).all()


def bitmap_v4(image: Image.Image) -> bytes:
    """A 32-bit BMP with an alpha mask, which Pillow doesn't write."""
    masks = struct.pack("<4I", 0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
    size = image.width * image.height * 4
    header = struct.pack("<IiiHHIIiiII", 108, *image.size, 1, 32, 3, size, 2835, 2835, 0, 0)
    rows = np.asarray(image)[::-1, :, [2, 1, 0, 3]].tobytes()
    start = struct.pack("<2sIHHI", b"BM", 122 + size, 0, 0, 122)
    return start + header + masks + b"BGRs" + bytes(48) + rows


def test_a_palette_of_which_all_is_transparent() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    for kind in ("PNG", "GIF"):
        assert open_photo(encoded(image, kind, transparency=0)).getpixel((4, 4)) == (10, 20, 30)


def test_alpha_is_the_same_above_and_below_the_bands() -> None:
    image = Image.new("RGBA", (4, 600), (200, 100, 50, 0))
    image.putpixel((1, 599), (200, 100, 50, 255))
    opened = open_photo(encoded(image, "PNG"))
    assert (opened.getpixel((0, 0)), opened.getpixel((1, 599))) == ((255,) * 3, (200, 100, 50))


def test_long_text_in_a_png_is_not_the_pictures() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "x" * 3_000_000, zip=True)
    info.add_itxt("more", "y" * 3_000_000, zip=True)
    image = quarters()
    assert (corners(open_photo(encoded(image, "PNG", pnginfo=info))) == QUARTERS).all()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + bytes(5_000_000)
    assert (corners(open_photo(encoded(image, "PNG", icc_profile=profile))) == QUARTERS).all()
    assert PngImagePlugin.MAX_TEXT_CHUNK == 1 << 20


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0), "too large"),
        (b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + b"\xff\x3f\0" * 2, "too large"),
        (b"RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2f\xff\xff\xff\x0f\0", "too large"),
        (png(12_000, 12_000), "too large"),
    ],
)
def test_too_many_pixels_are_refused_before_memory_is_taken(content: bytes, reason: str) -> None:
    tracemalloc.start()
    with pytest.raises(DataError, match=reason):
        open_photo(content)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_jpeg_beyond_the_limit_is_decoded_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_PIXELS", 100_000)
    content = encoded(quarters().resize((800, 600)), "JPEG")
    assert open_photo(content).size == (200, 150)
    assert open_photo(content, at_least=75).size == (100, 75)


def test_a_progressive_jpeg_of_too_many_scans() -> None:
    content = encoded(quarters(), "JPEG", progressive=True)
    scan = content.rindex(b"\xff\xda")
    bomb = content[:-2] + content[scan:-2] * 200 + content[-2:]
    with pytest.raises(DataError, match="more than 100 scans"):
        open_photo(bomb)
    assert open_photo(content + b"\xff\xda" * 300).size == (WIDTH, HEIGHT)


def test_what_follows_a_jpeg_is_not_looked_at() -> None:
    content = encoded(quarters(), "JPEG", quality=95, subsampling=0) + b"MotionPhoto" * 999
    assert np.abs(corners(open_photo(content)) - QUARTERS).max() <= 6


def wide_gamut() -> bytes:
    """A profile whose primaries are far from sRGB's: that of CIE XYZ."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()


def swapped() -> bytes:
    """An RGB profile in which red and blue have changed places."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = content.index(b"rXYZ", 128), content.index(b"bXYZ", 128)
    content[red : red + 4], content[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_colour_profile_is_applied(kind: str) -> None:
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 95, "subsampling": 0},
        "WEBP": {"lossless": True},
    }
    content = encoded(quarters(), kind, icc_profile=swapped(), **options.get(kind, {}))
    opened = open_photo(content)
    assert np.abs(corners(opened) - np.array(QUARTERS)[:, ::-1]).max() <= 12
    assert "icc_profile" not in opened.info


def test_srgb_and_useless_profiles_change_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, wide_gamut(), srgb[:200], b"nonsense", swapped() + bytes(5 << 20)):
        opened = open_photo(encoded(quarters(), "PNG", icc_profile=profile))
        assert (corners(opened) == QUARTERS).all()
    gray = open_photo(encoded(quarters().convert("L"), "PNG", icc_profile=swapped()))
    assert gray.mode == "RGB"


def test_a_photo_that_changed_since_it_was_found(tmp_path: Path) -> None:
    content = encoded(quarters(), "PNG")
    (tmp_path / "a.png").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    assert open_photo(tmp_path / "a.png", sha256=digest).size == (WIDTH, HEIGHT)
    (tmp_path / "a.png").write_bytes(encoded(quarters().rotate(180), "PNG"))
    with pytest.raises(DataError, match="has changed since"):
        open_photo(tmp_path / "a.png", sha256=digest)


@pytest.mark.parametrize("kind", ["PPM"])
@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_portable_pixmaps(kind: str, mode: str) -> None:
    image = quarters().convert(mode)
    assert (corners(open_photo(encoded(image, kind))) == corners(image.convert("RGB"))).all()


def test_a_long_comment_in_a_gif_takes_no_time() -> None:
    content = encoded(quarters(), "GIF")
    place = 13 + (3 << (content[10] & 7) + 1)
    comment = b"!\xfe" + (b"\xff" + b"x" * 255) * 100_000 + b"\0"
    begun = time.process_time()
    opened = open_photo(content[:place] + comment + content[place:])
    assert np.abs(corners(opened) - QUARTERS).max() <= 6
    assert time.process_time() - begun < 5


def test_many_exif_blocks_in_a_jpeg_take_no_time() -> None:
    exif = Image.Exif()
    exif[274] = 3
    content = encoded(quarters(), "JPEG", quality=95, subsampling=0, exif=exif)
    more = (b"\xff\xe1\xff\xff" + b"Exif\0\0" + bytes(65527)) * 500
    place = content.index(b"\xff\xdb")
    begun = time.process_time()
    opened = open_photo(content[:place] + more + content[place:])
    assert np.abs(corners(opened) - np.array(QUARTERS)[::-1]).max() <= 12
    assert time.process_time() - begun < 5


def test_text_and_previews_in_a_jpeg_are_passed_over() -> None:
    content = encoded(quarters(), "JPEG", quality=95, subsampling=0, comment=b"made by hand")
    segments = b"".join(
        bytes([0xFF, marker, 0, 12]) + b"http://abc" for marker in (0xE1, 0xE5, 0xED, 0xEF)
    )
    opened = open_photo(content[:2] + segments + content[2:])
    assert np.abs(corners(opened) - QUARTERS).max() <= 6


@pytest.mark.parametrize("name", VIEWS)
def test_a_square_is_a_height_and_a_width(name: str) -> None:
    np.testing.assert_array_equal(view(quarters(), name, 24), view(quarters(), name, (24, 24)))


def test_an_input_that_is_not_square_gets_a_region_of_its_proportions() -> None:
    columns = np.broadcast_to(np.arange(160, dtype=np.uint8), (40, 160))
    image = Image.fromarray(np.repeat(columns[..., None], 3, axis=2))
    assert view(image, "stretch", (6, 10)).shape == (6, 10, 3)
    wide = view(image, "crop", (5, 20))  # as the photo: 0.875 of it, from 10 to 150
    np.testing.assert_allclose(wide[2, :, 0], 10 + 7 * (np.arange(20) + 0.5), atol=1)
    tall = view(image, "crop", (20, 5))  # as high as 0.875 of it, from 75.6 to 84.4
    np.testing.assert_allclose(tall[3, :, 0], 75.6 + 1.75 * (np.arange(5) + 0.5) - 0.5, atol=1)
