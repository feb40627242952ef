"""Cross-validation of the head: each photo is evaluated by a head that wasn't trained on it.

K-fold cross-validation (Stone 1974) of the head on frozen features. It also chooses the head's L2
and epochs. What it says of the chosen ones is nested: the answer on a photo comes from the L2 and
epoch that did best on the photos of all other folds.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from packager.training.joint_heads import Variant, train_jointly
from packager.training.settings import DEFAULT_L2, HeadSettings
from packager.training.temperature import cross_entropy, fit_temperature

Array = np.ndarray[Any, Any]

L2_CHOICES = (1e-3, 1e-2, 3e-2)
FOLDS = 5
_SHARES = (0.25, 0.5)  # of the photos, for the learning curve
_MANY = 400  # samples
_STOPS = 3  # epochs to choose from, the last of them the last
_TEMPERATURES = np.geomspace(0.1, 5, 24)  # that ways of training are compared at
_WORK = 4e11  # multiplications: some ten seconds of two cores
_Z = 1.959963984540054  # the normal distribution's, for 95 %


@dataclass(frozen=True)
class CurvePoint:
    """Heads that learnt from so many photos on average, each judged on a fold it hasn't seen.

    Attributes:
        photos: how many they learnt from.
        top1: share right, 0..1, over all photos and both views.
        recalls: the same of each class; None for a class without photos.
    """

    photos: float
    top1: float
    recalls: tuple[float | None, ...]


@dataclass(frozen=True)
class Gain:
    """Expected gain in points of top-1, with the ends of the 95 % interval."""

    points: float
    low: float
    high: float


@dataclass(frozen=True)
class CrossValidation:
    """The results of cross-validation.

    Attributes:
        folds: how many; fold: int64 [photos], which one a photo was judged in.
        l2, epochs: the choice for a head of all photos, by cross-entropy after `temperature`.
        temperature: to divide that head's logits by.
        logits: float32 [photos, views, classes], of a head that hasn't seen the photo's fold.
        calibrated: the same, divided by a temperature that was fitted on the other folds.
        curve: of a quarter, half and all of the photos that a fold leaves to learn from, with one
            L2; empty where it was too much work.
        refit: what learning from all photos gains over learning from the training part; None
            without a curve.
    """

    folds: int
    fold: Array
    l2: float
    epochs: int
    temperature: float
    logits: Array
    calibrated: Array
    curve: tuple[CurvePoint, ...]
    refit: Gain | None

    def chosen(self, settings: HeadSettings) -> HeadSettings:
        """`settings` with the chosen L2 and epochs."""
        return replace(settings, l2=self.l2, stop_after=self.epochs)


def assign_folds(
    labels: Array, groups: Sequence[Hashable], folds: int = FOLDS, *, seed: int = 0
) -> Array:
    """The fold of each photo, int64 [photos], 0..folds-1.

    Photos of one group are in one fold, and each class is spread as evenly as its groups allow.
    """
    members: dict[Hashable, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    order = np.random.default_rng(seed).permutation(len(members))
    whole = list(members.values())
    # The largest first, which leaves the small ones to even out.
    queue = sorted((whole[place] for place in order), key=len, reverse=True)
    result = np.zeros(len(labels), np.int64)
    of_class: dict[int, Array] = {}
    of_all = np.zeros(folds, np.int64)
    for places in queue:
        own = of_class.setdefault(int(labels[places[0]]), np.zeros(folds, np.int64))
        fold = min(range(folds), key=lambda each: (own[each], of_all[each]))
        own[fold] += len(places)
        of_all[fold] += len(places)
        result[np.array(places)] = fold
    return result


def affordable(photos: int, views: int, width: int, classes: int, epochs: int) -> int:
    """How many heads can be trained together in some ten seconds of two cores."""
    one = 4.0 * photos * views * epochs * width * classes
    return int(_WORK / one)


def cross_validate(
    features: Array,
    labels: Array,
    classes: int,
    settings: HeadSettings,
    *,
    judged: Sequence[int],
    groups: Sequence[Hashable],
    choose_on: Array | None = None,
    trained_share: float = 0.8,
    seed: int = 0,
) -> CrossValidation | None:
    """Cross-validates the head over all photos, in one pass over their features.

    Args:
        features: float32 [photos, views, width]; labels: int64 [photos], 0..classes-1.
        settings: of the head; an L2 or a last epoch that they name is not chosen.
        judged: numbers of the views that are judged, all others are for learning only.
        groups: what each photo belongs to; a group is never divided.
        choose_on: bool [photos], those that L2, epochs and temperature are chosen by: without
            the test photos, whose figures then stay untouched. None: all.
        seed: of the folds and of the training.
        trained_share: of the photos, that the head of a build without refit learns from.

    Returns:
        None when there are fewer than two groups, or it would take too long.

    Raises:
        TrainingError: training came to no numbers.
    """
    photos, views, width = features.shape
    folds = min(FOLDS, len(set(groups)))
    room = affordable(photos, views, width, classes, settings.epochs)
    if folds < 2 or room < folds:
        return None
    fold = assign_folds(labels, groups, folds, seed=seed)
    usual = DEFAULT_L2 if settings.l2 is None else settings.l2
    several = settings.l2 is None and room >= folds * len(L2_CHOICES)
    choices = L2_CHOICES if several else (usual,)
    shares = _SHARES if room >= folds * (len(L2_CHOICES) + len(_SHARES)) else ()
    plan = [(l2, 1.0) for l2 in choices] + [(usual, share) for share in shares]
    rank = _ranks(labels, seed)
    variants = [
        Variant((fold != each) & (rank < share), l2) for l2, share in plan for each in range(folds)
    ]
    # Threads of BLAS gain little in matrices of this size, and lose much on a busy machine.
    with threadpool_limits(1, "blas"):
        snapshots = list(
            _snapshots(features, labels, classes, variants, settings, fold, judged, seed)
        )
    ways = [(l2, epochs) for epochs, _ in snapshots for l2 in choices]
    every = np.concatenate([logits[: len(choices)] for _, logits in snapshots])
    losses = np.stack([_losses(logits, labels) for logits in every])
    chosen_from = np.ones(photos, bool) if choose_on is None else choose_on
    best, temperature = _choose(every, losses, labels, chosen_from)
    nested, calibrated = np.empty_like(every[0]), np.empty_like(every[0])
    for each in range(folds):
        inside, others = fold == each, fold != each
        way, own = _choose(every, losses, labels, others)
        nested[inside] = every[way][inside]
        calibrated[inside] = every[way][inside] / np.float32(own)
    l2, epochs = ways[best]
    curve: tuple[CurvePoint, ...] = ()
    refit = None
    if shares:
        last = snapshots[-1][1]
        heads = [last[len(choices)], last[len(choices) + 1], last[choices.index(usual)]]
        learnt = [
            float(np.mean([(rank < share)[fold != each].sum() for each in range(folds)]))
            for share in (*shares, 1.0)
        ]
        curve = tuple(
            _point(logits, labels, classes, count)
            for logits, count in zip(heads, learnt, strict=True)
        )
        refit = _gain(heads[1], heads[2], labels, trained_share)
    return CrossValidation(folds, fold, l2, epochs, temperature, nested, calibrated, curve, refit)


def _snapshots(
    features: Array, labels: Array, classes: int, variants: Sequence[Variant],
    settings: HeadSettings, fold: Array, judged: Sequence[int], seed: int,
) -> Iterator[tuple[int, Array]]:  # fmt: skip
    """Epochs, and logits [ways, photos, judged, classes] of heads that have not seen the photos.

    The variants are ways, each with a head for each fold.
    """
    seen, stop = features[:, list(judged)], settings.stop_after
    folds = int(fold.max()) + 1
    # An epoch here stands for two where samples are many: half as many do almost as well.
    each_for = 2 if features.shape[0] * features.shape[1] >= _MANY else 1
    passes = replace(settings, epochs=-(-settings.epochs // each_for), stop_after=None)
    every = -(-(stop or -(-settings.epochs // _STOPS)) // each_for)
    for done, kernels, biases in train_jointly(
        features, labels, classes, variants, passes, every=every, seed=seed
    ):
        epochs = min(settings.epochs, done * each_for)
        logits = np.empty((len(variants) // folds, *seen.shape[:2], classes), np.float32)
        for number, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            way, each = divmod(number, folds)
            logits[way, fold == each] = seen[fold == each] @ kernel + bias
        yield epochs, logits
        if stop is not None and epochs >= stop:
            return


def expected_top1(curve: Sequence[CurvePoint], photos: float) -> float | None:
    """What a power law through the curve's errors gives for so many photos, 0..1.

    Hestness et al. 2017 (arXiv:1712.00409). None with fewer than two points, or where more photos
    did not help.
    """
    known = [(point.photos, 1 - point.top1) for point in curve if point.top1 < 1]
    if len(known) < 2 or len(known) < len(curve):
        return None
    sizes, errors = np.log(np.array(known)).T
    slope, start = np.polynomial.polynomial.polyfit(sizes, errors, 1)[::-1]
    return None if slope > -1e-9 else float(1 - math.exp(start + slope * math.log(photos)))


def classes_in_need(curve: Sequence[CurvePoint], limit: int) -> list[int]:
    """Classes that need photos most: by the share that is still wrong, those that gained first.

    Only classes with a recall below that of all photos.
    """
    if not curve:
        return []
    last, before = curve[-1], curve[-2] if len(curve) > 1 else curve[-1]
    rows = [
        (recall, -(recall - (earlier if earlier is not None else recall)), place)
        for place, (recall, earlier) in enumerate(zip(last.recalls, before.recalls, strict=True))
        if recall is not None and recall < last.top1
    ]
    return [place for *_, place in sorted(rows)[:limit]]


def _ranks(labels: Array, seed: int) -> Array:
    """A place 0..1 for each photo, spread evenly within its class: the first quarter is < 0.25."""
    random = np.random.default_rng(seed + 1)
    result = np.empty(len(labels))
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        result[random.permutation(own)] = (np.arange(len(own)) + 0.5) / len(own)
    return result


def _losses(logits: Array, labels: Array) -> Array:
    """Cross-entropy [temperatures, photos], mean of the views."""
    photos, views, classes = logits.shape
    flat, truth = logits.reshape(-1, classes), np.repeat(labels, views)
    losses = [cross_entropy(flat / np.float32(each), truth) for each in _TEMPERATURES]
    return np.asarray(np.stack(losses).reshape(len(losses), photos, views).mean(-1))


def _choose(every: Array, losses: Array, labels: Array, photos: Array) -> tuple[int, float]:
    """The way of the lowest cross-entropy over those photos at its best temperature, and that."""
    way = int(losses[:, :, photos].mean(-1).min(-1).argmin())
    logits = every[way][photos]
    truth = np.repeat(labels[photos], logits.shape[1])
    return way, fit_temperature(logits.reshape(len(truth), -1), truth)


def _right(logits: Array, labels: Array) -> Array:
    """float64 [photos]: share of the views that are right."""
    return np.asarray((logits.argmax(-1) == labels[:, None]).mean(1))


def _point(logits: Array, labels: Array, classes: int, photos: float) -> CurvePoint:
    right = _right(logits, labels)
    recalls = [
        float(right[labels == label].mean()) if (labels == label).any() else None
        for label in range(classes)
    ]
    return CurvePoint(photos, float(right.mean()), tuple(recalls))


def _gain(half: Array, whole: Array, labels: Array, trained_share: float) -> Gain:
    """From the photos that half of the data got wrong and all of it right.

    Accuracy grows with the logarithm of the photos, about evenly between half and all; the step
    from the training part to all is a part of that doubling.
    """
    doubled = 100 * (_right(whole, labels) - _right(half, labels))
    part = -math.log2(trained_share)
    middle = part * float(doubled.mean())
    spread = part * _Z * float(doubled.std()) / math.sqrt(len(doubled))
    return Gain(middle, middle - spread, middle + spread)
