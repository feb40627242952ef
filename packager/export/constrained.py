"""Accuracy-constrained quantization: strategies from cheap to expensive, until one meets
the limit.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from packager.errors import ModelFileError
from packager.export.aware import train_tail
from packager.export.bias_correction import corrected_bias
from packager.export.calibration import Calibration, activation_ranges, clipped_ranges
from packager.export.full_integer import quantize_in_ranges
from packager.export.quantize import quantize, quantize_weights
from packager.export.sensitivity import LogitNoise, layer_errors
from packager.extras import has_extra
from packager.progress import SILENT, Phase, Progress

CALIBRATION_PHOTOS = 50
_MORE_PHOTOS = 4 * CALIBRATION_PHOTOS
_NOISE_PHOTOS = 16
_TAIL_PHOTOS = 500
_FLOAT_LAYERS = 6  # at most

_Candidate = tuple[str, bytes, int, str]  # name, model, calibration photos, note
_Ranges = Mapping[int, tuple[float, float]]


@dataclass(frozen=True)
class Attempt:
    """A quantization strategy that was tried.

    Attributes:
        strategy: "default", "more photos", "bias correction", "clipped ranges", "1 layer in float"
            and so on, or "quantization-aware training".
        drop_points: points of top-1 that it loses, as `evaluate` measured; negative for a gain.
        photos: number of calibration photos; 0 where it needs none.
        seconds: time that it took, including its evaluation.
        note: details of the strategy.
    """

    strategy: str
    drop_points: float
    photos: int
    seconds: float
    note: str


@dataclass(frozen=True)
class Constrained:
    """The result of the first strategy that meets the limit, or else of the best one.

    Attributes:
        model: the quantized .tflite, without metadata; strategy: the one that was used.
        attempts: all that were tried, in order.
        met: whether the model loses no more than is allowed.
    """

    model: bytes
    strategy: str
    attempts: tuple[Attempt, ...]
    met: bool


def quantize_within(
    plain: bytes,
    quantization: str,
    *,
    io: str,
    input_range: tuple[float, float],
    calibration: Calibration,
    evaluate: Callable[[bytes], float],
    max_drop: float,
    backbone: bytes | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Constrained:
    """Quantizes a float classifier by one strategy after another until one meets the limit.

    In order: as `quantize` does; ranges from more photos; bias correction, which the next two
    include; clipped ranges; the most sensitive layers, at most six, in float; quantization-aware
    training of the last layers. int16x8 doesn't use clipped ranges and float layers, dynamic
    none that needs ranges; fp16 only has the first.

    Args:
        plain, quantization, io, input_range, backbone: as for `quantize`.
        calibration: photos of the training part. Ranges, sensitivity and training see no others.
        evaluate: points of top-1 that a quantized model loses, on photos that are not among
            those. The same photos choose the strategy, so the drop of the chosen one is
            slightly optimistic.
        max_drop: points that it may lose.
        seed: for the training.
        progress: receives the loss of each strategy and the next one.

    Raises `ModelFileError` when the quantizer can't quantize an operator.
    """
    strategies = _Strategies(
        plain, quantization, io, input_range, calibration, backbone, seed, progress
    )
    attempts: list[Attempt] = []
    best, least = plain, np.inf
    begun = time.monotonic()
    for name, model, photos, note in strategies.in_order():
        drop = evaluate(model)
        attempts.append(Attempt(name, drop, photos, time.monotonic() - begun, note))
        begun = time.monotonic()
        met = drop <= max_drop + 1e-9  # 100 * (0.93 - 0.92) is a little more than 1
        if drop < least or met:
            best, least, chosen = model, drop, name
        progress.say(
            f"{quantization}, {name}: {drop:.1f} points of top-1 lost, {max_drop:g} allowed"
            + (f" ({note})." if note else ".")
        )
        if met:
            break
    return Constrained(best, chosen, tuple(attempts), met)


@dataclass(frozen=True)
class _Strategies:
    """What each gives for one model, made when it's asked for."""

    plain: bytes
    quantization: str
    io: str
    input_range: tuple[float, float]
    calibration: Calibration
    backbone: bytes | None
    seed: int
    progress: Progress

    def in_order(self) -> Iterator[_Candidate]:
        """The candidates of this quantization, the cheapest first."""
        return {"int8": self._int8, "int16x8": self._int16x8, "dynamic": self._dynamic}.get(
            self.quantization, self._only
        )()

    def _int8(self) -> Iterator[_Candidate]:
        plain = self.plain
        few, more = self._counts()
        found: dict[str, _Ranges] = {}
        widest = found[f"{few} photos"] = self._extremes(few)
        yield "default", self._full_integer(plain, widest), few, ""
        if more > few:
            self._next(f"ranges from {more} photos instead of {few}")
            widest = found[f"{more} photos"] = self._extremes(more)
            yield "more photos", self._full_integer(plain, widest), more, ""
        else:
            self.progress.say("There are no more training photos for calibration.")

        self._next("bias correction")
        yield "bias correction", self._bias_corrected(widest), more, ""

        self._next("clipped ranges")
        noise = self._noise()
        with self._samples(more, "Counting values") as samples:
            clipped = clipped_ranges(plain, samples, widest)
        found.update(clipped)
        ratios = {
            name: noise.sqnr_db(self._with_float_io(ranges)) for name, ranges in found.items()
        }
        method = max(clipped, key=lambda name: ratios[name])
        unclipped = max(ratios[name] for name in found if name not in clipped)
        note = f"by {method}: noise at {ratios[method]:.1f} dB, without at {unclipped:.1f} dB"
        yield "clipped ranges", self._bias_corrected(clipped[method]), more, note
        ranges = found[max(ratios, key=lambda name: ratios[name])]
        yield from self._float_layers(
            lambda layers: self._with_float_io(ranges, layers),
            lambda layers: self._bias_corrected(ranges, layers),
            noise,
            more,
        )
        yield from self._trained(
            self._with_float_io(ranges), lambda trained: self._full_integer(trained, ranges), more
        )

    def _int16x8(self) -> Iterator[_Candidate]:
        few, more = self._counts()
        model = self._calibrated(self.plain, few)
        yield "default", model, few, ""
        if more > few:
            self._next(f"ranges from {more} photos instead of {few}")
            model = self._calibrated(self.plain, more)
            yield "more photos", model, more, ""
        self._next("bias correction")
        corrected = corrected_bias(self.plain, model, self._few_samples)
        yield "bias correction", self._calibrated(corrected, more), more, ""
        yield from self._trained(model, lambda trained: self._calibrated(trained, more), more)

    def _dynamic(self) -> Iterator[_Candidate]:
        def make(layers: Collection[int]) -> bytes:
            return quantize_weights(self.plain, keep_float=layers)

        yield "default", make(()), 0, ""
        yield from self._float_layers(make, make, self._noise(), 0)
        yield from self._trained(make(()), quantize_weights, 0)

    def _only(self) -> Iterator[_Candidate]:
        yield "default", self._calibrated(self.plain, 0), 0, ""

    def _float_layers(
        self,
        internal: Callable[[Collection[int]], bytes],
        make: Callable[[Collection[int]], bytes],
        noise: LogitNoise,
        photos: int,
    ) -> Iterator[_Candidate]:
        self._next("the most sensitive layers in float")
        worst = layer_errors(self.plain, internal, noise, progress=self.progress)
        for count, layer in enumerate(worst[:_FLOAT_LAYERS], 1):
            name = f"{count} layer{'s' if count > 1 else ''} in float"
            model = make([each.operator for each in worst[:count]])
            also = "and " if count > 1 else ""
            yield name, model, photos, f"{also}{layer.name}: {layer.sqnr_db:.1f} dB alone"

    def _trained(
        self, trunk: bytes, make: Callable[[bytes], bytes], photos: int
    ) -> Iterator[_Candidate]:
        if not has_extra("tensorflow"):
            self.progress.say("Skipped: quantization-aware training needs TensorFlow.")
            return
        self._next("quantization-aware training of the last layers")
        count = min(_TAIL_PHOTOS, self.calibration.photos)
        try:
            trained = train_tail(
                self.plain,
                trunk,
                lambda: self.calibration.samples(count, Phase()),
                seed=self.seed,
                progress=self.progress,
            )
        except ModelFileError as error:
            self.progress.say(f"Skipped: {error.what}.")
            return
        if trained is None:
            self.progress.say("Skipped: training didn't reduce the noise.")
            return
        note = (
            f"{trained.operators} operators, {count} photos: noise at {trained.after_db:.1f} dB "
            f"instead of {trained.before_db:.1f} dB"
        )
        yield "quantization-aware training", make(trained.model), photos, note

    def _counts(self) -> tuple[int, int]:
        few, more = (min(n, self.calibration.photos) for n in (CALIBRATION_PHOTOS, _MORE_PHOTOS))
        return few, more

    @contextlib.contextmanager
    def _samples(self, photos: int, doing: str) -> Iterator[Iterable[np.ndarray[Any, Any]]]:
        with self.progress.phase(doing, 2 * photos) as phase:
            yield self.calibration.samples(photos, phase)

    def _extremes(self, photos: int) -> _Ranges:
        with self._samples(photos, "Calibrating") as samples:
            return activation_ranges(self.plain, samples, self.backbone)

    def _noise(self) -> LogitNoise:
        count = min(_NOISE_PHOTOS, self.calibration.photos)
        return LogitNoise(self.plain, self.calibration.samples(count, Phase()))

    def _full_integer(self, model: bytes, ranges: _Ranges, layers: Collection[int] = ()) -> bytes:
        return quantize_in_ranges(
            model, ranges, io=self.io, input_range=self.input_range, keep_float=layers
        )

    def _bias_corrected(self, ranges: _Ranges, layers: Collection[int] = ()) -> bytes:
        corrected = corrected_bias(
            self.plain, self._with_float_io(ranges, layers), self._few_samples
        )
        return self._full_integer(corrected, ranges, layers)

    def _few_samples(self) -> Iterable[np.ndarray[Any, Any]]:
        return self.calibration.samples(self._counts()[0], Phase())

    def _with_float_io(self, ranges: _Ranges, layers: Collection[int] = ()) -> bytes:
        return quantize_in_ranges(
            self.plain, ranges, io="float32", input_range=self.input_range, keep_float=layers
        )

    def _calibrated(self, model: bytes, photos: int) -> bytes:
        with self.progress.phase(f"Quantizing to {self.quantization}", 2 * photos or None) as phase:
            return quantize(
                model,
                self.quantization,
                io=self.io,
                input_range=self.input_range,
                representative=lambda: self.calibration.samples(photos, phase),
                backbone=self.backbone if model is self.plain else None,
            )

    def _next(self, what: str) -> None:
        self.progress.say(f"Trying {what}.")
