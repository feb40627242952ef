"""Where packager keeps what it can make or fetch again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The user's cache folder for packager; `PACKAGER_CACHE` in the environment moves it."""
    override = os.environ.get("PACKAGER_CACHE")
    if override:
        return Path(override).expanduser().absolute()
    from platformdirs import user_cache_path

    return Path(user_cache_path("tflite-packager", appauthor=False))
