"""Feature vectors of each part of the photos, by the frozen backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from packager.data.folder import Photo, warn_of_lost
from packager.progress import SILENT, Progress
from packager.specs import ModelSpec
from packager.training.extraction import Extraction, extract_features
from packager.training.features import Features, FeatureStore, load_features

if TYPE_CHECKING:
    import numpy as np

    from packager.export.convert import ConvertedBackbone


@dataclass(frozen=True)
class FrozenFeatures:
    """Feature vectors of several parts.

    Attributes:
        parts: the photos of each, without those that were lost meanwhile.
        extraction: how the vectors were obtained; store: where they lie.
    """

    parts: tuple[tuple[Photo, ...], ...]
    extraction: Extraction
    store: FeatureStore

    def load(self, part: int) -> tuple[Features, np.ndarray[Any, Any]]:
        """Vectors and labels of a part, as `load_features` gives them."""
        return load_features(self.parts[part], self.store)


def frozen_features(
    backbone: ConvertedBackbone,
    spec: ModelSpec,
    parts: Sequence[Sequence[Photo]],
    *,
    mirrored: bool = False,
    known: Mapping[str, np.ndarray[Any, Any]] = MappingProxyType({}),
    engine: str = "local",
    progress: Progress = SILENT,
) -> FrozenFeatures:
    """Runs the backbone over each photo that the cache has no vectors of.

    Photos that changed or can't be read any more are left out, with a warning.

    Args:
        mirrored: whether the views have mirrored ones beside them.
        known, engine: see `extract_features`; `known` is without mirrored views.

    Raises what `extract_features` raises.
    """
    store = FeatureStore(spec, backbone.sha256, shape=(backbone.feature_size,), mirrored=mirrored)
    photos = [photo for part in parts for photo in part]
    extraction = extract_features(
        photos, spec, backbone.model, store, known=known, engine=engine, progress=progress
    )
    if extraction.damaged:
        progress.warn(f"{extraction.damaged} damaged cache entries were recreated.")
    warn_of_lost(extraction.rejects, progress)
    lost = {reject.path for reject in extraction.rejects}
    left = tuple(tuple(photo for photo in part if photo.path not in lost) for part in parts)
    return FrozenFeatures(left, extraction, store)
