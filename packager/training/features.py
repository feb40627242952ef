"""Feature vectors: the frozen backbone run once over each photo and view, kept on disk.

A photo's entry is named by what it was computed from (the photo's bytes, the backbone, the
preprocessing), so it can't go stale: another build finds it by the same name, or not at all.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from packager import files, pool
from packager.cache import cache_folder
from packager.data.folder import Photo, Reject
from packager.data.images import VIEWS, open_photo, view
from packager.errors import DataError, TrainingError
from packager.progress import SILENT, Progress
from packager.specs import ModelSpec

if TYPE_CHECKING:
    from PIL import Image

_PREPROCESSING = 1  # raise it when the same photo would give other pixels
_DIGEST = 16

FEATURE_VIEWS = tuple(f"{name}{side}" for name in VIEWS for side in ("", " mirrored"))


class FeatureStore:
    """Feature vectors on disk, one file a photo, safe for several builds at once.

    An entry is `dtype` [len(FEATURE_VIEWS), *shape] and a digest; it is written beside its place
    and renamed, and one that doesn't match its digest counts as absent.

    Args:
        spec: the backbone's spec; backbone_sha256: of the bytes that compute the entries.
        cache: the folder that holds the store; None: the user's cache.
        shape: of what the backbone gives for one view; None: [feature_size].
        dtype: of the entries on disk: float32, or float16 for half the space.
    """

    def __init__(
        self,
        spec: ModelSpec,
        backbone_sha256: str,
        cache: Path | None = None,
        *,
        shape: tuple[int, ...] | None = None,
        dtype: Any = np.float32,
    ) -> None:
        import PIL

        self.dtype = np.dtype(dtype)
        self.shape = (len(FEATURE_VIEWS), *(shape or (spec.feature_size,)))
        entry = f"{spec.input_size}|{spec.mean}|{spec.std}|{_PREPROCESSING}|{PIL.__version__}"
        origin = f"{backbone_sha256}|{entry}|{FEATURE_VIEWS}"
        if self.dtype != np.float32:
            origin += f"|{self.dtype}"
        name = f"{spec.name}-{hashlib.sha256(origin.encode()).hexdigest()[:16]}"
        self._folder = (cache or cache_folder()) / "features" / name
        self.damaged = 0

    def path(self, sha256: str) -> Path:
        """Where the entry of the photo with that content lies, or would lie."""
        return self._folder / sha256[:2] / sha256[2:]

    def read(self, sha256: str) -> np.ndarray[Any, Any] | None:
        """The photo's vectors, or None when the entry is missing or damaged (counted)."""
        try:
            content = self.path(sha256).read_bytes()
        except OSError:
            return None
        digest, data = content[:_DIGEST], content[_DIGEST:]
        size = self.dtype.itemsize * math.prod(self.shape)
        if len(data) != size or hashlib.blake2b(data, digest_size=_DIGEST).digest() != digest:
            self.damaged += 1
            return None
        return np.frombuffer(data, self.dtype).reshape(self.shape)

    def write(self, sha256: str, vectors: np.ndarray[Any, Any]) -> None:
        """Keeps a photo's vectors."""
        data = np.ascontiguousarray(vectors, self.dtype).tobytes()
        digest = hashlib.blake2b(data, digest_size=_DIGEST).digest()
        files.write_bytes(self.path(sha256), digest + data)


@dataclass(frozen=True)
class Extraction:
    """What `extract_features` did: photos by how their features were come by.

    `rejects` are photos that could not be decoded after all.
    """

    computed: int
    cached: int
    damaged: int
    rejects: tuple[Reject, ...]


def extract_features(
    photos: Sequence[Photo],
    spec: ModelSpec,
    backbone: bytes,
    store: FeatureStore,
    *,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Extraction:
    """Makes sure that `store` has the feature vectors of every photo.

    Each core decodes a photo, makes its views and runs them through an interpreter of its own,
    so decoding and inference overlap; memory does not grow with the number of photos.
    """
    before = store.damaged
    todo = [photo for photo in _distinct(photos) if store.read(photo.sha256) is None]
    damaged = store.damaged - before
    rejects = []

    def work(extractor: _Extractor, photo: Photo) -> Reject | None:
        try:
            image = open_photo(photo.path, at_least=2 * spec.input_size)
        except DataError as error:
            return Reject(photo.path, error.what)
        store.write(photo.sha256, extractor.vectors(image))
        return None

    with progress.phase("Extracting features", len(todo)) as phase:
        for reject in pool.each(lambda: _Extractor(spec, backbone), work, todo, workers=workers):
            if reject is not None:
                rejects.append(reject)
            phase.advance()
    total = len({photo.sha256 for photo in photos})
    return Extraction(len(todo) - len(rejects), total - len(todo), damaged, tuple(rejects))


def load_features(
    photos: Sequence[Photo], store: FeatureStore
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Features `store.dtype` [photos, *store.shape] and labels int64 [photos].

    Raises `TrainingError` when an entry is missing: call `extract_features` first.
    """
    features = np.empty((len(photos), *store.shape), store.dtype)
    for row, photo in enumerate(photos):
        vectors = store.read(photo.sha256)
        if vectors is None:
            raise TrainingError(
                "the photo's feature vectors vanished from the cache while it was in use",
                where=photo.path,
                fix="Run the command again; nothing else needs to be done.",
            )
        features[row] = vectors
    return features, np.array([photo.label for photo in photos], np.int64)


class _Extractor:
    """One thread's interpreter."""

    def __init__(self, spec: ModelSpec, backbone: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._spec = spec
        self._interpreter = Interpreter(model_content=backbone, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def vectors(self, image: Image.Image) -> np.ndarray[Any, Any]:
        rows = []
        for name in VIEWS:
            pixels = view(image, name, self._spec.input_size).astype(np.float32)
            normalised = (pixels - np.float32(self._spec.mean)) / np.float32(self._spec.std)
            for side in (normalised, normalised[:, ::-1]):
                self._interpreter.set_tensor(self._input, np.ascontiguousarray(side[None]))
                self._interpreter.invoke()
                rows.append(self._interpreter.get_tensor(self._output)[0])
        return np.stack(rows)


def _distinct(photos: Sequence[Photo]) -> list[Photo]:
    return list({photo.sha256: photo for photo in photos}.values())
