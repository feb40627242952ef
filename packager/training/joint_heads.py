"""Many heads trained in one pass over the same feature vectors.

Heads of cross-validation differ in the photos that they learn from and in their L2. Side by side
they are one matrix: a batch is read, dropped out and multiplied once for many of them, so a
dozen cost little more than one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from packager import pool
from packager.training.head import (
    class_weights,
    diverged,
    initial_kernel,
    smooth_targets,
)
from packager.training.settings import HeadSettings
from packager.training.temperature import softmax

Array = np.ndarray[Any, Any]

_STEPS = 6  # an epoch, at least: batches grow until there are no more
_LARGER = 8.0  # times, at most


@dataclass(frozen=True)
class Variant:
    """One of the heads.

    Attributes:
        photos: bool [photos], those that it learns from.
        l2: weight of its squared kernel in its loss.
    """

    photos: Array
    l2: float


def train_jointly(
    features: Array,
    labels: Array,
    classes: int,
    variants: Sequence[Variant],
    settings: HeadSettings,
    *,
    every: int = 1,
    seed: int = 0,
) -> Iterator[tuple[int, Array, Array]]:
    """Trains each variant as `head.train_head` trains one head with Adam, without early stopping.

    They share the initial kernel, the order of the samples and the dropout. Batches grow with the
    number of samples, at a rate that grows with their root: as good, and much faster. Two threads
    train half of the variants each, whatever the number of cores: results don't depend on it.

    Args:
        features: float32 [photos, views, width]; labels: int64 [photos], 0..classes-1.
        seed: of the initial kernels, the order and the dropout.
        every: epochs from one result to the next; the last epoch always gives one.

    Yields:
        Epochs so far, kernels float32 [variants, width, classes] and biases float32
        [variants, classes].

    Raises `TrainingError` when a head stops being a number.
    """
    batch = settings.batch_size / max(variant.photos.mean() for variant in variants)
    middle = len(variants) // 2
    halves = [
        _train(features, labels, classes, half, settings, batch, every, seed)
        for half in (variants[:middle], variants[middle:])
        if half
    ]
    for _ in range(math.ceil(settings.epochs / every)):
        epochs, kernels, biases = zip(
            *pool.each(lambda: None, lambda _, half: next(half), halves, workers=2), strict=True
        )
        yield epochs[0], np.concatenate(kernels), np.concatenate(biases)


def _train(
    features: Array, labels: Array, classes: int, variants: Sequence[Variant],
    settings: HeadSettings, batch: float, every: int, seed: int,
) -> Iterator[tuple[int, Array, Array]]:  # fmt: skip
    """What `train_jointly` yields of these variants, as views of what is trained on.

    `batch` is the number of samples a step before it grows.
    """
    photos, views, width = features.shape
    random = np.random.default_rng(seed)
    heads = len(variants)
    learns = np.stack([variant.photos for variant in variants], axis=1)  # [photos, heads]
    weights = np.stack([_weights(each, labels, classes) for each in learns.T], axis=1)
    l2 = np.tile([2 * variant.l2 for variant in variants], classes).astype(np.float32)
    samples = photos * views
    larger = min(max(samples / (batch * _STEPS), 1.0), _LARGER)
    steps = math.ceil(samples / (batch * larger))
    # Columns are [classes, heads]: a softmax over a last axis of few classes is slow.
    kernel = initial_kernel(width, classes, random).repeat(heads, axis=1)
    values = np.concatenate([kernel, np.zeros((1, classes * heads), np.float32)])
    mean, square, gradient = np.zeros((3, *values.shape), np.float32)
    targets = smooth_targets(labels, classes, settings.label_smoothing)
    done, total = 0, settings.epochs * steps
    for epoch in range(1, settings.epochs + 1):
        for rows in np.array_split(random.permutation(samples), steps):
            photo, view = np.divmod(rows, views)
            inputs = _dropped_out(features[photo, view], settings.dropout, random)
            logits = (inputs @ values[:-1] + values[-1]).reshape(len(rows), classes, heads)
            slope = softmax(logits, axis=1) - targets[photo, :, None]
            slope *= (weights[photo] / np.maximum(learns[photo].sum(0), 1))[:, None]
            flat = slope.reshape(len(rows), classes * heads)
            np.matmul(inputs.T, flat, out=gradient[:-1])
            flat.sum(0, out=gradient[-1])
            gradient[:-1] += l2 * values[:-1]
            falling = 0.5 * (1 + math.cos(math.pi * done / total))
            done += 1
            rate = settings.learning_rate * math.sqrt(larger) * falling
            rate *= math.sqrt(1 - 0.999**done) / (1 - 0.9**done)
            mean += np.float32(0.1) * (gradient - mean)
            square += np.float32(0.001) * (gradient * gradient - square)
            values -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(1e-7))
        if epoch % every == 0 or epoch == settings.epochs:
            if not np.isfinite(values).all():
                raise diverged(settings, "a weight became no number")
            shaped = values.reshape(width + 1, classes, heads).transpose(2, 0, 1)
            yield epoch, shaped[:, :-1], shaped[:, -1]


def _weights(learns: Array, labels: Array, classes: int) -> Array:
    """float32 [photos]: 0 for those that are left out, more for those of rare classes."""
    own = class_weights(labels[learns], classes)
    return np.where(learns, own[labels], np.float32(0))


def _dropped_out(inputs: Array, share: float, random: np.random.Generator) -> Array:
    """As `head.dropout`, to 256ths of the share: random bytes are made four times as fast."""
    if share == 0:
        return inputs
    out_of_256 = min(round(share * 256), 255)
    drawn = random.integers(0, 1 << 32, -(-inputs.size // 4), np.uint32).view(np.uint8)
    kept = drawn[: inputs.size].reshape(inputs.shape) >= out_of_256
    result: Array = kept.astype(np.float32)
    result *= inputs
    result *= np.float32(256 / (256 - out_of_256))
    return result
