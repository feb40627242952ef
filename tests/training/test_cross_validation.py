import numpy as np
import pytest

from packager.training.cross_validation import (
    CurvePoint,
    affordable,
    assign_folds,
    classes_in_need,
    cross_validate,
    expected_top1,
)
from packager.training.settings import HeadSettings
from packager.training.temperature import calibration_error, reliability, softmax
from tests.training.clouds import clouds

SETTINGS = HeadSettings(epochs=20, learning_rate=0.02)


def test_a_group_is_never_divided_and_classes_are_spread_evenly() -> None:
    labels = np.repeat([0, 1], [40, 10])
    groups = [0] * 7 + list(range(1, 44))
    folds = assign_folds(labels, groups)
    assert len(set(folds[:7])) == 1
    assert np.bincount(folds[labels == 1]).tolist() == [2, 2, 2, 2, 2]
    assert np.bincount(folds[labels == 0]).max() <= 9
    np.testing.assert_array_equal(folds, assign_folds(labels, groups))


def test_expected_accuracy_is_that_of_new_photos() -> None:
    features, labels = clouds(120, distance=2)
    found = cross_validate(features, labels, 3, SETTINGS, judged=[0, 1], groups=range(120))
    assert found is not None
    expected = (found.calibrated.argmax(-1) == labels[:, None]).mean()

    from packager.training.head import train_head

    head = train_head((features, labels), None, 3, SETTINGS)
    new, new_labels = clouds(2000, distance=2, seed=5)
    truth = ((new[:, 0] @ head.kernel + head.bias).argmax(1) == new_labels).mean()
    assert expected == pytest.approx(truth, abs=0.07)


def test_labels_without_meaning_are_no_better_than_chance() -> None:
    """A leak of the photos' own labels would show."""
    features, labels = clouds(150, width=200)
    shuffled = np.random.default_rng(2).permutation(labels)
    found = cross_validate(features, shuffled, 3, SETTINGS, judged=[0], groups=range(150))
    assert found is not None
    assert (found.logits.argmax(-1)[:, 0] == shuffled).mean() < 0.45


def test_copies_in_several_folds_leak_and_in_one_group_do_not() -> None:
    features, labels = clouds(60, width=200, distance=0.5)
    features, labels = np.repeat(features, 3, axis=0), np.repeat(labels, 3)
    alone, grouped = (
        cross_validate(features, labels, 3, SETTINGS, judged=[0], groups=groups)
        for groups in (range(180), np.repeat(np.arange(60), 3).tolist())
    )
    assert alone is not None
    assert grouped is not None
    leaked, honest = (
        (found.logits.argmax(-1)[:, 0] == labels).mean() for found in (alone, grouped)
    )
    assert leaked > honest + 0.2


def test_calibrated_scores_mean_what_they_say() -> None:
    features, labels = clouds(300, distance=2)
    found = cross_validate(features, labels, 3, SETTINGS, judged=[0, 1], groups=range(300))
    assert found is not None
    errors = []
    for logits in (found.logits, found.calibrated):
        scores = softmax(logits)
        right = scores.argmax(-1) == labels[:, None]
        errors.append(calibration_error(reliability(scores.max(-1).ravel(), right.ravel())))
    assert errors[1] < 0.06
    assert errors[1] < errors[0]


def test_the_learning_curve_rises_and_says_what_more_photos_give() -> None:
    features, labels = clouds(240, width=64, distance=2)
    found = cross_validate(features, labels, 3, SETTINGS, judged=[0, 1], groups=range(240))
    assert found is not None
    assert [round(point.photos) for point in found.curve] == [48, 96, 192]
    assert found.curve[0].top1 < found.curve[2].top1
    assert found.refit is not None
    assert found.refit.low < found.refit.points < found.refit.high
    more = expected_top1(found.curve, 400)
    assert more is not None
    assert found.curve[-1].top1 < more < 1


def test_the_same_photos_give_the_same_figures() -> None:
    features, labels = clouds(50)
    first, second = (
        cross_validate(features, labels, 3, SETTINGS, judged=[0], groups=range(50))
        for _ in range(2)
    )
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.logits, second.logits)
    assert (first.l2, first.epochs, first.temperature) == (
        second.l2, second.epochs, second.temperature,
    )  # fmt: skip


def test_choices_see_the_photos_they_may_see_alone() -> None:
    features, labels = clouds(90)
    shown = np.arange(90) < 60
    spoilt = labels.copy()
    found = []
    for truth in (labels, spoilt):
        result = cross_validate(
            features, truth, 3, SETTINGS, judged=[0], groups=range(90), choose_on=shown
        )
        assert result is not None
        found.append((result.l2, result.epochs, result.temperature))
    assert found[0] == found[1]


def test_one_group_or_too_much_work_is_not_cross_validated() -> None:
    features, labels = clouds(12)
    assert cross_validate(features, labels, 3, SETTINGS, judged=[0], groups=[0] * 12) is None
    assert affordable(400, 4, 1280, 5, 30) > 25
    assert affordable(1_000_000, 4, 1280, 1000, 30) == 0


def test_classes_below_the_average_need_photos_the_worst_first() -> None:
    curve = [
        CurvePoint(50, 0.7, (0.9, 0.4, 0.6, None)),
        CurvePoint(100, 0.8, (0.95, 0.7, 0.7, None)),
    ]
    assert classes_in_need(curve, 3) == [1, 2]
    assert classes_in_need([], 3) == []


def test_a_curve_that_does_not_rise_promises_nothing() -> None:
    curve = [CurvePoint(50, 0.8, ()), CurvePoint(100, 0.8, ())]
    assert expected_top1(curve, 200) is None
