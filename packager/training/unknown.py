"""Out-of-distribution detection: how near a feature vector must be to the known ones.

A vector's nearness is its greatest cosine with the class directions, several a class, that
spherical k-means (Dhillon & Modha 2001) finds in the training vectors. Below a threshold it is
unknown. That needs no photo of anything unknown, and has a far lower false accept rate than a
threshold on the greatest softmax score (Sun et al. 2022, arXiv:2204.06507, on nearest neighbours).

Counter-examples turn all directions away from themselves: each has a multiple of one more
direction added, the one that a ridge regression tells them from the known photos by. The rule has
the same form then, and costs nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from packager.export.unknown import UnknownRule

Array = np.ndarray[Any, Any]

_A_CLASS = 8  # directions, at most
_IN_ALL = 512
_PHOTOS_EACH = 5  # fewer don't make a direction of their own
_ROUNDS = 12
_RIDGE = 0.015  # of the variance
_WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0)  # of the direction away from counter-examples
_USUAL = 6.0  # logits that "unknown" is below the best class for a median photo


def class_directions(vectors: Array, labels: Array, classes: int, *, seed: int = 0) -> Array:
    """Directions of length 1, float32 [directions, width], of all classes.

    Args:
        vectors: float32 [photos, views, width]; labels: int64 [photos].
        seed: of the first directions. The same arguments give the same directions.
    """
    units = _unit(vectors)
    random = np.random.default_rng(seed)
    most = max(1, min(_A_CLASS, _IN_ALL // classes))
    found = []
    for label in np.unique(labels):
        own = units[labels == label]
        count = max(1, min(most, len(own) // _PHOTOS_EACH))
        found.append(_spherical_k_means(own.reshape(-1, own.shape[-1]), count, random))
    return np.concatenate(found).astype(np.float32)


def nearness(vectors: Array, directions: Array) -> Array:
    """The greatest product of each vector's unit vector [..., width] with a direction: [...].

    With directions of length 1 it is a cosine.
    """
    return np.asarray((_unit(vectors) @ directions.T).max(axis=-1))


def fit_unknown(
    vectors: Array, labels: Array, classes: int, fold: Array, *,
    judged: Sequence[int], keep: float, choose_on: Array | None = None,
    negatives: Array | None = None, seed: int = 0,
) -> tuple[UnknownRule, Array]:  # fmt: skip
    """The rule that accepts a share of the known photos, and the nearness of each of them.

    Args:
        vectors: float32 [photos, views, width]; labels: int64 [photos].
        fold: int64 [photos]: a photo's nearness is to directions of the photos in other folds.
        judged: numbers of the views that clients feed.
        keep: share of the photos, in those views, that must stay known, above 0 and below 1.
        choose_on: bool [photos], those that the threshold and the rule's directions are taken
            from: without the test photos. None: all.
        negatives: float32 [counter-examples, views, width], two or more. How far the directions
            turn away from them is what lets the fewest of them through, judged out of fold too.

    Returns:
        The rule, and the nearness float64 [photos, judged].
    """
    chosen = np.ones(len(labels), bool) if choose_on is None else choose_on
    strange = vectors[:0] if negatives is None else negatives
    folds = np.unique(fold)
    strange_fold = folds[np.random.default_rng(seed).permutation(len(strange)) % len(folds)]
    near, away = np.zeros((2, len(labels), len(judged)))
    strange_near, strange_away = np.zeros((2, len(strange), len(judged)))
    for each in folds:
        inside, strange_inside = fold == each, strange_fold == each
        learnt = ~inside & chosen
        others = class_directions(vectors[learnt], labels[learnt], classes, seed=seed)
        seen = vectors[inside][:, list(judged)]
        near[inside] = nearness(seen, others)
        if len(strange):
            strange_seen = strange[strange_inside][:, list(judged)]
            turn = _direction_away(vectors[learnt], strange[~strange_inside])
            away[inside] = _unit(seen) @ turn
            strange_near[strange_inside] = nearness(strange_seen, others)
            strange_away[strange_inside] = _unit(strange_seen) @ turn
    directions = class_directions(vectors[chosen], labels[chosen], classes, seed=seed)
    if len(strange):
        let_through = [
            np.mean(
                strange_near + weight * strange_away
                >= np.quantile((near + weight * away)[chosen], 1 - keep)
            )
            for weight in _WEIGHTS
        ]
        weight = _WEIGHTS[int(np.argmin(let_through))]
        near += weight * away
        turn = _direction_away(vectors[chosen], strange)
        directions = (directions + weight * turn).astype(np.float32)
    threshold = float(np.quantile(near[chosen], 1 - keep))
    spread = max(float(np.median(near[chosen])) - threshold, 1e-3)
    length = float(np.linalg.norm(vectors[chosen][:, list(judged)], axis=-1).max())
    return UnknownRule(directions, threshold, _USUAL / spread, length), near


def with_unknown(logits: Array, near: Array, rule: UnknownRule) -> Array:
    """Logits [..., classes + 1] as the file computes them: that of "unknown" is the last."""
    other = logits.max(axis=-1) + rule.slope * (rule.threshold - near)
    return np.concatenate([logits, other[..., None]], axis=-1)


def _direction_away(own: Array, strange: Array) -> Array:
    """A direction [width] of length 1 that separates known from unknown vectors [..., width]."""
    both = [_unit(each.reshape(-1, each.shape[-1])).astype(np.float64) for each in (own, strange)]
    # Both sides weigh the same, however many there are.
    share = np.concatenate([np.full(len(each), 0.5 / len(each)) for each in both])
    units = np.concatenate(both)
    side = np.repeat([1.0, -1.0], [len(each) for each in both])
    centred = units - share @ units
    moments = centred.T @ (share[:, None] * centred)
    moments += max(_RIDGE * np.trace(moments), 1e-12) * np.eye(len(moments))
    return _unit(np.linalg.solve(moments, centred.T @ (share * side)))


def _unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12))


def _spherical_k_means(units: Array, count: int, random: np.random.Generator) -> Array:
    """`count` directions; each is the mean of the vectors that are nearest to it."""
    directions = units[random.choice(len(units), count, replace=False)]
    for _ in range(_ROUNDS if count > 1 else 1):
        nearest = (units @ directions.T).argmax(axis=1)
        member = (nearest[:, None] == np.arange(count)).astype(np.float32)
        sums = member.T @ units
        filled = member.sum(axis=0) > 0
        directions = np.where(filled[:, None], _unit(sums), directions)
    return directions
