"""The head: a softmax layer trained on feature vectors.

A linear layer on frozen features is the transfer learning of Donahue et al. 2014 (DeCAF,
arXiv:1310.1531); label smoothing follows Szegedy et al. 2016 (arXiv:1512.00567).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from packager.errors import TrainingError
from packager.progress import SILENT, Progress
from packager.training.settings import DEFAULT_L2, HeadSettings

if TYPE_CHECKING:
    from packager.training.features import Features

# Of one view, so that memory grows neither with the photos nor with their product with the classes.
_MEASURED_AT_ONCE = 1024  # photos
_SCORES_AT_ONCE = 1 << 23
_BLOCK = 1 << 15  # numbers that the optimizer moves at once: they stay in the processor's cache


@dataclass(frozen=True)
class Epoch:
    """One row of the training curves: losses in nats, accuracies 0..1.

    Those of validation are NaN where there was none.
    """

    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Head:
    """A trained head.

    Attributes:
        kernel: float32 [feature_size, classes]; bias: float32 [classes].
        curves: every epoch that was run; best_epoch: the index of the one that was kept.
    """

    kernel: np.ndarray[Any, Any]
    bias: np.ndarray[Any, Any]
    curves: tuple[Epoch, ...]
    best_epoch: int


def train_head(
    train: tuple[Features, np.ndarray[Any, Any]],
    validation: tuple[Features, np.ndarray[Any, Any]] | None,
    classes: int,
    settings: HeadSettings,
    *,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Head:
    """Trains dropout, dense and softmax on features float32 [photos, views, feature_size].

    Every view is a sample of its own; labels are int64 [photos], 0..classes-1. Classes of few
    photos weigh more. The epoch with the lowest validation loss is kept, without validation the
    last one. The same arguments give the same head, bit for bit.

    Raises `TrainingError` when the loss stops being a number.
    """
    features, labels = train
    photos, views, width = features.shape
    weights = class_weights(labels, classes)
    random = np.random.default_rng(seed)
    values = [initial_kernel(width, classes, random), np.zeros(classes, np.float32)]
    l2 = DEFAULT_L2 if settings.l2 is None else settings.l2
    optimizer: _Optimizer = (
        _Adam(values, l2)
        if settings.optimizer == "adam"
        else _Momentum(values, l2, settings.momentum)
    )
    batches = _batches(photos * views, settings, random)
    steps = settings.steps_per_epoch or math.ceil(photos * views / settings.batch_size)
    curves: list[Epoch] = []
    best, best_epoch = values, 0
    with (
        np.errstate(all="ignore"),  # a loss that isn't finite is reported below
        progress.phase("Training the head", settings.epochs) as phase,
    ):
        for epoch in range(settings.epochs):
            loss = right = 0.0
            seen = 0
            for step, rows in enumerate(itertools.islice(batches, steps)):
                photo, view = np.divmod(rows, views)
                inputs = dropout(features[photo, view], settings.dropout, random)
                weight = weights[labels[photo]][:, None]
                targets = smooth_targets(labels[photo], classes, settings.label_smoothing)
                shares, losses = _softmax(inputs, optimizer.values, targets)
                slope = (shares - targets) * weight / len(rows)
                done = (epoch * steps + step) / (settings.epochs * steps)
                falling = 0.5 * (1 + math.cos(math.pi * done))
                optimizer.step(
                    [inputs.T @ slope, slope.sum(0)],
                    settings.learning_rate * (falling if settings.optimizer == "adam" else 1.0),
                )
                loss += float((losses * weight[:, 0]).sum())
                right += float((shares.argmax(1) == labels[photo]).sum())
                seen += len(rows)
            held = (math.nan, math.nan)
            if validation is not None:
                held = _measure(validation, optimizer.values, settings.label_smoothing)
            curves.append(Epoch(loss / seen, right / seen, *held))
            now = curves[-1]
            if not math.isfinite(now.loss + (now.validation_loss if validation else 0.0)):
                raise diverged(settings, f"the loss became {now.loss}")
            fixed = validation is None or settings.stop_after is not None
            if fixed or now.validation_loss <= curves[best_epoch].validation_loss:
                best, best_epoch = [value.copy() for value in optimizer.values], epoch
            note = f"loss {now.loss:.3f} accuracy {now.accuracy:.3f}"
            if validation is not None:
                note += f", validation {now.validation_loss:.3f} {now.validation_accuracy:.3f}"
            phase.advance(note=note)
            if epoch - best_epoch >= settings.patience or epoch + 1 == settings.stop_after:
                break
    return Head(best[0], best[1], tuple(curves), best_epoch)


def diverged(settings: HeadSettings, what: str) -> TrainingError:
    """The error of training that came to no numbers."""
    return TrainingError(
        f"training diverged: {what}",
        where="--learning-rate",
        fix=f"Use a lower rate than {settings.learning_rate}.",
    )


def untrained_head(features: int, classes: int, *, seed: int = 0) -> Head:
    """The head that training would begin with, for a model that is not to be trained."""
    kernel = initial_kernel(features, classes, np.random.default_rng(seed))
    return Head(kernel, np.zeros(classes, np.float32), (), 0)


def initial_kernel(width: int, classes: int, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """What training begins with: float32 [width, classes]."""
    limit = math.sqrt(6 / (width + classes))  # Glorot & Bengio 2010
    return random.uniform(-limit, limit, (width, classes)).astype(np.float32)


def _batches(
    samples: int, settings: HeadSettings, random: np.random.Generator
) -> Iterator[np.ndarray[Any, Any]]:
    """The samples of each step, without end; all are seen before one is seen again."""
    while True:
        order = random.permutation(samples) if settings.shuffle else np.arange(samples)
        yield from np.array_split(order, math.ceil(samples / settings.batch_size))


class _Optimizer(Protocol):
    """What moves the kernel and the bias, in place; `l2` weighs the squared kernel in the loss."""

    values: list[np.ndarray[Any, Any]]

    def step(self, gradients: list[np.ndarray[Any, Any]], rate: float) -> None: ...


def _blocks(*arrays: np.ndarray[Any, Any]) -> Iterator[list[np.ndarray[Any, Any]]]:
    """The same stretch of each array at a time, as views. All are contiguous."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, len(flat[0]), _BLOCK):
        yield [array[start : start + _BLOCK] for array in flat]


class _Momentum:
    """Gradient descent with momentum: Polyak 1964, in the form of Sutskever et al. 2013."""

    def __init__(self, values: list[np.ndarray[Any, Any]], l2: float, momentum: float) -> None:
        self.values = values
        self._l2 = [2 * l2, 0.0]
        self._momentum = np.float32(momentum)
        self._velocity = [np.zeros_like(value) for value in values]

    def step(self, gradients: list[np.ndarray[Any, Any]], rate: float) -> None:
        for value, velocity, gradient, l2 in zip(
            self.values, self._velocity, gradients, self._l2, strict=True
        ):
            for v, speed, slope in _blocks(value, velocity, gradient):
                slope += l2 * v
                speed *= self._momentum
                speed -= np.float32(rate) * slope
                v += speed


class _Adam:
    """Kingma & Ba 2015 (arXiv:1412.6980), with its defaults."""

    def __init__(self, values: list[np.ndarray[Any, Any]], l2: float) -> None:
        self.values = values
        self._l2 = [2 * l2, 0.0]
        self._mean = [np.zeros_like(value) for value in values]
        self._square = [np.zeros_like(value) for value in values]
        self._steps = 0

    def step(self, gradients: list[np.ndarray[Any, Any]], rate: float) -> None:
        self._steps += 1
        scale = np.float32(rate * math.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps))
        for value, mean, square, gradient, l2 in zip(
            self.values, self._mean, self._square, gradients, self._l2, strict=True
        ):
            for v, m, s, slope in _blocks(value, mean, square, gradient):
                slope += l2 * v
                m *= np.float32(0.9)
                m += np.float32(0.1) * slope
                s *= np.float32(0.999)
                s += np.float32(0.001) * slope * slope
                v -= scale * (m / (np.sqrt(s) + np.float32(1e-7)))


def _softmax(
    inputs: np.ndarray[Any, Any],
    values: list[np.ndarray[Any, Any]],
    targets: np.ndarray[Any, Any],
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Shares [samples, classes] and cross-entropy [samples], nats."""
    logits = inputs @ values[0] + values[1]
    logits -= logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    total = powers.sum(axis=1, keepdims=True)
    return powers / total, (targets * (np.log(total) - logits)).sum(axis=1)


def _measure(
    samples: tuple[Features, np.ndarray[Any, Any]],
    values: list[np.ndarray[Any, Any]],
    smoothing: float,
) -> tuple[float, float]:
    """Mean loss and accuracy over all photos and views."""
    features, labels = samples
    photos, views, _ = features.shape
    classes = len(values[1])
    at_once = max(1, min(_MEASURED_AT_ONCE, _SCORES_AT_ONCE // classes))
    loss, right = 0.0, 0
    for start in range(0, photos, at_once):
        part = slice(start, start + at_once)
        targets = smooth_targets(labels[part], classes, smoothing)
        for view in range(views):
            inputs = np.ascontiguousarray(features[part, view])
            shares, losses = _softmax(inputs, values, targets)
            loss += float(losses.sum(dtype=np.float64))
            right += int((shares.argmax(1) == labels[part]).sum())
    return loss / (photos * views), right / (photos * views)


def dropout(
    inputs: np.ndarray[Any, Any], share: float, random: np.random.Generator
) -> np.ndarray[Any, Any]:
    """The inputs with that share of them 0 and the others greater, so that the mean stays."""
    if share == 0:
        return inputs
    kept = random.random(inputs.shape, np.float32) >= share
    return np.asarray(inputs * kept / np.float32(1 - share))


def smooth_targets(
    labels: np.ndarray[Any, Any] | Sequence[int], classes: int, smoothing: float
) -> np.ndarray[Any, Any]:
    """What the shares of samples of these classes should be: float32 [samples, classes]."""
    targets = np.full((len(labels), classes), smoothing / classes, np.float32)
    targets[np.arange(len(labels)), labels] = 1 - smoothing + smoothing / classes
    return targets


def class_weights(labels: np.ndarray[Any, Any], classes: int) -> np.ndarray[Any, Any]:
    """float32 [classes], mean 1 over the photos: rare classes count for more."""
    counts = np.bincount(labels, minlength=classes)
    return (len(labels) / (classes * np.maximum(counts, 1))).astype(np.float32)
