"""Calibration: the representative dataset, and the ranges of activations on it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from packager import pool
from packager.cache import cache_folder, read_checked, write_checked
from packager.data.folder import Photo, Reject
from packager.data.images import VIEWS, open_photo, preprocessing, view
from packager.errors import DataError
from packager.export import flatbuffer, head
from packager.progress import Phase
from packager.specs import ModelSpec

_BINS = 8192  # an outlier a hundred times the usual still leaves eighty for what is usual
_LEVELS = 255  # steps of an int8 tensor's range
_PERCENTILES = (99.99, 99.9)
_VERSION = 2  # of what is kept of measurements


@dataclass(frozen=True)
class Measured:
    """What a model computes for samples.

    Attributes:
        ranges: the least and greatest value of each computed tensor over all samples, by its index.
        outputs: float32 [samples, 1, ...], the model's output.
    """

    ranges: dict[int, tuple[float, float]]
    outputs: np.ndarray[Any, Any]


@dataclass(frozen=True)
class Calibration:
    """Training photos that a representative dataset is drawn from.

    Attributes:
        photos: how many there are.
        samples: the representative dataset of so many of them, as `RepresentativeDataset`
            gives it; a greater number holds the same photos and more.
    """

    photos: int
    samples: Callable[[int, Phase], Iterable[np.ndarray[Any, Any]]]


def representative_photos(photos: Sequence[Photo], count: int, seed: int) -> list[Photo]:
    """At most `count` photos, as evenly from the classes as their numbers allow.

    With more classes than `count`, of as many classes, drawn at random.
    """
    order = np.random.default_rng(seed).permutation(len(photos))
    queues: dict[int, list[Photo]] = {}
    for place in order:
        queues.setdefault(photos[place].label, []).append(photos[place])
    chosen: list[Photo] = []
    if len(queues) > count:
        return [queue[0] for queue in list(queues.values())[:count]]
    rounds = max((len(queue) for queue in queues.values()), default=0)
    for turn in range(rounds):
        chosen += [queues[label][turn] for label in sorted(queues) if turn < len(queues[label])]
    return chosen[:count]


class RepresentativeDataset:
    """Each photo in both views, float32 [1, size, size, 3], normalised as the spec says.

    `on_reject` is called for photos that changed or can't be read any more; they are left out.
    Iterating raises `DataError` when none is left.

    Attributes:
        digest: of what is in it, photos and preprocessing.
        whole: whether no photo was left out so far.
    """

    def __init__(
        self,
        photos: Sequence[Photo],
        spec: ModelSpec,
        phase: Phase,
        on_reject: Callable[[Reject], None] = lambda reject: None,  # noqa: ARG005
    ) -> None:
        self._photos, self._spec, self._phase, self._on_reject = photos, spec, phase, on_reject
        self.whole = True
        names = [preprocessing(spec.input_size, spec.mean, spec.std)]
        names += [photo.sha256 for photo in photos]
        self.digest = hashlib.sha256("|".join(names).encode()).hexdigest()

    def pass_over(self) -> None:
        """Tells the phase that none of the photos needs to be read."""
        self._phase.advance(len(VIEWS) * len(self._photos))

    def __iter__(self) -> Iterator[np.ndarray[Any, Any]]:
        size, mean, std = self._spec.input_size, self._spec.mean, self._spec.std
        left = len(self._photos)
        for photo in self._photos:
            try:
                image = open_photo(photo.path, at_least=2 * size, sha256=photo.sha256)
            except DataError as error:
                self.whole = False
                self._on_reject(Reject(photo.path, error.what))
                self._phase.advance(len(VIEWS))
                left -= 1
                continue
            for name in VIEWS:
                pixels = view(image, name, size).astype(np.float32)
                yield ((pixels - mean) / np.float32(std))[None].astype(np.float32)
                self._phase.advance()
        if not left:
            raise DataError(
                "none of the calibration photos can be read any more",
                fix="The folder changed while it was in use: restore the photos and run it again.",
            )


def activation_ranges(
    model: bytes, samples: Iterable[np.ndarray[Any, Any]], backbone: bytes | None = None
) -> dict[int, tuple[float, float]]:
    """The least and greatest value of each computed tensor over all samples, by its index.

    With `backbone`, the model is that backbone with a head attached: the ranges of the backbone
    don't depend on the head, and are those that `measure` keeps.
    """
    if backbone is None:
        return measure(model, samples).ranges
    measured = measure(backbone, samples)
    return {**measured.ranges, **_measured(model, measured.outputs, -head.OPERATORS).ranges}


def measure(model: bytes, samples: Iterable[np.ndarray[Any, Any]]) -> Measured:
    """Runs the model on the samples; what a `RepresentativeDataset` gives is kept in the cache.

    The ranges are what TensorFlow's calibrator finds too, an operator at a time; here every tensor
    is made an output, so that XNNPACK runs the model, a sample a core.
    """
    if not isinstance(samples, RepresentativeDataset):
        return _measured(model, samples)
    origin = f"{_VERSION}|{hashlib.sha256(model).hexdigest()}|{samples.digest}"
    place = cache_folder() / "ranges" / hashlib.sha256(origin.encode()).hexdigest()[:32]
    if kept := read_checked(place):
        samples.pass_over()
        arrays = np.load(io.BytesIO(kept))
        rows = arrays["ranges"].tolist()
        return Measured({int(each): (low, high) for each, low, high in rows}, arrays["outputs"])
    found = _measured(model, samples)
    if samples.whole:
        content = io.BytesIO()
        rows = np.array([(index, *ends) for index, ends in found.ranges.items()], np.float64)
        np.savez(content, ranges=rows, outputs=found.outputs)
        write_checked(place, content.getvalue())
    return found


def _measured(model: bytes, samples: Iterable[np.ndarray[Any, Any]], first: int = 0) -> Measured:
    """`first` is the operator that the samples enter at."""
    probe, indices, result = _all_outputs(model, first)
    lows, highs = np.full(len(indices), np.inf), np.full(len(indices), -np.inf)
    outputs = []
    for low, high, output in pool.each(
        lambda: _Probe(probe), lambda tool, sample: tool.extremes(sample, result), samples
    ):
        lows, highs = np.minimum(lows, low), np.maximum(highs, high)
        outputs.append(output)
    ends = zip(lows.tolist(), highs.tolist(), strict=True)
    return Measured(dict(zip(indices, ends, strict=True)), np.array(outputs))


def clipped_ranges(
    model: bytes,
    samples: Iterable[np.ndarray[Any, Any]],
    extremes: Mapping[int, tuple[float, float]],
) -> dict[str, dict[int, tuple[float, float]]]:
    """Ranges that clip rare values, by method.

    A second pass over the samples: `extremes` are what `activation_ranges` found in the first,
    and the ends of a histogram of each tensor. Memory doesn't grow with the samples.

    Returns:
        Zero is in all of them. "mse": the range with the least mean squared error of rounding
        within it and of clipping outside (Nagel et al. 2021, arXiv:2106.08295). "percentile 99.99"
        and "percentile 99.9": what is left when the rest lies beyond either end (Wu et al. 2020,
        arXiv:2004.09602).
    """
    probe, indices, _ = _all_outputs(model)
    ends = [(min(low, 0.0), max(high, 0.0)) for low, high in (extremes[i] for i in indices)]
    counts = np.zeros((len(indices), _BINS), np.int64)
    for histograms in pool.each(
        lambda: _Probe(probe), lambda tool, sample: tool.histograms(sample, ends), samples
    ):
        counts += histograms
    edges = [np.linspace(low, high, _BINS + 1) for low, high in ends]
    rows = list(zip(indices, counts, edges, strict=True))
    return {
        "mse": {index: _least_error(row, edge) for index, row, edge in rows},
        **{
            f"percentile {kept}": {
                index: _percentiles(row, edge, kept) for index, row, edge in rows
            }
            for kept in _PERCENTILES
        },
    }


def _least_error(counts: np.ndarray[Any, Any], edges: np.ndarray[Any, Any]) -> tuple[float, float]:
    above = _clipping(counts, edges)
    below = _clipping(counts[::-1], -edges[::-1])[::-1]
    zero = min(int(np.searchsorted(edges, 0.0, side="right")) - 1, _BINS - 1)
    rounded = counts.sum() - counts[zero]  # zero itself has a code of its own

    def error(bottom: Any, top: Any) -> Any:
        step = (edges[top] - edges[bottom]) / _LEVELS
        return below[bottom] + above[top] + rounded * step**2 / 12

    bottoms, tops = np.arange(zero + 1), np.arange(zero + 1, _BINS + 1)  # zero is in between
    bottom, top = 0, _BINS
    for _ in range(4):  # one end at a time; the second turn moves them a bin or two, if at all
        top = int(tops[np.argmin(error(bottom, tops))])
        bottom = int(bottoms[np.argmin(error(bottoms, top))])
    return float(edges[bottom]), float(edges[top])


def _clipping(counts: np.ndarray[Any, Any], edges: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The squared error of all values beyond each edge, set to that edge."""
    centres = (edges[:-1] + edges[1:]) / 2

    def beyond(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.append(np.cumsum(values[::-1])[::-1], 0.0)

    number, total, squares = (beyond(counts * centres**power) for power in (0, 1, 2))
    return np.asarray(np.maximum(squares - 2 * edges * total + edges**2 * number, 0.0))


def _percentiles(
    counts: np.ndarray[Any, Any], edges: np.ndarray[Any, Any], kept: float
) -> tuple[float, float]:
    total = np.cumsum(counts)
    tail = (1 - kept / 100) * total[-1]
    bottom, top = np.searchsorted(total, [tail, total[-1] - tail])
    return min(float(edges[bottom]), 0.0), max(float(edges[top + 1]), 0.0)


def _all_outputs(model: bytes, first: int = 0) -> tuple[bytes, list[int], int]:
    """The model from the operator `first` on with every computed tensor as an output.

    Also their indices, and which of them is the model's own output.
    """
    parsed = flatbuffer.unpack(model)
    graph = parsed.subgraphs[0]
    if first:
        graph.operators = graph.operators[first:]
        graph.inputs = [int(graph.operators[0].inputs[0])]
    computed = [int(index) for operator in graph.operators for index in operator.outputs]
    result = computed.index(int(graph.outputs[0]))
    graph.outputs, parsed.signatureDefs = computed, []
    return flatbuffer.pack(parsed), computed, result


class _Probe:
    """One thread's interpreter of a model whose every tensor is an output."""

    def __init__(self, model: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [each["index"] for each in self._interpreter.get_output_details()]

    def extremes(
        self, sample: np.ndarray[Any, Any], result: int
    ) -> tuple[list[float], list[float], np.ndarray[Any, Any]]:
        """Of each tensor the least and the greatest value, and a copy of the tensor `result`."""
        values = self._run(sample)
        lows, highs = (
            [float(each.min()) for each in values],
            [float(each.max()) for each in values],
        )
        return lows, highs, values[result].copy()

    def histograms(
        self, sample: np.ndarray[Any, Any], ends: Sequence[tuple[float, float]]
    ) -> np.ndarray[Any, Any]:
        """Counts [tensors, bins] between the ends of each tensor."""
        rows = []
        for values, (low, high) in zip(self._run(sample), ends, strict=True):
            places = (values.reshape(-1) - low) * np.float32(_BINS / ((high - low) or 1.0))
            places = np.clip(places, 0, _BINS - 1).astype(np.intp)
            rows.append(np.bincount(places, minlength=_BINS))
        return np.stack(rows)

    def _run(self, sample: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        self._interpreter.set_tensor(self._input, sample)
        self._interpreter.invoke()
        return [self._interpreter.tensor(index)() for index in self._outputs]
