"""Pictures of the app's screens, compared with those that were accepted.

    python -m tests.android.pictures

accepts what the last run of the tests left in pictures/new, because it looked otherwise, and
puts some of it into the pictures that the READMEs show.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from packager.android.template import template_folder

ACCEPTED = Path(__file__).parent / "pictures"
NEW = ACCEPTED / "new"
# What the READMEs show, light and dark, in the generated project too.
SHOWN = ("photo", "engine-refused", "benchmark-done", "permission")
# Mean difference of a tile, of 255. One other digit in a small text comes to several times as much.
TOLERANCE = 6.0
_TILE = 8
_SHOWN_WIDTH = 340
_GAP = 16


def names() -> list[str]:
    return sorted(path.stem for path in ACCEPTED.glob("*.webp"))


def compare(name: str, drawn: Path) -> str | None:
    """Says what is other in `drawn` than in the accepted picture; None when nothing is.

    What differs is left in `NEW`, with a picture of the differences.
    """
    new = Image.open(drawn).convert("RGB")
    seen = Image.open(io.BytesIO(_compressed(new))).convert("RGB")  # as the accepted one was
    accepted = ACCEPTED / f"{name}.webp"
    if not accepted.exists():
        _leave(name, new)
        return "it is new"
    old = Image.open(accepted).convert("RGB")
    if old.size != new.size:
        _leave(name, new)
        return f"it has {new.size} pixels, not {old.size}"
    apart = difference(old, seen)
    if apart.max() <= TOLERANCE:
        return None
    marked = np.asarray(new) // 3
    marked[..., 0] = np.maximum(
        marked[..., 0], np.where(_pixels(apart, new.size) > TOLERANCE, 255, 0)
    )
    _leave(name, new, Image.fromarray(marked))
    row, column = np.unravel_index(apart.argmax(), apart.shape)
    return (
        f"{(apart > TOLERANCE).sum()} places differ, most at {column * _TILE}, {row * _TILE} "
        f"({apart.max():.0f} of 255)"
    )


def difference(old: Image.Image, new: Image.Image) -> np.ndarray:
    """The mean difference of each tile, in the channel where it is largest: [rows, columns]."""
    apart = np.abs(np.asarray(old, np.int16) - np.asarray(new, np.int16)).astype(np.float32)
    height, width = (-(-size // _TILE) * _TILE for size in apart.shape[:2])
    padded = np.zeros((height, width, 3), np.float32)
    padded[: apart.shape[0], : apart.shape[1]] = apart
    tiles = padded.reshape(height // _TILE, _TILE, width // _TILE, _TILE, 3)
    return tiles.mean((1, 3)).max(-1)


def _pixels(tiles: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    return tiles.repeat(_TILE, 0).repeat(_TILE, 1)[:height, :width]


def _leave(name: str, new: Image.Image, difference: Image.Image | None = None) -> None:
    NEW.mkdir(exist_ok=True)
    new.save(NEW / f"{name}.png")
    if difference is not None:
        difference.save(NEW / f"{name}-difference.png")


def accept() -> list[str]:
    """Takes over what lies in `NEW`, and gives the names."""
    accepted = []
    for path in sorted(NEW.glob("*.png")):
        if not path.stem.endswith("-difference"):
            save(Image.open(path), ACCEPTED / f"{path.stem}.webp")
            accepted.append(path.stem)
    shutil.rmtree(NEW, ignore_errors=True)
    return accepted


def shown(theme: str) -> Path:
    """The picture of the READMEs, "light" or "dark"."""
    return template_folder("android") / "docs" / f"app-{theme}.webp"


def side_by_side(theme: str) -> bytes:
    """Four accepted pictures of a phone, with round corners, on nothing; WebP."""
    phones = [Image.open(ACCEPTED / f"phone-{theme}-{state}.webp") for state in SHOWN]
    size = (_SHOWN_WIDTH, round(_SHOWN_WIDTH * phones[0].height / phones[0].width))
    corners = Image.new("L", size)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), 24, fill=255)
    sheet = Image.new("RGBA", ((size[0] + _GAP) * len(phones) - _GAP, size[1]))
    for number, phone in enumerate(phones):
        small = phone.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        ImageDraw.Draw(small).rounded_rectangle(
            (0, 0, size[0] - 1, size[1] - 1), 24, outline=(128, 128, 128)
        )
        sheet.paste(small, (number * (size[0] + _GAP), 0), corners)
    content = io.BytesIO()
    sheet.save(content, "WEBP", quality=85, method=6)
    return content.getvalue()


def _compressed(picture: Image.Image) -> bytes:
    """Without loss where that's smaller, which it is unless there is a photo in it."""
    exact, near = io.BytesIO(), io.BytesIO()
    picture.convert("RGB").save(exact, "WEBP", lossless=True, quality=50)
    picture.convert("RGB").save(near, "WEBP", quality=88, method=6)
    return min(exact.getvalue(), near.getvalue(), key=len)


def save(picture: Image.Image, path: Path) -> None:
    path.write_bytes(_compressed(picture))


if __name__ == "__main__":
    print("\n".join(accept()) or f"Nothing to accept: there is nothing in {NEW}.")
    for theme in ("light", "dark"):
        shown(theme).write_bytes(side_by_side(theme))
