"""Gradient descent on a Keras network and its head together, resumable after any epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from packager import pool
from packager.data.folder import Photo, Reject, warn_of_lost
from packager.data.images import VIEWS
from packager.errors import DataError, TrainingError
from packager.progress import Phase, Progress
from packager.training.adamw import adamw
from packager.training.augmentation import mixup
from packager.training.averaging import SHARES, between, chosen_share, is_lower
from packager.training.checkpoints import Checkpoints, State
from packager.training.epoch_log import EpochLog
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
class LastStages:
    """What alone is trained in the later epochs, unless the first ones gained much.

    Attributes:
        cut: the last layer that isn't trained any more.
        after: that many epochs; if the validation loss is significantly lower by then
            (`averaging.is_lower`), the whole network is trained to the end.
        network: from the output of `cut` to feature vectors, with the layers of the whole network.
        samples: makes what it reads.
    """

    cut: str
    after: int
    network: Any
    samples: Callable[[], Samples]


@dataclass(frozen=True)
class Outcome:
    """The result of training; the network itself has the weights that were kept.

    Attributes:
        kernel, bias: of the head that was kept.
        curves: every epoch.
        share: how far the weights go from the start to the last epoch, 0 to 1.
        validation: loss and accuracy over the validation photos at each share that was tried.
        only_last: whether only `LastStages` were trained in the later epochs.
    """

    kernel: Array
    bias: Array
    curves: tuple[Epoch, ...]
    share: float
    validation: Mapping[float, tuple[float, float]]
    only_last: bool


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
    last_stages: LastStages | None = None,
    progress: Progress,
    phase: str,
) -> Outcome:
    """Trains `network` (from samples to feature vectors) and the head, which is where it starts.

    An epoch uses each training photo once. What is kept lies between the start and the last epoch,
    as `averaging.chosen_share` says. After each epoch a checkpoint is saved; with
    `settings.resume` training continues from the last complete one, to the same result, bit for bit
    on the same machine.

    Args:
        parts: the photos to train and to validate with.
        seed: of order, mixing and dropout.
        strategy: of `tf.distribute`, in whose scope `network` was made.
        last_stages: what may be enough to train in the later epochs; None: all of it is trained.

    Raises:
        TrainingError: the loss stops being a number, or no photo can be read any more.
        OutputError: the log can't be written.
    """
    photos, validation = parts
    steps = math.ceil(len(photos) / settings.batch_size)
    learner = _Learner(strategy, network, head, settings, steps)
    whole = _Trained(learner.traced(network), _Reader(samples, progress))
    classes = len(head.bias)
    labels = np.array([photo.label for photo in photos], np.int64)
    weights = len(photos) / (classes * np.maximum(np.bincount(labels, minlength=classes), 1))

    def validate(trained: _Trained) -> tuple[dict[Path, float], float]:
        """The loss of each photo, its views' mean; and the accuracy."""
        losses: dict[Path, float] = {}
        right, count = 0.0, 0
        for batch in _batches(trained.reader.views(validation), settings.batch_size):
            inputs = np.stack([each for each, _ in batch])
            truth = [photo.label for _, photo in batch]
            wanted = smooth_targets(truth, classes, settings.label_smoothing)
            batch_losses, batch_right = learner.measure(trained.graphs, inputs, wanted)
            for (_, photo), loss in zip(batch, batch_losses, strict=True):
                losses[photo.path] = losses.get(photo.path, 0.0) + float(loss) / len(VIEWS)
            right, count = right + batch_right, count + len(batch)
        if not count:
            raise _nothing_left("validate")
        return losses, right / count

    def train_epoch(
        trained: _Trained, epoch: int, under_way: Phase, note: str
    ) -> tuple[float, float]:
        loss, right, count = 0.0, 0.0, 0
        order = np.random.default_rng([seed, epoch]).permutation(len(photos))
        drawn = trained.reader.samples([photos[place] for place in order], epoch)
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
            batch_loss, batch_right = learner.step(
                trained.graphs, inputs, wanted, weights[truth], mask
            )
            loss, right, count = loss + batch_loss, right + batch_right, count + len(batch)
            under_way.advance(note=note)
        if not count:
            raise _nothing_left("train")
        return loss / count, right / count

    if not settings.resume:
        checkpoints.clear()
    start = learner.values()
    with (
        ThreadPoolExecutor(1) as writer,  # a checkpoint is written while the next epoch trains
        progress.phase(phase, settings.epochs * steps) as under_way,
    ):
        measured = {0.0: validate(whole)}
        curves, only_last = (
            _found(checkpoints, learner, progress) if settings.resume else ([], False)
        )
        log = None if settings.log is None else EpochLog(Path(settings.log), curves)
        under_way.advance(len(curves) * steps)
        written: Future[None] | None = None
        note = ""
        trained = whole
        while len(curves) < settings.epochs:
            epoch = len(curves)
            if last_stages is not None and only_last and trained is whole:
                graphs = learner.traced(last_stages.network)
                trained = _Trained(graphs, whole.reader.of(last_stages.samples()))
            loss, accuracy = train_epoch(trained, epoch, under_way, note)
            held, held_accuracy = validate(trained)
            now = Epoch(loss, accuracy, _mean(held), held_accuracy)
            if not math.isfinite(now.loss + now.validation_loss):
                raise TrainingError(
                    f"fine-tuning diverged: the loss became {now.loss}",
                    where="--fine-tune",
                    fix=f"Use a lower rate than {settings.learning_rate}.",
                )
            curves.append(now)
            if last_stages is not None and len(curves) == last_stages.after:
                only_last = not is_lower(*_of_same_photos([held, measured[0.0][0]]))
                if only_last:
                    progress.say(
                        f"After epoch {len(curves)} only the last stages are trained: validation "
                        f"loss {now.validation_loss:.3f}, frozen {_mean(measured[0.0][0]):.3f}."
                    )
            if written is not None:
                written.result()
            state = {**learner.state(), "curves": _rows(curves), "only_last": np.array(only_last)}
            written = writer.submit(checkpoints.save, epoch, state)
            if log is not None:
                log.write(curves)
            note = (
                f"epoch {epoch + 1}: loss {now.loss:.3f} accuracy {now.accuracy:.3f}, validation "
                f"{now.validation_loss:.3f} {now.validation_accuracy:.3f}"
            )
            under_way.advance(0, note)
        if written is not None:
            written.result()
    end = learner.values()
    for share in SHARES[1:]:
        learner.assign(between(start, end, share))
        measured[share] = validate(whole)
    compared = _of_same_photos([losses for losses, _ in measured.values()])
    share = chosen_share(dict(zip(measured, compared, strict=True)))
    kept = between(start, end, share)
    learner.assign(kept)
    kernel, bias = kept[-2:]
    validated = {share: (_mean(losses), right) for share, (losses, right) in measured.items()}
    return Outcome(kernel, bias, tuple(curves), share, validated, only_last)


def _of_same_photos(each: Sequence[Mapping[Path, float]]) -> list[Array]:
    """The losses of the photos that could be read each time."""
    left = set.intersection(*(set(losses) for losses in each))
    return [np.array([loss for path, loss in losses.items() if path in left]) for losses in each]


def _mean(losses: Mapping[Path, float]) -> float:
    return sum(losses.values()) / len(losses)


def _rows(curves: Sequence[Epoch]) -> Array:
    return np.array(
        [(e.loss, e.accuracy, e.validation_loss, e.validation_accuracy) for e in curves]
    )


def _found(
    checkpoints: Checkpoints, learner: _Learner, progress: Progress
) -> tuple[list[Epoch], bool]:
    """Of the last complete checkpoint, if any, the curves, and whether only the last stages are
    trained from then on; `learner` continues from it.
    """
    found = checkpoints.latest()
    if checkpoints.damaged:
        progress.warn(f"{checkpoints.damaged} damaged checkpoints were skipped.")
    if found is None:
        progress.say("This run has no checkpoint: training starts at the first epoch.")
        return [], False
    epoch, state = found
    progress.say(f"Resuming after epoch {epoch + 1}.")
    learner.restore(state)
    return [Epoch(*map(float, row)) for row in state["curves"]], bool(state["only_last"])


class _Graphs(NamedTuple):
    """Traced functions of a network and the head: a step of training, and one of validation."""

    descend: Any
    look: Any


class _Trained(NamedTuple):
    """What is trained at a time, and the samples for it."""

    graphs: _Graphs
    reader: _Reader


class _Learner:
    """The network, the head and the optimizer that moves both, on one device or several.

    TensorFlow traces one graph of what is trained, for any number of samples. With several devices
    every batch is filled up to one size with samples of no weight, so that each gets as many.
    """

    def __init__(
        self, strategy: Any, network: Any, head: Head, settings: FineTuneSettings, steps: int
    ) -> None:
        import keras

        self._strategy = strategy
        replicas = strategy.num_replicas_in_sync
        self._share = math.ceil(settings.batch_size / replicas)  # of a batch, on one device
        total = settings.epochs * steps
        warm_up = math.ceil(_WARM_UP * total)
        with strategy.scope():
            self._dense = dense = keras.layers.Dense(len(head.bias))
            dense.build((None, len(head.kernel)))
            dense.set_weights([head.kernel, head.bias])
            self._variables = [*network.trainable_variables, *dense.trainable_variables]
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, max(1, total - warm_up),
                warmup_target=settings.learning_rate, warmup_steps=warm_up,
            )  # fmt: skip
            self._optimizer = adamw(rate, settings.weight_decay)
            self._optimizer.build(self._variables)

    def traced(self, network: Any) -> _Graphs:
        """Of the network, or of its last stages, which alone are then trained by a step."""
        import tensorflow as tf

        strategy, dense = self._strategy, self._dense
        variables = [*network.trainable_variables, *dense.trainable_variables]
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
            self._optimizer.apply(tape.gradient(loss, variables), variables)
            return loss, tf.reduce_sum(right * present)

        def look(inputs: Any, targets: Any, present: Any) -> Any:
            entropy, right = losses(inputs, targets, tf.ones(()))
            return entropy, right * present

        def descend_everywhere(*values: Any) -> Any:
            each = strategy.run(descend, values)
            return [strategy.reduce("SUM", result, axis=None) for result in each]

        def look_everywhere(*values: Any) -> Any:
            return strategy.run(look, values)

        each = tf.TensorSpec([None])
        samples = tf.TensorSpec(network.inputs[0].shape)
        mask, targets = (tf.TensorSpec([None, count]) for count in dense.kernel.shape)

        def traced(run: Any, *signature: Any) -> Any:
            alone = strategy.num_replicas_in_sync == 1
            return tf.function(run, signature if alone else None, autograph=False)

        return _Graphs(
            traced(descend_everywhere, samples, targets, each, mask, each),
            traced(look_everywhere, samples, targets, each),
        )

    def step(
        self, graphs: _Graphs, inputs: Array, targets: Array, weights: Array, mask: Array
    ) -> tuple[float, int]:
        """One step down; the sum of the losses and how many samples were right before it."""
        count = len(inputs)
        weights = weights / count
        loss, right = graphs.descend(*self._spread(inputs, targets, weights, mask, np.ones(count)))
        return float(loss) * count, int(right)

    def measure(self, graphs: _Graphs, inputs: Array, targets: Array) -> tuple[Array, int]:
        """The loss of each sample, and how many are right."""
        values = graphs.look(*self._spread(inputs, targets, np.ones(len(inputs))))
        each = [self._strategy.experimental_local_results(value) for value in values]
        losses, right = (np.concatenate([np.array(part) for part in parts]) for parts in each)
        return losses[: len(inputs)].astype(np.float64), int(right.sum())

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
        """Each array for one device, or filled up with zeros and divided among several."""
        import tensorflow as tf

        replicas = self._strategy.num_replicas_in_sync
        if replicas == 1:
            return [tf.constant(value, tf.float32) for value in values]
        return [self._spread_one(value, self._share * replicas) for value in values]

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

    def of(self, source: Samples) -> _Reader:
        """One of other samples, which warns of no photo that this one warned of."""
        reader = _Reader(source, self._progress)
        reader._lost = self._lost
        return reader

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
