"""Colour profiles without a browser: the page's conversions against Pillow's."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from packager.data.images import open_photo, to_srgb
from tests.web.test_modules import HERE, copy_modules

ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
GAMMA = struct.pack(">4sIIH2x", b"curv", 0, 1, 563)
LINEAR = struct.pack(">4sIII", b"curv", 0, 0, 0)[:12]
WORDS = [round(65535 * (i / 1023) ** 1.8) for i in range(1024)]
TABLE = struct.pack(">4sII1024H", b"curv", 0, 1024, *WORDS)


def parametric(form: int, *numbers: float) -> bytes:
    fixed = (round(number * 65536) for number in numbers)
    return struct.pack(f">4sIHH{len(numbers)}i", b"para", 0, form, 0, *fixed)


SRGB = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile(
    curve: bytes, columns: tuple[tuple[float, ...], ...] = P3, space: bytes = b"RGB ",
    extra: tuple[bytes, ...] = (),
) -> bytes:  # fmt: skip
    """An ICC profile of version 2.4 with that curve for each channel, and those columns."""
    parts = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True):
        parts[name] = struct.pack(">4sI3i", b"XYZ ", 0, *(round(x * 65536) for x in column))
    parts |= dict.fromkeys(extra, curve)
    table, content = b"", b""
    for name, part in parts.items():
        place = 132 + 12 * len(parts) + len(content)
        table += struct.pack(">4sII", name, place, len(part))
        content += part + b"\0" * (-len(part) % 4)
    rest = struct.pack(">I", len(parts)) + table + content
    head = bytearray(128)
    head[:4] = struct.pack(">I", 128 + len(rest))
    head[8:24] = b"\x02\x40\0\0mntr" + space + b"XYZ "
    head[36:40] = b"acsp"
    head[68:80] = struct.pack(">3i", 63190, 65536, 54061)  # D50
    return bytes(head) + rest


PROFILES = {
    "gamma": (profile(GAMMA, ADOBE), "converted"),
    "linear": (profile(LINEAR), "converted"),
    "table": (profile(TABLE), "converted"),
    "display-p3": (profile(SRGB), "converted"),
    "form-0": (profile(parametric(0, 1.8)), "converted"),
    "form-1": (profile(parametric(1, 2.2, 0.9, 0.1)), "unknown"),  # its black isn't black
    "form-4": (profile(parametric(4, 2.4, 0.948, 0.052, 0.077, 0.04, 0.0, 0.0)), "converted"),
    "srgb": (ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), None),
    "table-of-colours": (profile(GAMMA, extra=(b"A2B0",)), "unknown"),
    "cut-short": (profile(TABLE)[:300], None),
    "for-gray": (profile(GAMMA, space=b"GRAY"), None),
    "damaged": (b"no profile at all" * 20, None),
}


def taken_apart(node: str, folder: Path, levels: Any, photos: list[Path]) -> dict[str, Any]:
    raw = folder / "levels"
    raw.write_bytes(levels.tobytes())
    done = subprocess.run(
        [node, HERE / "colours.mjs", copy_modules(folder), raw, *photos],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_colours_become_srgb_as_pillow_has_it(node: str, tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (300, 300, 4), dtype=np.uint8)
    levels[..., 3] = 255
    photos = []
    for name, (icc, _) in PROFILES.items():
        photos.append(tmp_path / f"{name}.png")
        Image.new("RGB", (4, 4), (20, 90, 200)).save(photos[-1], icc_profile=icc)
    found = taken_apart(node, tmp_path, levels, photos)
    for photo, (icc, expected) in zip(photos, PROFILES.values(), strict=True):
        assert found[str(photo)] == expected, photo.stem
        if expected == "converted":
            actual = np.frombuffer(Path(f"{photo}.levels").read_bytes(), np.uint8)
            image = to_srgb(Image.fromarray(levels[..., :3].copy()), icc, "RGB")
            assert np.abs(np.asarray(image).astype(int) - levels[..., :3]).max() > 2, photo.stem
            assert np.array_equal(actual.reshape(levels.shape)[..., :3], image), photo.stem
        elif expected is None:
            kept = to_srgb(Image.fromarray(levels[..., :3].copy()), icc, "RGB")
            assert np.array_equal(kept, levels[..., :3]), photo.stem


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_without_its_profile_is_the_same_photo(
    kind: str, node: str, flowers: Path, tmp_path: Path
) -> None:
    photo, gray = tmp_path / "photo", tmp_path / "gray"
    icc = PROFILES["gamma"][0] + b"\0" * 100_000  # more than a JPEG's segment holds
    with Image.open(sorted(flowers.glob("roses/*.jpg"))[0]) as source:
        turned = Image.Exif()
        turned[274] = 6
        source.save(photo, kind, icc_profile=icc, exif=turned)
        source.convert("L").save(gray, kind, icc_profile=icc)
    found = taken_apart(node, tmp_path, np.zeros((1, 1, 4), np.uint8), [photo, gray])
    assert found[str(photo)] == "converted"
    assert found[str(gray)] == ("converted" if kind == "WEBP" else None)  # which has no gray
    for path in (photo, gray):
        with Image.open(path) as before, Image.open(f"{path}.picture") as after:
            assert "icc_profile" in before.info
            assert "icc_profile" not in after.info
            assert np.array_equal(after, before)
            assert after.getexif() == before.getexif()
            assert after.format == before.format
    assert open_photo(Path(f"{photo}.picture")).size == open_photo(photo).size


def test_inks_and_other_kinds_are_left_to_the_browser(node: str, tmp_path: Path) -> None:
    inks, moving = tmp_path / "inks.jpg", tmp_path / "moving.gif"
    Image.new("CMYK", (8, 8)).save(inks)
    Image.new("RGB", (8, 8)).save(moving)
    found = taken_apart(node, tmp_path, np.zeros((1, 1, 4), np.uint8), [inks, moving])
    assert found == {str(inks): "left", str(moving): "left"}
