"""What is usual inside a model: the representative dataset, and the ranges it gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from packager import pool
from packager.data.folder import Photo
from packager.data.images import VIEWS, open_photo, view
from packager.export import flatbuffer
from packager.progress import Phase
from packager.specs import ModelSpec


def representative_photos(photos: Sequence[Photo], count: int, seed: int) -> list[Photo]:
    """At most `count` photos, as evenly from the classes as their numbers allow."""
    order = np.random.default_rng(seed).permutation(len(photos))
    queues: dict[int, list[Photo]] = {}
    for place in order:
        queues.setdefault(photos[place].label, []).append(photos[place])
    chosen: list[Photo] = []
    rounds = max((len(queue) for queue in queues.values()), default=0)
    for turn in range(rounds):
        chosen += [queues[label][turn] for label in sorted(queues) if turn < len(queues[label])]
    return chosen[:count]


def representative_dataset(
    photos: Sequence[Photo], spec: ModelSpec, phase: Phase
) -> Iterator[np.ndarray[Any, Any]]:
    """Each photo in both views, float32 [1, size, size, 3], normalised as the spec says."""
    for photo in photos:
        image = open_photo(photo.path, at_least=2 * spec.input_size)
        for name in VIEWS:
            pixels = view(image, name, spec.input_size).astype(np.float32)
            yield ((pixels - spec.mean) / np.float32(spec.std))[None].astype(np.float32)
            phase.advance()


def activation_ranges(
    model: bytes, samples: Iterable[np.ndarray[Any, Any]]
) -> dict[int, tuple[float, float]]:
    """The least and greatest value of each computed tensor over all samples, by its index.

    What TensorFlow's calibrator finds too, an operator at a time; here every tensor is made an
    output, so that XNNPACK runs the model, a sample a core.
    """
    parsed = flatbuffer.unpack(model)
    graph = parsed.subgraphs[0]
    indices = [int(index) for operator in graph.operators for index in operator.outputs]
    graph.outputs = indices
    parsed.signatureDefs = []
    probe = flatbuffer.pack(parsed)
    lows, highs = np.full(len(indices), np.inf), np.full(len(indices), -np.inf)
    for low, high in pool.each(lambda: _Probe(probe), _Probe.extremes, samples):
        lows, highs = np.minimum(lows, low), np.maximum(highs, high)
    return {
        index: (float(low), float(high))
        for index, low, high in zip(indices, lows, highs, strict=True)
    }


class _Probe:
    """One thread's interpreter of a model whose every tensor is an output."""

    def __init__(self, model: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [each["index"] for each in self._interpreter.get_output_details()]

    def extremes(self, sample: np.ndarray[Any, Any]) -> tuple[list[float], list[float]]:
        self._interpreter.set_tensor(self._input, sample)
        self._interpreter.invoke()
        views = [self._interpreter.tensor(index)() for index in self._outputs]
        return [float(view.min()) for view in views], [float(view.max()) for view in views]
