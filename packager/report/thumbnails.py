"""Photos made small enough to lie inside a page."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

from packager.errors import DataError

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
        if photo not in self._made:
            # A report.json may name any path: only those below the folder of photos are opened.
            inside = not photo.startswith(("/", "\\")) and not _OUTSIDE & {
                *re.split(r"[/\\]", photo)
            }
            self._made[photo] = _thumbnail(self._root / photo) if inside else None
        uri = self._made[photo]
        if uri is None:
            self.missing.add(photo)
        elif self._bytes + len(uri) > _BUDGET:
            self.surplus.add(photo)
            return None
        else:
            self._bytes += len(uri)
        return uri


def _thumbnail(path: Path) -> str | None:
    from packager.data.images import open_photo

    try:
        image = open_photo(path, at_least=_SIDE)
    except DataError:
        return None
    image.thumbnail((_SIDE, _SIDE))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=70, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()
