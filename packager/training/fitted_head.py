"""The final head: settings chosen by cross-validation, scores calibrated.

What is chosen (L2, epochs, temperature, thresholds) rests on the training and validation photos
alone, so that figures over the test photos stay what they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from packager import pool
from packager.data.folder import Photo, Reject
from packager.errors import SettingsError
from packager.export.unknown import UnknownRule
from packager.progress import SILENT, Progress
from packager.specs import ModelSpec
from packager.training.cross_validation import CrossValidation, assign_folds, cross_validate
from packager.training.features import Extractor, Features
from packager.training.frozen import FrozenFeatures
from packager.training.head import Head, train_head
from packager.training.settings import HeadSettings, UnknownSettings
from packager.training.temperature import fit_temperature, softmax
from packager.training.unknown import fit_unknown, nearness, with_unknown

Array = np.ndarray[Any, Any]

KEEP = 0.95  # of the known photos are above the recommended threshold
_STEPS = 256  # of an int8 file's scores
_SAMPLED = 4000  # photos that the rule for "unknown" is made of, at most


@dataclass(frozen=True)
class OutOfFold:
    """Out-of-fold predictions: every photo by a head that wasn't trained on it.

    Attributes:
        validation: how; photos: in its order.
        before, scores: float32 [photos, views, scores], 0..1, before and after the temperature;
            `scores` with "unknown" last, where there is that class.
        shipped: int64 [photos, views], the best score's place of the head that ships, which has
            seen most of the photos: to compare files with, not to tell how good they are.
    """

    validation: CrossValidation
    photos: tuple[Photo, ...]
    before: Array
    scores: Array
    shipped: Array

    @property
    def top1(self) -> tuple[float, ...]:
        """Accuracy of each view, 0..1."""
        labels = np.array([photo.label for photo in self.photos])
        right = self.scores.argmax(axis=-1) == labels[:, None]
        return tuple(float(share) for share in right.mean(axis=0))


@dataclass(frozen=True)
class FittedHead:
    """A head with its calibration and cross-validation.

    Attributes:
        head: with the temperature in its kernel and bias; trained: the same without.
        temperature: what its logits were divided by.
        threshold: the score, 0..1, that 95 % of the known photos reach at their best class, in an
            int8 file too.
        rule: when an answer is "unknown"; None without that class.
        out_of_fold: None where there was no cross-validation.
    """

    head: Head
    trained: Head
    temperature: float
    threshold: float
    rule: UnknownRule | None = None
    out_of_fold: OutOfFold | None = None


def fit_head(
    frozen: FrozenFeatures,
    classes: int,
    settings: HeadSettings,
    unknown: UnknownSettings,
    groups: Mapping[str, str],
    *,
    seed: int = 0,
    progress: Progress = SILENT,
) -> FittedHead:
    """Trains the head of a frozen backbone.

    Args:
        frozen: features of the training, validation and test part, and of the counter-examples
            that the rule for "unknown" is made with, where there are any.
        groups: by a photo's SHA-256, what group of near duplicates it is of, if it is of one: a
            group is never divided.
        seed: of everything random.

    Raises:
        SettingsError: all photos are to be learnt from, and they can't be cross-validated.
        TrainingError: the loss stops being a number.
    """
    train, validation, test = (frozen.load(part) for part in range(3))
    negatives = _some(frozen.load(3)[0]) if frozen.parts[3:] and frozen.parts[3] else None
    found = None
    adam = settings.optimizer == "adam" and settings.shuffle and settings.steps_per_epoch is None
    in_memory = all(isinstance(each, np.ndarray) for each, _ in (train, validation, test))
    kept = len(train[1]) + len(validation[1])  # those that choices rest on come first
    if settings.cross_validate and adam and in_memory:
        features, labels = _joined(train, validation, test)
        photos = [photo for part in frozen.parts[:3] for photo in part]
        with progress.phase("Cross-validating the head"):
            found = cross_validate(
                features, labels, classes, settings,
                judged=frozen.store.judged,
                groups=[groups.get(photo.sha256, photo.sha256) for photo in photos],
                choose_on=np.arange(len(labels)) < kept,
                trained_share=len(train[1]) / len(labels), seed=seed,
            )  # fmt: skip
    if settings.refit and found is None:
        raise SettingsError(
            "these photos can't be cross-validated: there are too many, or all are alike",
            where="--refit",
            fix="Leave it out: with many photos, the accuracy on the test photos is reliable.",
        )
    if found is not None:
        settings = found.chosen(settings)
    if settings.refit:
        head = train_head(
            _joined(train, validation, test), None, classes, settings, seed=seed, progress=progress
        )
    else:
        head = train_head(train, validation, classes, settings, seed=seed, progress=progress)
    if found is None:
        seen = np.asarray(validation[0][:])[:, list(frozen.store.judged)]
        temperature, threshold = _by_validation(head, seen, validation[1])
        rule = None
        if unknown.enabled:
            rule = _sampled_rule(train, classes, frozen.store.judged, unknown.keep, negatives, seed)
        return FittedHead(_cooled(head, temperature), head, temperature, threshold, rule)

    trained, head = head, _cooled(head, found.temperature)
    seen = features[:, list(frozen.store.judged)]
    own = seen @ head.kernel + head.bias
    logits, rule = found.calibrated, None
    best = softmax(logits).max(axis=-1)[:kept]
    if unknown.enabled:
        rule, near = fit_unknown(
            features, labels, classes, found.fold, judged=frozen.store.judged,
            keep=unknown.keep, choose_on=np.arange(len(labels)) < kept, negatives=negatives,
            seed=seed,
        )  # fmt: skip
        logits = with_unknown(logits, near, rule)
        own = with_unknown(own, nearness(seen, rule.directions), rule)
    return FittedHead(
        head,
        trained,
        found.temperature,
        _recommended(best),
        rule,
        OutOfFold(
            found, tuple(photos), softmax(found.logits), softmax(logits), own.argmax(axis=-1)
        ),
    )


def fit_tuned_head(
    head: Head, backbone: bytes, spec: ModelSpec, validation: Sequence[Photo]
) -> FittedHead:
    """A head that was trained together with its backbone, calibrated on the validation photos."""
    extracted = pool.each(
        lambda: Extractor(spec, backbone, mirrored=False),
        lambda extractor, photo: (photo.label, extractor.extract(photo.path, photo.sha256)),
        validation,
    )
    known = [(label, vectors) for label, vectors in extracted if not isinstance(vectors, Reject)]
    if not known:
        return FittedHead(head, head, 1.0, 0.0)
    labels = np.array([label for label, _ in known], np.int64)
    temperature, threshold = _by_validation(head, np.stack([each for _, each in known]), labels)
    return FittedHead(_cooled(head, temperature), head, temperature, threshold)


def _by_validation(head: Head, seen: Array, labels: Array) -> tuple[float, float]:
    """Temperature and threshold, from features [photos, views, width] of the validation photos.

    They told when to stop, too, so the temperature is a little too low: this is for what can't be
    cross-validated.
    """
    logits = (seen @ head.kernel + head.bias).reshape(-1, head.kernel.shape[1])
    temperature = fit_temperature(logits, np.repeat(labels, seen.shape[1]))
    best = softmax(logits / temperature).max(axis=-1)
    return temperature, _recommended(best)


def _recommended(best: Array) -> float:
    """The threshold for the best scores of the known photos.

    Scores of an int8 file are multiples of 1/256 and at most 255/256. A step of leave is for what
    quantization changes.
    """
    return max(math.floor(_STEPS * float(np.quantile(best, 1 - KEEP))) - 1, 0) / _STEPS


def _cooled(head: Head, temperature: float) -> Head:
    """The same head, its logits divided by the temperature."""
    return replace(
        head,
        kernel=(head.kernel / temperature).astype(np.float32),
        bias=(head.bias / temperature).astype(np.float32),
    )


def _joined(*parts: tuple[Features, Array]) -> tuple[Array, Array]:
    """Features and labels of all parts."""
    return (
        np.concatenate([features[:] for features, _ in parts]),
        np.concatenate([labels for _, labels in parts]),
    )


def _sampled_rule(
    train: tuple[Features, Array], classes: int, judged: tuple[int, ...], keep: float,
    negatives: Array | None, seed: int,
) -> UnknownRule:  # fmt: skip
    """Of so many training photos that they fit into memory."""
    features, labels = train
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(len(labels))[:_SAMPLED])
    own = labels[chosen]
    fold = assign_folds(own, range(len(own)), seed=seed)
    return fit_unknown(
        np.asarray(features[chosen]), own, classes, fold, judged=judged, keep=keep,
        negatives=negatives, seed=seed,
    )[0]  # fmt: skip


def _some(features: Features) -> Array:
    """So many of them, evenly taken, that they fit into memory."""
    return np.asarray(features[:: max(1, -(-features.shape[0] // _SAMPLED))])
