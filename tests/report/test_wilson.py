from __future__ import annotations

import pytest

from packager.report.wilson import wilson_interval


@pytest.mark.parametrize(
    ("right", "photos", "low", "high"),
    [  # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals(right: int, photos: int, low: float, high: float) -> None:
    assert wilson_interval(right, photos) == (
        pytest.approx(low, abs=5e-5),
        pytest.approx(high, abs=5e-5),
    )


def test_all_right_is_not_certainty() -> None:
    low, high = wilson_interval(20, 20)
    assert low == pytest.approx(1 - 0.1611, abs=5e-5)
    assert high == 1.0
