import numpy as np
import pytest

from packager.training.unknown import class_directions, fit_unknown, nearness
from tests.training.clouds import clouds


def test_one_direction_a_class_of_few_photos_is_the_mean_of_its_unit_vectors() -> None:
    features, labels = clouds(15)
    found = class_directions(features, labels, 3)
    assert found.shape == (3, 16)
    units = features / np.linalg.norm(features, axis=-1, keepdims=True)
    for label in range(3):
        mean = units[labels == label].mean((0, 1))
        np.testing.assert_allclose(found[label], mean / np.linalg.norm(mean), atol=1e-6)


def test_more_photos_have_more_directions_up_to_eight_a_class() -> None:
    features, labels = clouds(60)
    assert len(class_directions(features, labels, 3)) == 3 * 4
    features, labels = clouds(300)
    directions = class_directions(features, labels, 3)
    assert len(directions) == 3 * 8
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-5)
    assert nearness(features, directions).mean() > nearness(features, directions[::8]).mean()


def test_many_classes_have_one_direction_each() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(600), 10)
    features = random.normal(size=(6000, 1, 4)).astype(np.float32)
    assert len(class_directions(features, labels, 600)) == 600


def test_the_share_to_keep_is_kept_of_new_photos_and_strange_ones_are_not() -> None:
    features, labels = clouds(300, width=32, distance=4)
    fold = np.arange(300) // 3 % 5
    rule, _ = fit_unknown(features, labels, 3, fold, judged=[0, 1], keep=0.9)
    new, _ = clouds(1000, width=32, distance=4, seed=3)
    kept = (nearness(new[:, 0], rule.directions) >= rule.threshold).mean()
    assert kept == pytest.approx(0.9, abs=0.05)
    strange = np.random.default_rng(1).normal(size=(1000, 32)) * 2
    assert (nearness(strange, rule.directions) >= rule.threshold).mean() < 0.4
    assert rule.slope > 0


def test_counter_examples_keep_others_of_their_kind_out() -> None:
    features, labels = clouds(300, width=32, distance=4)
    fold = np.arange(300) // 3 % 5
    random = np.random.default_rng(2)
    # As near to the classes as a class that is none of them, and all on one side.
    middle = features.mean((0, 1)) + 3 * np.eye(32)[31]
    strange = (middle + random.normal(size=(400, 1, 32))).repeat(2, axis=1).astype(np.float32)
    new, _ = clouds(1000, width=32, distance=4, seed=3)
    let_through = []
    for negatives in (None, strange[:100]):
        rule, near = fit_unknown(
            features, labels, 3, fold, judged=[0, 1], keep=0.9, negatives=negatives
        )
        assert (near >= rule.threshold).mean() == pytest.approx(0.9, abs=0.01)
        kept = (nearness(new[:, 0], rule.directions) >= rule.threshold).mean()
        assert kept == pytest.approx(0.9, abs=0.05)
        let_through.append((nearness(strange[100:], rule.directions) >= rule.threshold).mean())
    assert let_through[0] > 0.1
    assert let_through[1] < let_through[0] / 3


def test_photos_that_were_not_chosen_have_no_say() -> None:
    features, labels = clouds(90)
    shown = np.arange(90) < 60
    other = features.copy()
    other[~shown] += 50
    (first, _), (second, _) = (
        fit_unknown(each, labels, 3, np.arange(90) // 3 % 5, judged=[0], keep=0.95, choose_on=shown)
        for each in (features, other)
    )
    assert first.threshold == second.threshold
    np.testing.assert_array_equal(first.directions, second.directions)
