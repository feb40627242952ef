"""How far the weights go from the frozen backbone towards the last epoch of fine-tuning.

Weights halfway between the two are more accurate on few photos than either (Wortsman et al. 2022,
"Robust fine-tuning of zero-shot models", arXiv:2109.01903). A validation part of a few dozen photos
is too noisy to choose an epoch by, so it only settles what it can tell for certain.
docs/fine-tuning.md has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

HALF = 0.5
SHARES = (0.0, HALF, 1.0)
_ERRORS = 2.0  # standard errors that a loss has to be lower by, to count as lower


def between(start: list[Array], end: list[Array], share: float) -> list[Array]:
    """The weights at that share of the way, 0 (start) to 1 (end)."""
    if share in (0.0, 1.0):
        return end if share else start
    return [
        np.asarray(first + np.float32(share) * (last - first))
        for first, last in zip(start, end, strict=True)
    ]


def chosen_share(losses: Mapping[float, Array]) -> float:
    """The share of the way to take: one of `SHARES`.

    Halfway, unless the end's validation loss is lower by more than two standard errors of the
    paired difference; and nothing where that is no better than the start.

    Args:
        losses: of each validation photo, float [photos], at each of `SHARES`.
    """
    share = 1.0 if is_lower(losses[1.0], losses[HALF]) else HALF
    return share if losses[share].mean() < losses[0.0].mean() else 0.0


def is_lower(losses: Array, before: Array) -> bool:
    """Whether the mean is lower by more than two standard errors of the paired differences.

    Both are of the same photos, float [photos].
    """
    gain = before - losses
    error = gain.std(ddof=1) / math.sqrt(len(gain)) if len(gain) > 1 else math.inf
    return bool(gain.mean() > _ERRORS * error)
