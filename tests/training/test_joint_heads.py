from dataclasses import replace

import numpy as np
import pytest

from packager.errors import TrainingError
from packager.training.head import train_head
from packager.training.joint_heads import Variant, train_jointly
from packager.training.settings import HeadSettings
from tests.training.clouds import clouds

SETTINGS = HeadSettings(epochs=20, dropout=0.2, learning_rate=0.02)


def test_each_head_is_as_good_as_one_trained_alone() -> None:
    features, labels = clouds(60, width=24, distance=1.6)
    new, new_labels = clouds(400, width=24, distance=1.6, seed=9)
    random = np.random.default_rng(1)
    variants = [Variant(random.random(60) < share, 1e-3) for share in (0.5, 0.9)]
    *_, (epochs, kernels, biases) = train_jointly(features, labels, 3, variants, SETTINGS, every=6)
    assert epochs == 20
    for variant, kernel, bias in zip(variants, kernels, biases, strict=True):
        alone = train_head(
            (features[variant.photos], labels[variant.photos]), None, 3, replace(SETTINGS, l2=1e-3)
        )
        together, by_itself = (
            ((new[:, 0] @ k + b).argmax(1) == new_labels).mean()
            for k, b in ((kernel, bias), (alone.kernel, alone.bias))
        )
        assert by_itself > 0.6
        assert together == pytest.approx(by_itself, abs=0.04)


def test_photos_that_are_left_out_change_nothing() -> None:
    features, labels = clouds(40)
    used = np.arange(40) < 30
    other = features.copy()
    other[~used] += 100
    variants = [Variant(used, 1e-3)]
    first, second = (
        list(train_jointly(each, labels, 3, variants, SETTINGS))[-1] for each in (features, other)
    )
    np.testing.assert_array_equal(first[1], second[1])


def test_results_come_after_the_epochs_asked_for() -> None:
    features, labels = clouds(20)
    results = train_jointly(features, labels, 3, [Variant(np.ones(20, bool), 0)], SETTINGS, every=8)
    assert [epochs for epochs, *_ in results] == [8, 16, 20]


def test_training_that_diverges_is_told() -> None:
    features, labels = clouds(20)
    features[3] = np.nan
    with pytest.raises(TrainingError, match="training diverged"):
        list(train_jointly(features, labels, 3, [Variant(np.ones(20, bool), 0)], SETTINGS))


def test_the_number_of_cores_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = clouds(40)
    variants = [Variant(np.arange(40) % 5 != fold, 1e-3) for fold in range(5)]
    results = []
    for cores in (1, 8):
        monkeypatch.setattr("packager.pool.cores", lambda cores=cores: cores)
        results.append(list(train_jointly(features, labels, 3, variants, SETTINGS))[-1])
    for first, second in zip(*results, strict=True):
        np.testing.assert_array_equal(first, second)
