"""Photos made small enough to lie inside a page."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_OUTSIDE = {"..", ""}
_SIDE = 176  # pixels, the longer one
_BUDGET = 1_000_000  # bytes of all on one page, in Base64


class Album:
    """Thumbnails of the photos in `root`, as data URIs of JPEGs; at most 1 MB of them.

    Attributes:
        missing: photos that aren't there or can't be read any more.
        surplus: photos beyond the 1 MB.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: dict[str, str | None] = {}
        self._bytes = 0
        self.missing: set[str] = set()
        self.surplus: set[str] = set()

    def uri(self, photo: str) -> str | None:
        """Of the photo at that path in `root`; None where it has to be left out."""
        return self._kept(photo, photo, _plain)

    def heat_uri(self, photo: str, heat: Mapping[str, Any]) -> str | None:
        """The same below its heat: a row of report.json's "heat"."""
        return self._kept(f"{photo} heat", photo, lambda image: _heated(image, heat))

    def _kept(self, name: str, photo: str, draw: Callable[[Picture], Picture]) -> str | None:
        if name not in self._made:
            # A report.json may name any path: only those below the folder of photos are opened.
            inside = not photo.startswith(("/", "\\")) and not _OUTSIDE & {
                *re.split(r"[/\\]", photo)
            }
            self._made[name] = _thumbnail(self._root / photo, draw) if inside else None
        uri = self._made[name]
        if uri is None:
            self.missing.add(photo)
        elif self._bytes + len(uri) > _BUDGET:
            self.surplus.add(photo)
            return None
        else:
            self._bytes += len(uri)
        return uri


def _thumbnail(path: Path, draw: Callable[[Picture], Picture]) -> str | None:
    from packager.data.images import open_photo

    try:
        image = open_photo(path, at_least=_SIDE)
    except DataError:
        return None
    content = io.BytesIO()
    draw(image).save(content, "JPEG", quality=70, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()


def _plain(image: Picture) -> Picture:
    image.thumbnail((_SIDE, _SIDE))
    return image


def _heated(image: Picture, heat: Mapping[str, Any]) -> Picture:
    import numpy as np

    from packager.explain.overlay import overlay

    if heat["view"] == "crop":
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return overlay(_plain(image), np.array(heat["values"], np.float32))
