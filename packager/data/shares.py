"""The shares of training, validation and test photos."""

from __future__ import annotations

import math

from packager.errors import SettingsError


def parse_split(text: str) -> tuple[float, float, float]:
    """Reads "80/10/10", "0.8/0.1/0.1" or any other three positive shares of a whole.

    Returns:
        The fractions for training, validation and test; their sum is 1.

    Raises:
        SettingsError: the text is not three positive numbers.
    """
    try:
        shares = [float(share) for share in text.split("/")]
    except ValueError:
        shares = []
    return fractions_of(shares, text)


def fractions_of(shares: list[float], given: object) -> tuple[float, float, float]:
    """Three shares as fractions of their sum; `given` is what an error shows.

    Raises `SettingsError` unless they are three positive numbers.
    """
    if len(shares) != 3 or not all(math.isfinite(share) and share > 0 for share in shares):
        raise SettingsError(
            f"{given!r} is not a split",
            where="--split",
            fix="Give three positive shares, for training/validation/test: 80/10/10.",
        )
    whole = sum(shares)
    train, validation, test = (share / whole for share in shares)
    return train, validation, test
