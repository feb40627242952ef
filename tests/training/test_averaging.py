from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from packager.training.averaging import between, chosen_share


def losses(
    start: float, half: float, end: float, *, noise: float, photos: int = 40
) -> dict[float, np.ndarray[Any, Any]]:
    random = np.random.default_rng(0)
    own = random.uniform(0, 2, photos)  # what a photo is worth at any share
    return {
        share: own + mean + noise * random.standard_normal(photos)
        for share, mean in ((0.0, start), (0.5, half), (1.0, end))
    }


@pytest.mark.parametrize(
    ("start", "half", "end", "noise", "share"),
    [
        (1.0, 0.9, 0.88, 0.3, 0.5),  # the end may be better by chance
        (1.0, 0.7, 0.4, 0.1, 1.0),  # or it surely is
        (1.0, 0.9, 1.1, 0.1, 0.5),
        (0.5, 0.9, 1.2, 0.1, 0.0),
        (0.5, 0.9, 0.6, 0.01, 0.0),
    ],
)
def test_share_that_the_validation_photos_can_tell(
    start: float, half: float, end: float, noise: float, share: float
) -> None:
    assert chosen_share(losses(start, half, end, noise=noise)) == share


def test_one_photo_tells_nothing_of_the_end() -> None:
    one = {share: np.array([loss]) for share, loss in ((0.0, 1.0), (0.5, 0.9), (1.0, 0.1))}
    assert chosen_share(one) == 0.5


def test_weights_between() -> None:
    start, end = [np.zeros(2, np.float32)], [np.full(2, 3, np.float32)]
    assert between(start, end, 0.5)[0].tolist() == [1.5, 1.5]
    assert between(start, end, 0.0) is start
    assert between(start, end, 1.0) is end
