"""Gradient descent on a Keras network and its head together, resumable after any epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from packager import pool
from packager.data.folder import Photo, Reject, warn_of_lost
from packager.errors import DataError, TrainingError
from packager.progress import Phase, Progress
from packager.training.augmentation import mixup
from packager.training.checkpoints import Checkpoints, State
from packager.training.folded import folded
from packager.training.head import Epoch, Head, smooth_targets

if TYPE_CHECKING:
    from packager.training.settings import FineTuneSettings

    Array = np.ndarray[Any, Any]

_WARM_UP = 0.1  # share of all steps in which the learning rate rises
_DROPOUT, _MIXUP = 1, 2  # name the streams of random numbers that a batch has


class Samples(Protocol):
    """Where what the network reads comes from; called from several threads."""

    def sample(self, photo: Photo, epoch: int) -> Array:
        """One sample for training, float32, the same for the same arguments."""

    def views(self, photo: Photo) -> Array:
        """The photo as clients see it, float32 [views, ...]."""


@dataclass(frozen=True)
class Outcome:
    """The result of training; the network itself has the weights of the best epoch.

    Attributes:
        kernel, bias: of the head in the best epoch.
        curves: every epoch that was run.
        start: loss and accuracy over the validation photos before training.
        best_epoch: the index of the one that was kept; None: none was better than the start.
    """

    kernel: Array
    bias: Array
    curves: tuple[Epoch, ...]
    start: tuple[float, float]
    best_epoch: int | None


def train(
    network: Any,
    head: Head,
    parts: tuple[Sequence[Photo], Sequence[Photo]],
    samples: Samples,
    settings: FineTuneSettings,
    seed: int,
    checkpoints: Checkpoints,
    strategy: Any,
    *,
    progress: Progress,
    phase: str,
) -> Outcome:
    """Trains `network` (from samples to feature vectors) and the head, which is where it starts.

    An epoch uses each training photo once. After each a checkpoint is saved; with
    `settings.resume` training goes on from the last whole one, to the same result, bit for bit
    on the same machine.

    Args:
        parts: the photos to train and to validate with.
        seed: of order, mixing and dropout.
        strategy: of `tf.distribute`, in whose scope `network` was made.

    Raises:
        TrainingError: the loss stops being a number, or no photo can be read any more.
    """
    photos, validation = parts
    steps = math.ceil(len(photos) / settings.batch_size)
    learner = _Learner(strategy, network, head, settings, steps)
    reader = _Reader(samples, progress)
    classes = len(head.bias)
    labels = np.array([photo.label for photo in photos], np.int64)
    weights = len(photos) / (classes * np.maximum(np.bincount(labels, minlength=classes), 1))

    def validate() -> tuple[float, float]:
        loss, right, count = 0.0, 0.0, 0
        for batch in _batches(reader.views(validation), settings.batch_size):
            inputs = np.stack([each for each, _ in batch])
            truth = [photo.label for _, photo in batch]
            wanted = smooth_targets(truth, classes, settings.label_smoothing)
            batch_loss, batch_right = learner.measure(inputs, wanted)
            loss, right, count = loss + batch_loss, right + batch_right, count + len(batch)
        if not count:
            raise _nothing_left("validate")
        return loss / count, right / count

    def train_epoch(epoch: int, under_way: Phase, note: str) -> tuple[float, float]:
        loss, right, count = 0.0, 0.0, 0
        order = np.random.default_rng([seed, epoch]).permutation(len(photos))
        drawn = reader.samples([photos[place] for place in order], epoch)
        for step, batch in enumerate(_batches(drawn, settings.batch_size)):
            inputs = np.stack([each for each, _ in batch])
            truth = np.array([photo.label for _, photo in batch])
            wanted = smooth_targets(truth, classes, settings.label_smoothing)
            if settings.augmentation == "mixup":
                random = np.random.default_rng([seed, epoch, step, _MIXUP])
                inputs, wanted = mixup(inputs, wanted, random)
            random = np.random.default_rng([seed, epoch, step, _DROPOUT])
            kept = random.random((len(batch), len(head.kernel)), np.float32) >= settings.dropout
            mask = kept / np.float32(1 - settings.dropout)
            batch_loss, batch_right = learner.step(inputs, wanted, weights[truth], mask)
            loss, right, count = loss + batch_loss, right + batch_right, count + len(batch)
            under_way.advance(note=note)
        if not count:
            raise _nothing_left("train")
        return loss / count, right / count

    if not settings.resume:
        checkpoints.clear()
    record = _Record.found(checkpoints, learner, progress) if settings.resume else None
    record = record or _Record(learner.values(), [], validate(), None)
    with progress.phase(phase, settings.epochs * steps) as under_way:
        under_way.advance(len(record.curves) * steps)
        note = ""
        while len(record.curves) < settings.epochs and record.since_best < settings.patience:
            epoch = len(record.curves)
            now = Epoch(*train_epoch(epoch, under_way, note), *validate())
            if not math.isfinite(now.loss + now.validation_loss):
                raise TrainingError(
                    f"fine-tuning diverged: the loss became {now.loss}",
                    where="--fine-tune",
                    fix=f"Use a lower rate than {settings.learning_rate}.",
                )
            record.add(now, learner)
            checkpoints.save(epoch, {**learner.state(), **record.state()})
            note = (
                f"epoch {epoch + 1}: loss {now.loss:.3f} accuracy {now.accuracy:.3f}, validation "
                f"{now.validation_loss:.3f} {now.validation_accuracy:.3f}"
            )
            under_way.advance(0, note)
    learner.assign(record.best)
    kernel, bias = record.best[-2:]
    return Outcome(kernel, bias, tuple(record.curves), record.start, record.best_epoch)


@dataclass
class _Record:
    """What training has come to so far.

    Attributes:
        best: the values of all trained variables, the head's kernel and bias last.
    """

    best: list[Array]
    curves: list[Epoch]
    start: tuple[float, float]
    best_epoch: int | None

    @property
    def since_best(self) -> int:
        """Epochs since the best one."""
        return len(self.curves) - (0 if self.best_epoch is None else self.best_epoch + 1)

    def add(self, epoch: Epoch, learner: _Learner) -> None:
        bar = self.start[0]
        if self.best_epoch is not None:
            bar = self.curves[self.best_epoch].validation_loss
        if epoch.validation_loss < bar:
            self.best, self.best_epoch = learner.values(), len(self.curves)
        self.curves.append(epoch)

    def state(self) -> State:
        rows = [(e.loss, e.accuracy, e.validation_loss, e.validation_accuracy) for e in self.curves]
        best_epoch = -1 if self.best_epoch is None else self.best_epoch
        return {
            "curves": np.array(rows), "start": np.array(self.start),
            "best_epoch": np.array(best_epoch),
            **_numbered("best", self.best),
        }  # fmt: skip

    @staticmethod
    def found(checkpoints: Checkpoints, learner: _Learner, progress: Progress) -> _Record | None:
        """From the last whole checkpoint, which `learner` goes on from too; None without one."""
        found = checkpoints.latest()
        if checkpoints.damaged:
            progress.warn(f"{checkpoints.damaged} damaged checkpoints were skipped.")
        if found is None:
            progress.say("This run has no checkpoint: training starts at the first epoch.")
            return None
        epoch, state = found
        progress.say(f"Resuming after epoch {epoch + 1}.")
        learner.restore(state)
        best = _of_prefix("best", state)
        curves = [Epoch(*map(float, row)) for row in state["curves"]]
        loss, accuracy = map(float, state["start"])
        best_epoch = int(state["best_epoch"])
        return _Record(best, curves, (loss, accuracy), None if best_epoch < 0 else best_epoch)


class _Learner:
    """The network, the head and the optimizer that moves both, on one device or several.

    Every batch is filled up to one size with samples of no weight, so that TensorFlow traces one
    graph only, and every device gets as many.
    """

    def __init__(
        self, strategy: Any, network: Any, head: Head, settings: FineTuneSettings, steps: int
    ) -> None:
        import keras
        import tensorflow as tf

        self._strategy = strategy
        replicas = strategy.num_replicas_in_sync
        self._share = math.ceil(settings.batch_size / replicas)  # of a batch, on one device
        total = settings.epochs * steps
        warm_up = math.ceil(_WARM_UP * total)
        with strategy.scope():
            dense = keras.layers.Dense(len(head.bias))
            dense.build((None, len(head.kernel)))
            dense.set_weights([head.kernel, head.bias])
            self._variables = [*network.trainable_variables, *dense.trainable_variables]
            self._optimizer = keras.optimizers.AdamW(
                keras.optimizers.schedules.CosineDecay(
                    0.0, max(1, total - warm_up),
                    warmup_target=settings.learning_rate, warmup_steps=warm_up,
                ),
                weight_decay=settings.weight_decay,
            )  # fmt: skip
            # Decay is for kernels: a bias, or BatchNorm's scale, has no reason to be small.
            plain = [variable for variable in self._variables if len(variable.shape) < 2]
            self._optimizer.exclude_from_weight_decay(var_list=plain)
            self._optimizer.build(self._variables)

        # BatchNorm's statistics stay ImageNet's, which a batch of few photos can't better, and
        # which the exported file will use.
        features = folded(network)

        def losses(inputs: Any, targets: Any, mask: Any) -> tuple[Any, Any]:
            logits = dense(features(inputs) * mask)
            right = tf.equal(tf.argmax(logits, 1), tf.argmax(targets, 1))
            entropy = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            return entropy, tf.cast(right, tf.float32)

        def descend(inputs: Any, targets: Any, weights: Any, mask: Any, present: Any) -> Any:
            with tf.GradientTape() as tape:
                entropy, right = losses(inputs, targets, mask)
                loss = tf.reduce_sum(entropy * weights)
            # The optimizer sums gradients over the devices.
            self._optimizer.apply(tape.gradient(loss, self._variables), self._variables)
            return loss, tf.reduce_sum(right * present)

        def look(inputs: Any, targets: Any, present: Any) -> Any:
            entropy, right = losses(inputs, targets, tf.ones(()))
            return tf.reduce_sum(entropy * present), tf.reduce_sum(right * present)

        def everywhere(function: Any) -> Any:
            def run(*values: Any) -> Any:
                each = strategy.run(function, values)
                return [strategy.reduce("SUM", result, axis=None) for result in each]

            return tf.function(run)

        self._descend, self._look = everywhere(descend), everywhere(look)

    def step(self, inputs: Array, targets: Array, weights: Array, mask: Array) -> tuple[float, int]:
        """One step down; the sum of the losses and how many samples were right before it."""
        count = len(inputs)
        weights = weights / count
        loss, right = self._descend(*self._spread(inputs, targets, weights, mask, np.ones(count)))
        return float(loss) * count, int(right)

    def measure(self, inputs: Array, targets: Array) -> tuple[float, int]:
        """The sum of the losses, and how many are right."""
        loss, right = self._look(*self._spread(inputs, targets, np.ones(len(inputs))))
        return float(loss), int(right)

    def values(self) -> list[Array]:
        """Of all trained variables, the head's last."""
        return [np.array(variable) for variable in self._variables]

    def assign(self, values: Iterable[Array]) -> None:
        """Sets all trained variables."""
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)

    def state(self) -> State:
        """All that the next step depends on."""
        moments = [np.array(variable) for variable in self._optimizer.variables]
        return {**_numbered("value", self.values()), **_numbered("moment", moments)}

    def restore(self, state: State) -> None:
        """Sets what `state` gave."""
        self.assign(_of_prefix("value", state))
        moments = _of_prefix("moment", state)
        for variable, value in zip(self._optimizer.variables, moments, strict=True):
            variable.assign(value)

    def _spread(self, *values: Array) -> list[Any]:
        """Each array filled up with zeros and divided among the devices."""
        size = self._share * self._strategy.num_replicas_in_sync
        return [self._spread_one(value, size) for value in values]

    def _spread_one(self, value: Array, size: int) -> Any:
        import tensorflow as tf

        full = np.zeros((size, *value.shape[1:]), np.float32)
        full[: len(value)] = value

        def part(context: Any) -> Any:
            start = context.replica_id_in_sync_group * self._share
            return tf.constant(full[start : start + self._share])

        return self._strategy.experimental_distribute_values_from_function(part)


class _Reader:
    """Samples made by all cores while the network trains; photos that can't be read are skipped."""

    def __init__(self, source: Samples, progress: Progress) -> None:
        self._source, self._progress = source, progress
        self._lost: set[Path] = set()

    def samples(self, photos: Sequence[Photo], epoch: int) -> Iterator[tuple[Array, Photo]]:
        return self._each(photos, lambda photo: [self._source.sample(photo, epoch)])

    def views(self, photos: Sequence[Photo]) -> Iterator[tuple[Array, Photo]]:
        return self._each(photos, self._source.views)

    def _each(self, photos: Sequence[Photo], make: Any) -> Iterator[tuple[Array, Photo]]:
        def work(_: None, photo: Photo) -> Any:
            try:
                return make(photo)
            except DataError as error:
                return error

        results = pool.each(lambda: None, work, photos)
        for photo, result in zip(photos, results, strict=True):
            if not isinstance(result, DataError):
                yield from ((each, photo) for each in result)
            elif photo.path not in self._lost:
                self._lost.add(photo.path)
                warn_of_lost([Reject(photo.path, result.what)], self._progress)


def _batches(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while batch := list(islice(items, size)):
        yield batch


def _numbered(prefix: str, values: Iterable[Array]) -> State:
    return {f"{prefix}/{place:05d}": value for place, value in enumerate(values)}


def _of_prefix(prefix: str, state: State) -> list[Array]:
    return [state[name] for name in sorted(state) if name.startswith(f"{prefix}/")]


def _nothing_left(purpose: str) -> TrainingError:
    return TrainingError(
        f"none of the photos to {purpose} with can be read any more",
        where="--data",
        fix="Don't move the photos while packager runs.",
    )
