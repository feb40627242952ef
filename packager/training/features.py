"""Feature vectors: the frozen backbone run once over each photo and view, kept on disk.

A photo's entry is named by what it was computed from (the photo's bytes, the backbone, the
preprocessing), so it can't go stale: another build finds it by the same name, or not at all.
"""

from __future__ import annotations

import copy
import hashlib
import math
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np

from packager.cache import cache_folder, read_entry, write_entry
from packager.data.folder import Photo, Reject
from packager.data.images import VIEWS, open_photo, preprocessing, view
from packager.errors import DataError, TrainingError
from packager.specs import ModelSpec

if TYPE_CHECKING:
    from PIL import Image

_DIGEST = 16

MEMORY_BUDGET = 256 * 2**20  # bytes of vectors that `load_features` holds in memory


def feature_views(*, mirrored: bool) -> tuple[str, ...]:
    """What is computed of a photo, in the order of its vectors: `VIEWS`, or each mirrored too."""
    sides = ("", " mirrored") if mirrored else ("",)
    return tuple(f"{name}{side}" for name in VIEWS for side in sides)


class FeatureStore:
    """Feature vectors on disk, one file a photo, safe for several builds at once.

    An entry is `dtype` [views, *shape] and a digest; it is written beside its place and renamed,
    and one that doesn't match its digest counts as absent.

    Args:
        spec: the backbone's spec; backbone_sha256: of the bytes that compute the entries.
        cache: the folder that holds the store; None: the user's cache.
        shape: of what the backbone gives for one view; None: [feature_size].
        dtype: of the entries on disk: float32, or float16 for half the space.
        mirrored: whether each view is kept mirrored too, behind itself.
    """

    def __init__(
        self,
        spec: ModelSpec,
        backbone_sha256: str,
        cache: Path | None = None,
        *,
        shape: tuple[int, ...] | None = None,
        dtype: Any = np.float32,
        mirrored: bool = False,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.mirrored = mirrored
        views = feature_views(mirrored=mirrored)
        self.shape = (len(views), *(shape or (spec.feature_size,)))
        entry = preprocessing(spec.input_size, spec.mean, spec.std)
        origin = f"{backbone_sha256}|{entry}|{views}"
        if self.dtype != np.float32:
            origin += f"|{self.dtype}"
        name = f"{spec.name}-{hashlib.sha256(origin.encode()).hexdigest()[:16]}"
        self.folder = (cache or cache_folder()) / "features" / name
        self.damaged = 0

    @property
    def judged(self) -> tuple[int, ...]:
        """Places of the views that clients feed: `VIEWS`, without mirrored ones."""
        return tuple(range(0, self.shape[0], 1 + self.mirrored))

    def path(self, sha256: str) -> Path:
        """Where the entry of the photo with that content lies, or would lie."""
        return self.folder / sha256[:2] / sha256[2:]

    def read(self, sha256: str) -> np.ndarray[Any, Any] | None:
        """The photo's vectors, or None when the entry is missing or damaged (counted)."""
        content = read_entry(self.path(sha256))
        if not content:
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
        write_entry(self.path(sha256), digest + data, scratch=self.folder)


class PackedFeatures:
    """Feature vectors in one nameless file, read when they are asked for.

    Indexed as an array is, by photo and view: `packed[photos, views]`, `packed[:, 0]`. What is
    asked for is read into a new array; nothing else is in memory. (Mapped pages would be counted
    as this process's memory, and kept.) Threads and forked processes can read at once. The file
    ends with the last reference to it, however the process ends.

    Args:
        rows: each photo's vectors, `photos` of them, as in `store`.
        store: the file is on its disk.

    Raises `TrainingError` when the disk has too little space for it.
    """

    def __init__(
        self, rows: Iterator[np.ndarray[Any, Any]], photos: int, store: FeatureStore
    ) -> None:
        self.shape: tuple[int, ...] = (photos, *store.shape)
        self.dtype = store.dtype
        self._whole: PackedFeatures | None = None
        self._places = np.arange(photos * store.shape[0]).reshape(photos, store.shape[0])
        self._bytes = self.dtype.itemsize * math.prod(self.shape[2:])
        self._lock = threading.Lock()
        need = self._bytes * self._places.size
        try:
            store.folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(store.folder).free < need:
                raise _no_space(store.folder, need)
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=store.folder)  # noqa: SIM115
        except OSError as error:
            raise _no_space(store.folder, need) from error
        weakref.finalize(self, self._file.close)
        try:
            for vectors in rows:
                self._file.write(vectors.tobytes())
            self._file.flush()
        except OSError as error:
            raise _no_space(store.folder, need) from error

    def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
        places = self._places[key]
        vectors = np.empty((*np.shape(places), *self.shape[2:]), self.dtype)
        rows = vectors.reshape(np.size(places), math.prod(self.shape[2:]))
        for row, place in zip(rows, np.ravel(places).tolist(), strict=True):
            self._read(row.data, place * self._bytes)
        return vectors

    def of_views(self, views: slice) -> PackedFeatures:
        """The same file, with some of the views only."""
        chosen = copy.copy(self)
        chosen._whole = self  # whose end closes the file
        chosen._places = self._places[:, views]
        chosen.shape = (*chosen._places.shape, *self.shape[2:])
        return chosen

    def _read(self, row: memoryview, start: int) -> None:
        if hasattr(os, "preadv"):
            count = os.preadv(self._file.fileno(), [row], start)
        else:  # Windows
            with self._lock:
                self._file.seek(start)
                count = self._file.readinto(row)  # type: ignore[attr-defined]
        if count != self._bytes:
            raise OSError(f"{count} of {self._bytes} bytes could be read of the packed features")


Features: TypeAlias = "np.ndarray[Any, Any] | PackedFeatures"


def of_views(features: Features, views: slice) -> Features:
    """Features of some of the views, without reading any."""
    return features.of_views(views) if isinstance(features, PackedFeatures) else features[:, views]


def load_features(
    photos: Sequence[Photo], store: FeatureStore, *, budget: int = MEMORY_BUDGET
) -> tuple[Features, np.ndarray[Any, Any]]:
    """Vectors `store.dtype` [photos, *store.shape] and labels int64 [photos].

    Up to `budget` bytes of vectors are an array in memory; more are `PackedFeatures` on the
    store's disk, which are indexed the same way and hold the same numbers.

    Raises `TrainingError` when an entry is missing: call `extract_features` first; or when the
    disk has too little space.
    """
    labels = np.array([photo.label for photo in photos], np.int64)
    if len(photos) * math.prod(store.shape) * store.dtype.itemsize > budget:
        return PackedFeatures(_rows(photos, store), len(photos), store), labels
    features = np.empty((len(photos), *store.shape), store.dtype)
    for row, vectors in enumerate(_rows(photos, store)):
        features[row] = vectors
    return features, labels


def _rows(photos: Sequence[Photo], store: FeatureStore) -> Iterator[np.ndarray[Any, Any]]:
    for photo in photos:
        vectors = store.read(photo.sha256)
        if vectors is None:
            raise TrainingError(
                "the photo's feature vectors disappeared from the cache while it was in use",
                where=photo.path,
                fix="Run the command again.",
            )
        yield vectors


def _no_space(folder: Path, need: int) -> TrainingError:
    return TrainingError(
        f"the disk has too little space for {need / 1e6:,.0f} MB of feature vectors",
        where=folder,
        fix="Free some space, or set PACKAGER_CACHE to a folder on a larger disk.",
    )


class Runner:
    """A float model of one image and one output in an interpreter, for one thread.

    Raises `RuntimeError` or `ValueError` when the model can't run `count` images together.
    """

    def __init__(self, model: bytes, count: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=model, num_threads=1)
        given = self._interpreter.get_input_details()[0]
        self._interpreter.resize_tensor_input(given["index"], [count, *given["shape"][1:]])
        self._interpreter.allocate_tensors()
        output = self._interpreter.get_output_details()[0]
        if output["shape"][0] != count:
            raise ValueError(f"the model gives {output['shape'][0]} outputs for {count} images")
        self._input, self._output = given["index"], output["index"]

    def run(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Of float32 [count, height, width, channels], the output: float32 [count, ...]."""
        self._interpreter.set_tensor(self._input, np.ascontiguousarray(images))
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output))


class Extractor:
    """The backbone in an interpreter, for one thread; see `FeatureStore` for `mirrored`.

    It runs the views of a photo together, which takes a twentieth less time than one by one and
    gives the same bits; a backbone that is made for one picture at a time gets one.
    """

    def __init__(self, spec: ModelSpec, backbone: bytes, mirrored: bool) -> None:
        self._spec, self._mirrored = spec, mirrored
        try:
            self._together, self._runner = len(VIEWS), Runner(backbone, len(VIEWS))
        except (RuntimeError, ValueError):
            self._together, self._runner = 1, Runner(backbone, 1)

    def extract(self, path: Path, sha256: str) -> np.ndarray[Any, Any] | Reject:
        """Vectors float32 [views, ...] of the photo with those bytes, or why not."""
        try:
            image = open_photo(path, at_least=2 * self._spec.input_size, sha256=sha256)
        except DataError as error:
            return Reject(path, error.what)
        return self._vectors(image)

    def _vectors(self, image: Image.Image) -> np.ndarray[Any, Any]:
        pixels = np.stack([view(image, name, self._spec.input_size) for name in VIEWS])
        normalised = (pixels - np.float32(self._spec.mean)) / np.float32(self._spec.std)
        sides = (normalised, normalised[:, :, ::-1])[: 1 + self._mirrored]
        vectors = np.stack([self._run(side) for side in sides], axis=1)
        return vectors.reshape(-1, *vectors.shape[2:])

    def _run(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        starts = range(0, len(images), self._together)
        return np.concatenate([self._runner.run(images[at : at + self._together]) for at in starts])
