"""Computes missing features of photos with an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from packager import pool
from packager.data.folder import Photo, Reject
from packager.extras import require_extra
from packager.progress import SILENT, Progress
from packager.specs import ModelSpec
from packager.training.features import Extractor, FeatureStore
from packager.training.ray_extraction import extract_with_ray
from packager.training.settings import FeatureSettings

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Extraction:
    """Numbers of photos by how their features were obtained.

    `rejects` are photos that changed, or could not be decoded after all.
    """

    computed: int
    cached: int
    damaged: int
    rejects: tuple[Reject, ...]


def check_engine(engine: str) -> None:
    """Raises `SettingsError` when there is no such engine, or it is not installed."""
    FeatureSettings(engine)
    if engine == "ray":
        require_extra("ray", "--engine ray")


def extract_features(
    photos: Sequence[Photo],
    spec: ModelSpec,
    backbone: bytes,
    store: FeatureStore,
    *,
    known: Mapping[str, np.ndarray[Any, Any]] = MappingProxyType({}),
    workers: int | None = None,
    engine: str = "local",
    progress: Progress = SILENT,
) -> Extraction:
    """Makes sure that `store` has the feature vectors of every photo.

    Each core decodes a photo, makes its views and runs them through an interpreter of its own,
    so decoding and inference overlap; memory does not grow with the number of photos.

    `known` are vectors that were computed for another purpose, by SHA-256; these are kept too.

    The engine is "local", the cores of this machine, or "ray": see `ray_extraction`, and for the
    errors that it adds. On processors of the same kind both give the same vectors, bit for bit.

    Raises `SettingsError` when there is no such engine.
    """
    check_engine(engine)
    before = store.damaged
    copies: dict[str, list[Photo]] = {}
    for photo in photos:
        copies.setdefault(photo.sha256, []).append(photo)
    missing = [sha for sha in copies if store.read(sha) is None]
    damaged = store.damaged - before
    for sha in known.keys() & missing:
        store.write(sha, known[sha])
    todo = [copies[sha][0] for sha in missing if sha not in known]
    lost: dict[Path, str] = {}

    def work(extractor: Extractor, photo: Photo) -> Reject | None:
        reason = ""
        for each in copies[photo.sha256]:
            result = extractor.extract(each.path, photo.sha256)
            if not isinstance(result, Reject):
                store.write(photo.sha256, result)
                return None
            reason = reason or result.reason
        return Reject(photo.path, reason)

    def results() -> Iterator[Reject | None]:
        if engine == "ray" and todo:
            return extract_with_ray(todo, spec, backbone, store, workers=workers)
        return pool.each(
            lambda: Extractor(spec, backbone, store.mirrored), work, todo, workers=workers
        )

    with progress.phase("Extracting features", len(todo)) as phase:
        for reject in results():
            if reject is not None:
                lost[reject.path] = reject.reason
            phase.advance()
    rejects = tuple(
        Reject(each.path, lost[photo.path])
        for photo in todo
        if photo.path in lost
        for each in copies[photo.sha256]
    )
    return Extraction(len(missing) - len(lost), len(copies) - len(missing), damaged, rejects)
