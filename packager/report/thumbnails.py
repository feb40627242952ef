"""Photos made small enough to lie inside a page."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager import pool
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
        return self.uris([photo])[0]

    def uris(self, photos: Sequence[str]) -> list[str | None]:
        """Of several, drawn on all cores."""
        self._draw({photo: (photo, _plain) for photo in photos})
        return [self._counted(photo, photo) for photo in photos]

    def heat_uris(self, heat: Mapping[str, Mapping[str, Any]]) -> list[str | None]:
        """The same below their heat: rows of report.json's "heat" by photo."""
        names = {photo: f"{photo} heat" for photo in heat}
        self._draw({names[photo]: (photo, partial(_heated, heat=heat[photo])) for photo in heat})
        return [self._counted(name, photo) for photo, name in names.items()]

    def _draw(self, wanted: Mapping[str, tuple[str, Callable[[Picture], Picture]]]) -> None:
        new = {name: each for name, each in wanted.items() if name not in self._made}
        drawn = pool.each(lambda: None, lambda _, each: self._drawn(*each), new.values())
        self._made.update(zip(new, drawn, strict=True))

    def _drawn(self, photo: str, draw: Callable[[Picture], Picture]) -> str | None:
        # A report.json may name any path: only those below the folder of photos are opened.
        inside = not photo.startswith(("/", "\\")) and not _OUTSIDE & {*re.split(r"[/\\]", photo)}
        return _thumbnail(self._root / photo, draw) if inside else None

    def _counted(self, name: str, photo: str) -> str | None:
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
