"""Fine-tuning of the backbone, starting with the head that was trained on the frozen one."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import importlib.metadata
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packager import __version__
from packager.backbones.keras_layers import current_parameters
from packager.backbones.pretrained import build_backbone, described_backbone
from packager.backbones.weights import Weights
from packager.data.folder import Photo, warn_of_lost
from packager.errors import TrainingError
from packager.export.convert import ConvertedBackbone, convert, converted_backbone
from packager.export.operators import write_model
from packager.extras import require_extra
from packager.progress import SILENT, Progress
from packager.specs import ModelSpec
from packager.training import loop, tail
from packager.training.augmentation import PhotoSamples
from packager.training.checkpoints import Checkpoints
from packager.training.extraction import Extraction, extract_features
from packager.training.features import FeatureStore
from packager.training.head import Epoch, Head
from packager.training.later_samples import LaterSamples
from packager.training.settings import FineTuneSettings
from packager.training.trunk import Trunk

_VARIATIONS = 4  # of each photo, once the stages before the tail are fixed as well
_Parts = tuple[tuple[Photo, ...], tuple[Photo, ...]]


@dataclass(frozen=True)
class FineTuned:
    """The result of fine-tuning.

    Attributes:
        backbone: a float .tflite from pixels to feature vectors, as `ConvertedBackbone.model`.
        head: for it; its curves are those of the frozen backbone's head.
        network: the backbone as a `keras.Model` with the same weights; what was not trained is
            not trainable.
        share: how far the weights go from the frozen backbone to the last epoch, 0 to 1. With 0
            fine-tuning had no lower validation loss, and the frozen backbone and its head are what
            is returned.
        cut: the layer that the trunk ends with, which stays as it is; None when all was trained.
        later_cut: the layer up to which nothing was trained any more after `all_stages` of the
            epochs of "full"; None when all that was trained was so to the end.
        curves: of every epoch.
        validation: loss and accuracy over the validation photos at each share that was tried.
        settings: its settings.
        extraction: how the stored features of a tail's trunk were obtained; None without.
        checkpoints: their folder, of no more use once the result is kept.
        seconds: all of it.
    """

    backbone: bytes
    head: Head
    network: Any
    share: float
    cut: str | None
    later_cut: str | None
    curves: tuple[Epoch, ...]
    validation: Mapping[float, tuple[float, float]]
    settings: FineTuneSettings
    extraction: Extraction | None
    checkpoints: Path
    seconds: float

    @property
    def improved(self) -> bool:
        """Whether anything of it was kept."""
        return self.share > 0

    @property
    def start(self) -> tuple[float, float]:
        """Loss and accuracy over the validation photos before the first epoch."""
        return self.validation[0.0]


def fine_tune(
    spec: ModelSpec,
    weights: Weights,
    train: Sequence[Photo],
    validation: Sequence[Photo],
    classes: int,
    head: Head,
    settings: FineTuneSettings,
    *,
    seed: int = 0,
    devices: Sequence[str] = (),
    engine: str = "local",
    progress: Progress = SILENT,
) -> FineTuned:
    """Trains the backbone of `spec`, or its tail, together with the head.

    Both views are learnt from, by turns. The weights that are kept lie halfway between the frozen
    ones and the last epoch's, or at either end (`averaging.chosen_share`). The same arguments give
    the same weights, bit for bit, on the same machine and versions.

    Args:
        weights: what the backbone starts from; `head` was trained on it.
        train, validation: one or more each; labels are 0..classes-1.
        seed: of order, augmentation and dropout, and of random weights.
        devices: TensorFlow's names of the devices to train on, as "GPU:0"; empty: all GPUs, by
            `MirroredStrategy` when there are several, or the CPU without one.
        engine: what runs the trunk, as `extract_features` takes it.

    Raises:
        SettingsError: the backbone can't be split, or isn't a Keras model, or TensorFlow isn't
            installed.
        TrainingError: the loss stops being a number, no photo can be read any more, or the disk
            can't hold the trunk's features.
        OutputError: the log can't be written.
    """
    require_extra("tensorflow", "fine-tuning")
    begun = time.monotonic()
    with _reproducible(seed):
        strategy = _strategy(devices)
        with strategy.scope():
            network = build_backbone(spec, weights, seed=seed)
        if head.kernel.shape != (network.output_shape[-1], classes):
            raise TrainingError(
                f"the head is {head.kernel.shape}, not {(network.output_shape[-1], classes)}",
                fix="Train the head on this backbone's features and these classes.",
            )
        frozen = converted_backbone(spec, weights, seed=seed)
        parts: _Parts = tuple(train), tuple(validation)
        cut: tail.Cut | None = None
        extraction: Extraction | None = None
        last_stages: loop.LastStages | None = None
        samples: loop.Samples
        if settings.mode == "tail":
            cut = tail.cut_backbone(network)
            trunk = _converted_trunk(cut, spec, frozen, progress)
            store, extraction = _trunk_features(
                cut, spec, trunk, [*train, *validation], engine, progress
            )
            parts = _without(parts, {reject.path for reject in extraction.rejects})
            samples = tail.TrunkSamples(store, seed)
        else:
            if weights.path is not None or spec.source is not None:  # not random numbers
                cut = tail.cut_first_stages(network)
            first = None
            if cut is not None:
                first = Trunk(_converted_trunk(cut, spec, frozen, progress).model)
            samples, last_stages = _photo_samples(network, spec, cut, first, settings, seed)
        run = _run(spec, frozen, parts, head, settings, seed, strategy)
        checkpoints = Checkpoints({**run, "cut": cut.name if cut else None})
        outcome = loop.train(
            cut.tail if cut else network, head, parts, samples, settings, seed, checkpoints,
            strategy, last_stages=last_stages, progress=progress,
            phase=f"Fine-tuning the {'tail' if settings.mode == 'tail' else 'backbone'}",
        )  # fmt: skip
        if strategy.num_replicas_in_sync > 1:  # the same without the strategy's variables
            values, network = network.get_weights(), build_backbone(spec, weights)
            network.set_weights(values)
        loss = {share: f"{loss:.3f}" for share, (loss, _) in outcome.validation.items()}
        if outcome.share:
            with progress.phase("Converting the fine-tuned backbone"):
                backbone = _tuned_backbone(spec, weights, network)
            head = dataclasses.replace(head, kernel=outcome.kernel, bias=outcome.bias)
            way = "halfway to the last epoch" if outcome.share < 1 else "of the last epoch"
            progress.say(
                f"The weights {way} are kept: validation loss {loss[outcome.share]}, frozen "
                f"{loss[0.0]}."
            )
        else:
            backbone = frozen.model
            progress.say(
                "Fine-tuning had no lower validation loss than the frozen backbone "
                f"({loss[0.0]}), so that is kept."
            )
    return FineTuned(
        backbone, head, network, outcome.share, cut.name if cut else None,
        last_stages.cut if last_stages and outcome.only_last else None, outcome.curves,
        outcome.validation, settings, extraction, checkpoints.folder, time.monotonic() - begun,
    )  # fmt: skip


def _photo_samples(
    network: Any, spec: ModelSpec, cut: tail.Cut | None, first: Trunk | None,
    settings: FineTuneSettings, seed: int,
) -> tuple[PhotoSamples, loop.LastStages | None]:  # fmt: skip
    """What "full" reads, and what it may train in its later epochs, where that is less."""
    after = settings.all_stages_epochs
    last = None
    if cut is not None and after < settings.epochs:
        last = tail.cut_again(network, cut)
    if last is None:
        return PhotoSamples(spec, settings.augmentation, seed, first), None
    start = max(0, after - _VARIATIONS)
    again = range(start, start + _VARIATIONS)
    samples = PhotoSamples(spec, settings.augmentation, seed, first, kept=again)

    def later_samples() -> loop.Samples:
        return LaterSamples(samples, Trunk(convert(last.trunk)), again)

    return samples, loop.LastStages(last.name, after, last.tail, later_samples)


def _tuned_backbone(spec: ModelSpec, weights: Weights, network: Any) -> bytes:
    """As `ConvertedBackbone.model`; the converter is needed only where the architecture isn't
    described.
    """
    described = described_backbone(spec, weights)
    if described is None:
        return convert(network)
    parameters = current_parameters(network, described.parameters)
    return write_model(dataclasses.replace(described, parameters=parameters))


def _converted_trunk(
    cut: tail.Cut, spec: ModelSpec, frozen: ConvertedBackbone, progress: Progress
) -> ConvertedBackbone:
    with progress.phase("Converting the trunk"):
        return tail.converted_trunk(cut, spec, frozen.sha256)


def _trunk_features(
    cut: tail.Cut, spec: ModelSpec, trunk: ConvertedBackbone, photos: Sequence[Photo],
    engine: str, progress: Progress,
) -> tuple[FeatureStore, Extraction]:  # fmt: skip
    store = tail.trunk_store(cut, spec, trunk)
    tail.check_space(photos, store)
    extraction = extract_features(
        photos, spec, trunk.model, store, engine=engine, progress=progress
    )
    warn_of_lost(extraction.rejects, progress)
    return store, extraction


def _without(parts: _Parts, lost: Collection[Path]) -> _Parts:
    train, validation = (tuple(p for p in part if p.path not in lost) for part in parts)
    if not train or not validation:
        raise TrainingError(
            "no training or validation photo can be read any more",
            fix="The folder changed while it was in use: restore the photos and run it again.",
        )
    return train, validation


@contextlib.contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """TensorFlow's operators give the same bits each time, here, and are left as they were."""
    import tensorflow as tf
    from tensorflow.python.framework import config

    before = config.is_op_determinism_enabled()
    tf.config.experimental.enable_op_determinism()
    tf.random.set_seed(seed)  # the operators demand it, though none draws a number
    try:
        yield
    finally:
        if not before:
            config.disable_op_determinism()


def _strategy(devices: Sequence[str]) -> Any:
    import tensorflow as tf

    if not devices:
        devices = [device.name for device in tf.config.list_logical_devices("GPU")]
    if len(devices) > 1:
        return _mirrored(tuple(devices))
    return tf.distribute.OneDeviceStrategy(devices[0] if devices else "CPU:0")


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> Any:
    """One for the whole process: two would number their collective operations alike."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(devices))


def _run(
    spec: ModelSpec, frozen: ConvertedBackbone, parts: Sequence[Sequence[Photo]], head: Head,
    settings: FineTuneSettings, seed: int, strategy: Any,
) -> dict[str, Any]:  # fmt: skip
    """All that determines the result of a run."""
    packages = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "pillow", "ai-edge-litert")
    versions = {"packager": __version__}
    for name in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return {
        "spec": dataclasses.asdict(spec),
        "backbone": frozen.sha256,
        "photos": [[(photo.sha256, photo.label) for photo in photos] for photos in parts],
        "head": hashlib.sha256(head.kernel.tobytes() + head.bias.tobytes()).hexdigest(),
        "settings": dataclasses.asdict(dataclasses.replace(settings, resume=False, log=None)),
        "seed": seed,
        "devices": strategy.num_replicas_in_sync,
        "versions": versions,
    }
