"""Heads that are known already: the same features and settings give the same head."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from packager.cache import cache_folder, read_checked, write_checked
from packager.progress import SILENT, Progress
from packager.training.fitted_head import FittedHead, fit_head
from packager.training.frozen import FrozenFeatures
from packager.training.settings import HeadSettings, UnknownSettings


def cached_head(
    frozen: FrozenFeatures,
    classes: int,
    settings: HeadSettings,
    unknown: UnknownSettings,
    groups: Mapping[str, str],
    *,
    seed: int = 0,
    progress: Progress = SILENT,
) -> FittedHead:
    """What `fit_head` gives, and raises; read from the cache where it was trained before.

    What is kept is named by all that it depends on: the backbone, the photos' bytes, classes and
    groups, all settings, the seed, NumPy's version, and the code of this package.
    """
    origin = [
        _code(),
        np.__version__,
        frozen.store.folder.name,
        [
            [(photo.sha256, photo.label, groups.get(photo.sha256)) for photo in part]
            for part in frozen.parts
        ],
        classes,
        asdict(settings),
        asdict(unknown),
        seed,
    ]
    name = hashlib.sha256(json.dumps(origin, default=str).encode()).hexdigest()[:32]
    path = cache_folder() / "heads" / name
    photos = tuple(photo for part in frozen.parts[:3] for photo in part)
    if (known := _read(path)) is not None:
        with progress.phase("Training the head", 1) as phase:
            phase.advance()
        judged = known.out_of_fold
        return replace(known, out_of_fold=judged and replace(judged, photos=photos))
    fitted = fit_head(frozen, classes, settings, unknown, groups, seed=seed, progress=progress)
    judged = fitted.out_of_fold
    kept = replace(fitted, out_of_fold=judged and replace(judged, photos=()))
    write_checked(path, msgspec.msgpack.encode(kept, enc_hook=_plain))
    return fitted


def _read(path: Path) -> FittedHead | None:
    content = read_checked(path)
    try:
        return msgspec.msgpack.decode(content, type=FittedHead, dec_hook=_array)
    except msgspec.MsgspecError:  # nothing there, or of a class that has changed since
        return None


def _code() -> str:
    """A digest of the modules that train heads."""
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"a head with a {type(value).__name__} can't be kept")


def _array(_type: type, kept: Any) -> np.ndarray[Any, Any]:
    dtype, shape, content = kept
    array: np.ndarray[Any, Any] = np.frombuffer(content, dtype).reshape(shape).copy()
    return array
