import numpy as np
import pytest

from packager.training.temperature import (
    calibration_error,
    fit_temperature,
    reliability,
    softmax,
)


@pytest.mark.parametrize("truth", [0.25, 1.0, 4.0])
def test_the_temperature_that_labels_were_drawn_with_is_found(truth: float) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (20_000, 4))
    shares = softmax(logits / truth)
    labels = (shares.cumsum(1) < random.random((len(shares), 1))).sum(1)
    assert fit_temperature(logits, labels) == pytest.approx(truth, rel=0.05)


@pytest.mark.parametrize("photos", [10, 100, 10_000])
def test_photos_that_are_all_right_are_as_sure_as_their_number_allows(photos: int) -> None:
    labels = np.arange(photos) % 2
    logits = np.eye(2)[labels] * 3
    sure = softmax(logits / fit_temperature(logits, labels)).max(axis=-1).mean()
    assert sure == pytest.approx((photos + 1) / (photos + 2), abs=1e-3)


def test_scores_that_mean_what_they_say_have_no_calibration_error() -> None:
    sure = [0.75] * 4 + [0.5] * 2
    right = [True, True, True, False, True, False]
    assert calibration_error(reliability(sure, right)) == pytest.approx(0)


def test_calibration_error_is_the_mean_gap() -> None:
    bins = reliability([0.95] * 3 + [0.65], [True, True, False, True])
    assert [(each.low, each.answers) for each in bins] == [(0.6, 1), (0.9, 3)]
    assert calibration_error(bins) == pytest.approx((3 * (0.95 - 2 / 3) + 0.35) / 4)


def test_a_confidence_of_one_is_in_the_last_bin() -> None:
    assert reliability([1.0], [True])[0].low == 0.9
