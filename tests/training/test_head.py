from __future__ import annotations

import numpy as np
import pytest

from packager.errors import SettingsError, TrainingError
from packager.training.head import smooth_targets, train_head, untrained_head
from packager.training.settings import HeadSettings
from tests.conftest import Heard

Samples = tuple[np.ndarray, np.ndarray]


def clouds(counts: list[int], seed: int, spread: float = 0.6) -> Samples:
    """Photos of two views around one centre a class, in 8 dimensions."""
    centres = np.random.default_rng(9).normal(0, 1, (len(counts), 8))
    labels = np.repeat(np.arange(len(counts)), counts)
    noise = np.random.default_rng(seed).normal(0, spread, (len(labels), 2, 8))
    return (centres[labels][:, None] + noise).astype(np.float32), labels.astype(np.int64)


def accuracy(head: object, samples: Samples) -> float:
    features, labels = samples
    scores = features @ head.kernel + head.bias  # type: ignore[attr-defined]
    return float((scores.argmax(-1) == labels[:, None]).mean())


@pytest.mark.slow
def test_head_learns_to_tell_classes_apart() -> None:
    head = train_head(
        clouds([60] * 3, 0), clouds([20] * 3, 1), 3, HeadSettings(epochs=20, learning_rate=0.03)
    )
    assert head.kernel.shape == (8, 3)
    assert head.kernel.dtype == np.float32
    assert accuracy(head, clouds([200] * 3, 2)) > 0.9


@pytest.mark.slow
def test_same_seed_gives_the_same_head_bit_for_bit() -> None:
    train, validation = clouds([30] * 3, 0), clouds([10] * 3, 1)
    settings = HeadSettings(epochs=4)
    one, two = (train_head(train, validation, 3, settings, seed=7) for _ in range(2))
    other = train_head(train, validation, 3, settings, seed=8)
    assert one.kernel.tobytes() == two.kernel.tobytes()
    assert one.bias.tobytes() == two.bias.tobytes()
    assert one.curves == two.curves
    assert one.kernel.tobytes() != other.kernel.tobytes()


@pytest.mark.slow
def test_best_epoch_is_kept_and_training_stops_early() -> None:
    train = clouds([12] * 2, 0, spread=3.0)
    validation = clouds([40] * 2, 1, spread=3.0)
    settings = HeadSettings(epochs=60, learning_rate=0.1, patience=3, l2=0, label_smoothing=0)
    head = train_head(train, validation, 2, settings)
    losses = [epoch.validation_loss for epoch in head.curves]
    assert head.best_epoch == int(np.argmin(losses))
    assert len(head.curves) == head.best_epoch + 1 + settings.patience
    features, labels = validation
    logits = (features @ head.kernel + head.bias).astype(np.float64)
    shares = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    loss = -shares[np.arange(len(labels)), :, labels].mean()
    assert loss == pytest.approx(losses[head.best_epoch], abs=1e-4)


@pytest.mark.slow
def test_rare_classes_are_not_given_up() -> None:
    train, validation = clouds([300, 12], 0, 1.0), clouds([30, 30], 1, 1.0)
    head = train_head(train, validation, 2, HeadSettings(epochs=15, learning_rate=0.03))
    features, labels = clouds([200, 200], 2, 1.0)
    guesses = (features @ head.kernel + head.bias).argmax(-1)
    assert 0.35 < guesses.mean() < 0.65
    assert labels.mean() == 0.5


@pytest.mark.slow
def test_progress_tells_each_epoch(heard: Heard) -> None:
    train_head(clouds([10] * 2, 0), clouds([5] * 2, 1), 2, HeadSettings(epochs=3), progress=heard)
    assert heard.phases == ["Training the head"]
    assert (heard.steps, heard.total) == (3, 3)


@pytest.mark.slow
def test_divergence_is_an_error() -> None:
    features, labels = clouds([10] * 2, 0)
    features[0, 0, 0] = np.inf
    with pytest.raises(TrainingError, match="training diverged.*lower rate"):
        train_head((features, labels), clouds([5] * 2, 1), 2, HeadSettings(epochs=2))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"epochs": 0}, "--epochs: 0 is out of range. Use 1 or more"),
        ({"batch_size": 0}, "--batch-size: 0 is out of range"),
        ({"learning_rate": 0.0}, "--learning-rate: 0.0 is out of range. Use above 0"),
        ({"learning_rate": float("nan")}, "--learning-rate: nan is out of range"),
        ({"dropout": 1.0}, "dropout: 1.0 is out of range"),
        ({"label_smoothing": 1.0}, "label smoothing: 1.0 is out of range"),
        ({"l2": -0.1}, "l2: -0.1 is out of range"),
        ({"patience": 0}, "patience: 0 is out of range"),
        ({"optimizer": "rmsprop"}, "optimizer: rmsprop is out of range. Use adam or sgd"),
        ({"momentum": 1.0}, "momentum: 1.0 is out of range"),
        ({"steps_per_epoch": 0}, "steps per epoch: 0 is out of range"),
    ],
)
def test_settings_out_of_range_are_refused(bad: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace(".", r"\.")):
        HeadSettings(**bad)  # type: ignore[arg-type]


@pytest.mark.slow
def test_momentum_is_that_of_keras() -> None:
    import keras

    features, labels = clouds([6] * 3, 0)
    settings = HeadSettings(
        epochs=3, batch_size=12, learning_rate=0.1, momentum=0.8, dropout=0, l2=0,
        label_smoothing=0, optimizer="sgd", shuffle=False,
    )  # fmt: skip
    ours = train_head((features, labels), None, 3, settings, seed=4)
    start = untrained_head(8, 3, seed=4)
    dense = keras.layers.Dense(3, activation="softmax")
    model = keras.Sequential([keras.Input((8,)), dense])
    dense.set_weights([start.kernel, start.bias])
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.8), keras.losses.SparseCategoricalCrossentropy()
    )
    flat, repeated = features.reshape(-1, 8), np.repeat(labels, 2)
    model.fit(flat, repeated, batch_size=12, epochs=3, shuffle=False, verbose=0)
    np.testing.assert_allclose(ours.kernel, dense.get_weights()[0], atol=1e-5)
    np.testing.assert_allclose(ours.bias, dense.get_weights()[1], atol=1e-5)


def test_steps_per_epoch_go_on_where_the_last_epoch_stopped() -> None:
    train = clouds([8] * 2, 0)  # 32 samples
    settings = {"batch_size": 8, "optimizer": "sgd", "dropout": 0.0}
    whole = train_head(train, None, 2, HeadSettings(epochs=2, **settings))
    halves = train_head(train, None, 2, HeadSettings(epochs=4, steps_per_epoch=2, **settings))
    assert len(halves.curves) == 4
    assert halves.kernel.tobytes() == whole.kernel.tobytes()


def test_without_validation_the_last_epoch_is_kept() -> None:
    head = train_head(clouds([8] * 2, 0), None, 2, HeadSettings(epochs=3))
    assert head.best_epoch == 2
    assert all(np.isnan(epoch.validation_loss) for epoch in head.curves)


def test_smoothed_targets_are_shares_of_a_whole() -> None:
    targets = smooth_targets([2, 0], 4, 0.2)
    assert targets.dtype == np.float32
    assert targets[0] == pytest.approx([0.05, 0.05, 0.85, 0.05])
    assert targets.sum(1) == pytest.approx([1, 1])
