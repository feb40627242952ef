"""The tail of a backbone: its last stages, trained on the output of the stages before.

A backbone can be cut wherever everything that comes later depends on one tensor alone (an
articulation point of its graph). What lies before, the trunk, stays as it is, so it is run once
over each photo, like a whole frozen backbone, and what it gives is kept on disk.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from packager.cache import cache_folder, read_entry, write_entry
from packager.data.folder import Photo
from packager.data.images import VIEWS
from packager.errors import SettingsError, TrainingError
from packager.export.convert import ConvertedBackbone, convert
from packager.specs import ModelSpec
from packager.training.features import FeatureStore
from packager.training.memory import Kept, kept_arrays

_FORMAT = 1  # raise it when the same backbone would give another trunk


@dataclass(frozen=True)
class Point:
    """A layer whose output is all that later layers read.

    Attributes:
        name: the layer's.
        shape: of its output for one photo, such as (14, 14, 112).
        tensor: the Keras tensor.
    """

    name: str
    shape: tuple[int, ...]
    tensor: Any

    @property
    def size(self) -> int:
        """How many numbers it gives for a photo."""
        return math.prod(self.shape)

    @property
    def area(self) -> int:
        """Height times width."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class Cut:
    """A backbone in two: `trunk` and `tail` are Keras models that share its layers.

    Attributes:
        name: of the layer that the trunk ends with; shape: of what it gives for one photo.
    """

    name: str
    shape: tuple[int, ...]
    trunk: Any
    tail: Any


def flatten(model: Any) -> Any:
    """The functional Keras model that has the layers of nested models for its own."""
    import keras

    def is_nested(layer: Any) -> bool:
        return isinstance(layer, keras.Sequential) or hasattr(layer, "operations")

    def call(layer: Any, *inputs: Any, **more: Any) -> Any:
        return layer.call(*inputs) if is_nested(layer) else layer(*inputs, **more)

    flat = keras.Model(model.inputs[0], model.outputs[0])
    while any(is_nested(layer) for layer in flat.layers):
        flat = keras.models.clone_model(
            flat, clone_function=lambda layer: layer, call_function=call
        )
    return flat


def articulation_points(model: Any) -> list[Point]:
    """All maps [height, width, channels] at which `model` can be cut, from the input on.

    The input itself is none of them, nor what no trainable layer comes after.
    """
    nodes = [
        node
        for depth in sorted(model._nodes_by_depth, reverse=True)
        for node in model._nodes_by_depth[depth]
    ]
    last_read = {id(tensor): len(nodes) for tensor in model.outputs}
    trainable_end = 0
    for place, node in enumerate(nodes):
        for tensor in node.input_tensors:
            last_read.setdefault(id(tensor), place)
            last_read[id(tensor)] = max(last_read[id(tensor)], place)
        if getattr(node.operation, "trainable_variables", ()):
            trainable_end = place
    live: set[int] = set()
    points = []
    for place, node in enumerate(nodes[:trainable_end]):
        live = {tensor for tensor in live if last_read[tensor] > place}
        live |= {id(tensor) for tensor in node.output_tensors if id(tensor) in last_read}
        output = node.output_tensors[0]
        if len(live) == 1 and place > 0 and len(output.shape) == 4:
            points.append(Point(node.operation.name, tuple(map(int, output.shape[1:])), output))
    return points


def choose(points: Sequence[Point]) -> Point | None:
    """The last narrow point before the last downsampling; without one, the last narrow point.

    Narrow: going on from it or back from it, tensors get larger. So the cut comes between two
    blocks, never inside a block that widens its input first, and the store stays small.
    """
    if not points:
        return None
    # What comes behind the average is a map of one place in MobileNetV3 and V4.
    points = [point for point in points if point.area > 1] or points
    before = [point for point in points if point.area > points[-1].area] or list(points)
    chosen = before[-1]
    for point in reversed(before):
        if point.size > chosen.size:
            break
        if point.size < chosen.size:
            chosen = point
    return chosen


def cut_backbone(network: Any) -> Cut:
    """Cuts a Keras backbone in two; training the tail changes `network`'s own weights.

    The trunk's layers become untrainable. Raises `SettingsError` when it can't be split.
    """
    flat = flatten(network)
    point = choose(articulation_points(flat))
    if point is None:
        raise SettingsError(
            "the backbone has no layer at which it can be split",
            where="--fine-tune tail",
            fix="Use --fine-tune full, or none.",
        )
    return _fixed(_cut(flat, point))


def cut_first_stages(network: Any) -> Cut | None:
    """As `cut_backbone`, just behind the maps that have an eighth of the photo's sides or more.

    They are more than a third of the cost of a training step and few of the weights. None where
    there is no place to cut.
    """
    flat = flatten(network)
    _, height, width, _ = flat.inputs[0].shape
    points = articulation_points(flat)
    large = [point for point in points if 64 * point.area >= height * width]
    last = choose(points[: len(large) + 1])
    if last is None or last not in large:
        return None
    cut = _cut(flat, last)
    return _fixed(cut) if cut.trunk.weights else None


def cut_again(network: Any, first: Cut) -> Cut | None:
    """The tail of `first`, cut in two where `cut_backbone` would cut `network`.

    Nothing becomes untrainable. None where that is no other place.
    """
    last = choose(articulation_points(flatten(network)))
    points = articulation_points(first.tail)
    return next((_cut(first.tail, p) for p in points if last and p.name == last.name), None)


def _cut(flat: Any, point: Point) -> Cut:
    import keras

    trunk = keras.Model(flat.inputs[0], point.tensor)
    tail = keras.Model(point.tensor, flat.outputs[0])
    return Cut(point.name, point.shape, trunk, tail)


def _fixed(cut: Cut) -> Cut:
    for layer in cut.trunk.layers:
        layer.trainable = False
    return cut


def converted_trunk(cut: Cut, spec: ModelSpec, backbone_sha256: str) -> ConvertedBackbone:
    """The trunk as a float .tflite, converted once and kept beside the converted backbones.

    `backbone_sha256` is of the whole backbone, converted, with the same weights.
    """
    origin = f"{backbone_sha256}|{cut.name}|{cut.shape}|{_FORMAT}"
    name = f"{spec.name}-trunk-{hashlib.sha256(origin.encode()).hexdigest()[:16]}.tflite"
    path = cache_folder() / "backbones" / name
    content = read_entry(path)
    digest, model = content[:32], content[32:]
    if hashlib.sha256(model).digest() != digest:  # not there, or damaged
        model = convert(cut.trunk)
        digest = hashlib.sha256(model).digest()
        write_entry(path, digest + model)
    return ConvertedBackbone(model, digest.hex())


def trunk_store(cut: Cut, spec: ModelSpec, trunk: ConvertedBackbone) -> FeatureStore:
    """Where what the trunk gives is kept: float16, half the space for no loss that shows."""
    return FeatureStore(spec, trunk.sha256, shape=cut.shape, dtype=np.float16, mirrored=True)


def check_space(photos: Sequence[Photo], store: FeatureStore) -> None:
    """Raises `TrainingError` when the disk can't hold the entries that are still missing."""
    paths = {store.path(photo.sha256) for photo in photos}
    need = sum(not path.exists() for path in paths) * math.prod(store.shape) * store.dtype.itemsize
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if need > free:
        raise TrainingError(
            f"the tail's features need {need / 1e9:.1f} GB here, and {free / 1e9:.1f} GB are free",
            where=folder,
            fix="Free some space, move the cache with PACKAGER_CACHE, or use --fine-tune full.",
        )


@dataclass(frozen=True)
class TrunkSamples:
    """What the tail is trained on, read from the store when it is needed first.

    A photo's sample is of either view by turns, mirrored or not as (seed, epoch, photo) decide.
    Entries stay in memory as far as `Kept` allows; the others are read each time.
    """

    store: FeatureStore
    seed: int
    _entries: Kept[np.ndarray[Any, Any]] = field(default_factory=kept_arrays, init=False)

    def sample(self, photo: Photo, epoch: int) -> np.ndarray[Any, Any]:
        """float32 [height, width, channels] for training."""
        digest = int(photo.sha256[:16], 16)
        mirrored = np.random.default_rng([self.seed, epoch, digest]).integers(2)
        place = 2 * ((epoch + digest) % len(VIEWS)) + mirrored  # in feature_views
        return self._read(photo, place)

    def views(self, photo: Photo) -> np.ndarray[Any, Any]:
        """float32 [len(VIEWS), height, width, channels], as clients see the photo."""
        return self._read(photo, slice(None, None, 2))

    def _read(self, photo: Photo, places: int | slice) -> np.ndarray[Any, Any]:
        def read() -> np.ndarray[Any, Any]:
            entry = self.store.read(photo.sha256)
            if entry is None:
                raise TrainingError(
                    "the trunk's output for this photo disappeared from the cache while it was in "
                    "use",
                    where=photo.path,
                    fix="Run the command again; nothing else needs to be done.",
                )
            return entry

        entry = self._entries.get(photo.sha256, read)
        values = np.asarray(entry[places], np.float32)
        if not np.isfinite(values).all():
            raise TrainingError(
                "the trunk's output for this photo is too large for half precision",
                where=photo.path,
                fix="Use --fine-tune full.",
            )
        return values
