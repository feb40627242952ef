"""What is like none of the classes: how near a feature vector must be to the known ones.

A vector's nearness is its greatest cosine with the class directions, several a class, that
spherical k-means (Dhillon & Modha 2001) finds in the training vectors. Below a threshold it is
unknown. That needs no photo of anything unknown, and lets through far less than a threshold on
the greatest softmax score (Sun et al. 2022, arXiv:2204.06507, on nearest neighbours).
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
_USUAL = 6.0  # logits that "unknown" is below the best class for a photo in the middle


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
    """The greatest cosine of each vector [..., width] with a direction: [...], -1..1."""
    return np.asarray((_unit(vectors) @ directions.T).max(axis=-1))


def fit_unknown(
    vectors: Array, labels: Array, classes: int, fold: Array, *,
    judged: Sequence[int], keep: float, choose_on: Array | None = None, seed: int = 0,
) -> tuple[UnknownRule, Array]:  # fmt: skip
    """The rule that keeps a share of one's own photos, and how near each of them is.

    Args:
        vectors: float32 [photos, views, width]; labels: int64 [photos].
        fold: int64 [photos]: a photo's nearness is to directions of the photos in other folds.
        judged: numbers of the views that clients feed.
        keep: share of the photos, in those views, that must stay known, above 0 and below 1.
        choose_on: bool [photos], those that the threshold and the rule's directions are taken
            from: without the test photos. None: all.

    Returns:
        The rule, and the nearness float64 [photos, judged].
    """
    chosen = np.ones(len(labels), bool) if choose_on is None else choose_on
    near = np.empty((len(labels), len(judged)))
    for each in np.unique(fold):
        inside = fold == each
        others = class_directions(vectors[~inside], labels[~inside], classes, seed=seed)
        near[inside] = nearness(vectors[inside][:, list(judged)], others)
    threshold = float(np.quantile(near[chosen], 1 - keep))
    spread = max(float(np.median(near[chosen])) - threshold, 1e-3)
    directions = class_directions(vectors[chosen], labels[chosen], classes, seed=seed)
    return UnknownRule(directions, threshold, _USUAL / spread), near


def with_unknown(logits: Array, near: Array, rule: UnknownRule) -> Array:
    """Logits [..., classes + 1] as the file computes them: that of "unknown" is the last."""
    other = logits.max(axis=-1) + rule.slope * (rule.threshold - near)
    return np.concatenate([logits, other[..., None]], axis=-1)


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
