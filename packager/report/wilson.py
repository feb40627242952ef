"""The confidence interval of an accuracy that was measured on few photos."""

from __future__ import annotations

import math

_Z = 1.959963984540054  # the normal distribution's, for 95 %


def wilson_interval(right: int, photos: int) -> tuple[float, float]:
    """The 95 % interval, ends 0..1, of an accuracy that `right` of `photos` (1 or more) tell.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal
    of the American Statistical Association 22 (1927), 209-212. Unlike the textbook's interval it
    stays within 0..1 and has a width at 0 % and 100 %.
    """
    share = right / photos
    scale = 1 + _Z**2 / photos
    middle = (share + _Z**2 / (2 * photos)) / scale
    half = _Z * math.sqrt(share * (1 - share) / photos + (_Z / (2 * photos)) ** 2) / scale
    return max(0.0, middle - half), min(1.0, middle + half)
