"""Calibration of scores: temperature scaling of the logits, and the calibration error.

One number divides the logits before the softmax, so that of predictions with a score of 0.8 four
in five are right: Guo et al. 2017, "On Calibration of Modern Neural Networks" (arXiv:1706.04599).
The order of the classes stays as it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_BINS = 10
_COLDEST, _HOTTEST = 0.05, 20.0
_GOLDEN = (math.sqrt(5) - 1) / 2
_NARROWINGS = 30


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers whose confidence is in low..high: how many, their mean confidence, share right."""

    low: float
    high: float
    answers: int
    confidence: float
    accuracy: float


def softmax(logits: Array, axis: int = -1) -> Array:
    """Shares along that axis; they add up to 1."""
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Nats, of each sample: logits [samples, classes], labels int64 [samples]."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    own = shifted[np.arange(len(labels)), labels]
    return np.asarray(np.log(np.exp(shifted).sum(axis=-1)) - own)


def fit_temperature(logits: Array, labels: Array) -> float:
    """What to divide logits [samples, classes] by for the lowest cross-entropy.

    From 0.05 to 20. The samples must not be those that the logits were fitted on. The same
    samples give the same number. So many samples that are all right don't show that none is ever
    wrong: labels are smoothed by the rule of succession, as Platt 1999 does ("Probabilistic
    Outputs for Support Vector Machines").
    """
    logits = np.asarray(logits, np.float64)
    classes = logits.shape[-1]
    doubt = classes / (len(labels) + classes)

    def loss(log_temperature: float) -> float:
        cooled = logits / math.exp(log_temperature)
        own = cooled[np.arange(len(labels)), labels]
        return float((cross_entropy(cooled, labels) + doubt * (own - cooled.mean(axis=-1))).mean())

    # Convex in 1/temperature, so there is one minimum: the golden section narrows it down.
    low, high = math.log(_COLDEST), math.log(_HOTTEST)
    inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
    losses = [loss(each) for each in inner]
    for _ in range(_NARROWINGS):
        if losses[0] <= losses[1]:
            high = inner[1]
            inner = [high - _GOLDEN * (high - low), inner[0]]
            losses = [loss(inner[0]), losses[0]]
        else:
            low = inner[0]
            inner = [inner[1], low + _GOLDEN * (high - low)]
            losses = [losses[1], loss(inner[1])]
    return math.exp((low + high) / 2)


def reliability(confidences: Sequence[float], right: Sequence[bool]) -> tuple[ReliabilityBin, ...]:
    """The answers in ten bins of equal width by their confidence (0..1); empty ones left out."""
    sure, good = np.asarray(confidences, np.float64), np.asarray(right, np.float64)
    place = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    return tuple(
        ReliabilityBin(
            each / _BINS, (each + 1) / _BINS, int((place == each).sum()),
            float(sure[place == each].mean()), float(good[place == each].mean()),
        )
        for each in range(_BINS)
        if (place == each).any()
    )  # fmt: skip


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """The expected calibration error, 0..1: confidence and accuracy differ by so much on average.

    Few answers make it too high: chance alone moves a bin's accuracy away.
    """
    answers = sum(each.answers for each in bins)
    return sum(each.answers * abs(each.confidence - each.accuracy) for each in bins) / answers
