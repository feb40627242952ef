"""The head: a softmax layer trained on feature vectors.

A linear layer on frozen features is the transfer learning of Donahue et al. 2014 (DeCAF,
arXiv:1310.1531); label smoothing follows Szegedy et al. 2016 (arXiv:1512.00567).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from packager.errors import SettingsError, TrainingError
from packager.progress import SILENT, Progress


@dataclass(frozen=True)
class HeadSettings:
    """How the head is trained.

    Attributes:
        epochs: at most so many passes over all photos and views, 1 or more.
        batch_size: feature vectors a step, 1 or more.
        learning_rate: Adam's peak; it falls to nothing along a cosine.
        dropout: share of features left out at each step, 0 up to (not including) 1.
        l2: weight of the squared kernel in the loss.
        label_smoothing: 0 up to (not including) 1.
        patience: epochs without a better validation loss after which training ends.
        seed: of the initial kernel, the order and the dropout.
    """

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 0.002
    dropout: float = 0.2
    l2: float = 1e-4
    label_smoothing: float = 0.1
    patience: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for flag, value, good, rule in (
            ("--epochs", self.epochs, self.epochs >= 1, "1 or more"),
            ("--batch-size", self.batch_size, self.batch_size >= 1, "1 or more"),
            (
                "--learning-rate",
                self.learning_rate,
                math.isfinite(self.learning_rate) and 0 < self.learning_rate <= 1,
                "above 0 and at most 1",
            ),
            ("dropout", self.dropout, 0 <= self.dropout < 1, "from 0 up to 1, without 1"),
            ("l2", self.l2, self.l2 >= 0, "0 or more"),
            (
                "label smoothing",
                self.label_smoothing,
                0 <= self.label_smoothing < 1,
                "from 0 up to 1, without 1",
            ),
            ("patience", self.patience, self.patience >= 1, "1 or more"),
            ("--seed", self.seed, 0 <= self.seed < 2**31, "from 0 to 2147483647"),
        ):
            if not good:
                raise SettingsError(f"{value} is out of range", where=flag, fix=f"Use {rule}.")


@dataclass(frozen=True)
class Epoch:
    """One row of the training curves: losses in nats, accuracies 0..1."""

    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Head:
    """A trained head.

    Attributes:
        kernel: float32 [feature_size, classes]; bias: float32 [classes].
        curves: every epoch that was run; best_epoch: the index of the one that was kept.
    """

    kernel: np.ndarray[Any, Any]
    bias: np.ndarray[Any, Any]
    curves: tuple[Epoch, ...]
    best_epoch: int


def train_head(
    train: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
    validation: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
    classes: int,
    settings: HeadSettings,
    *,
    progress: Progress = SILENT,
) -> Head:
    """Trains dropout, dense and softmax on features float32 [photos, views, feature_size].

    Every view is a sample of its own; labels are int64 [photos], 0..classes-1. The epoch with
    the lowest validation loss is kept. The same arguments give the same head, bit for bit.
    """
    import keras
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    batches, held_back = _batches(train, classes, settings), _batches(validation, classes, None)
    inputs = keras.Input((train[0].shape[2],))
    hidden = keras.layers.Dropout(settings.dropout, seed=settings.seed)(inputs)
    dense = keras.layers.Dense(
        classes,
        kernel_initializer=keras.initializers.GlorotUniform(seed=settings.seed),
        kernel_regularizer=keras.regularizers.L2(settings.l2),
    )
    model = keras.Model(inputs, dense(hidden))
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate, decay_steps=len(batches) * settings.epochs
    )
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=settings.label_smoothing
        ),
        weighted_metrics=["accuracy"],
    )
    stopping = keras.callbacks.EarlyStopping(
        "val_loss", patience=settings.patience, restore_best_weights=True
    )
    with progress.phase("Training the head", settings.epochs) as phase:

        def tell(_: int, logs: dict[str, float]) -> None:
            phase.advance(
                note=f"loss {logs['loss']:.3f}, accuracy {logs['accuracy']:.3f}, validation "
                f"loss {logs['val_loss']:.3f}, accuracy {logs['val_accuracy']:.3f}"
            )

        history = model.fit(
            batches,
            validation_data=held_back,
            epochs=settings.epochs,
            verbose=0,
            callbacks=[stopping, keras.callbacks.LambdaCallback(on_epoch_end=tell)],
        ).history
    curves = tuple(
        Epoch(*row)
        for row in zip(
            history["loss"],
            history["accuracy"],
            history["val_loss"],
            history["val_accuracy"],
            strict=True,
        )
    )
    kernel, bias = dense.get_weights()
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
        raise TrainingError(
            f"training diverged: the loss became {curves[-1].loss}",
            where="--learning-rate",
            fix=f"Use a lower rate than {settings.learning_rate}.",
        )
    return Head(kernel, bias, curves, int(np.argmin([epoch.validation_loss for epoch in curves])))


def _batches(
    samples: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
    classes: int,
    training: HeadSettings | None,
) -> Any:
    """Batches (features, one-hot labels, weights): shuffled and weighted when for training."""
    import keras

    features, labels = samples
    photos, views, width = features.shape
    targets = np.eye(classes, dtype=np.float32)[labels]
    weights = _class_weights(labels, classes) if training else np.ones(classes, np.float32)
    random = np.random.default_rng(training.seed) if training else None
    size = training.batch_size if training else 1024

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.order = np.arange(photos * views)
            self.on_epoch_end()

        def __len__(self) -> int:
            return math.ceil(photos * views / size)

        def __getitem__(self, step: int) -> tuple[np.ndarray[Any, Any], ...]:
            photo, side = np.divmod(self.order[step * size : (step + 1) * size], views)
            rows = features[photo, side].reshape(-1, width)
            return rows, targets[photo], weights[labels[photo]]

        def on_epoch_end(self) -> None:
            if random is not None:
                self.order = random.permutation(photos * views)

    return Batches()


def _class_weights(labels: np.ndarray[Any, Any], classes: int) -> np.ndarray[Any, Any]:
    """float32 [classes], mean 1 over the photos: rare classes count for more."""
    counts = np.bincount(labels, minlength=classes)
    return (len(labels) / (classes * np.maximum(counts, 1))).astype(np.float32)
