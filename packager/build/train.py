"""Second step: trains a head for the frozen backbone, and optionally fine-tunes the backbone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager.build.photos import Photos
from packager.clock import Clock, SharedWork
from packager.errors import SettingsError
from packager.inference import Normalisation
from packager.progress import SILENT, Progress
from packager.specs import ModelSpec
from packager.training.settings import (
    FeatureSettings,
    FineTuneSettings,
    HeadSettings,
    UnknownSettings,
)

if TYPE_CHECKING:
    import numpy as np

    from packager.backbones.weights import Weights
    from packager.data.folder import Photo
    from packager.export.convert import ConvertedBackbone
    from packager.training.extraction import Extraction
    from packager.training.fine_tune import FineTuned
    from packager.training.fine_tune_choice import FineTuneChoice
    from packager.training.fitted_head import FittedHead
    from packager.training.frozen import FrozenFeatures
    from packager.training.head import Head


@dataclass(frozen=True)
class Trained:
    """The result of training.

    Attributes:
        spec: the model's, with the length of its feature vectors.
        backbone: a float .tflite from pixels to feature vectors; the fine-tuned one where there
            was fine-tuning.
        backbone_cached: whether an earlier build had converted it.
        weights: the backbone's pretrained weights; extraction: how the features were extracted.
        train: the training photos, without those that were lost meanwhile.
        fitted: the head with its accuracy and the calibration of its scores.
        labels: of the scores; with `fitted.rule` the last one is the added "unknown".
        refit: whether all photos were used for training, so that none are left for testing.
        fine_tuned: the result of fine-tuning, if there was any.
        fine_tune_choice: how it was chosen, with `--fine-tune auto`.
    """

    spec: ModelSpec
    backbone: bytes
    backbone_cached: bool
    weights: Weights
    extraction: Extraction
    train: tuple[Photo, ...]
    fitted: FittedHead
    labels: tuple[str, ...]
    refit: bool
    fine_tuned: FineTuned | None
    fine_tune_choice: FineTuneChoice | None = None

    @property
    def head(self) -> Head:
        """The head of the backbone."""
        return self.fitted.head

    @property
    def threshold(self) -> float | None:
        """The score below which a prediction is rejected; None with the class "unknown"."""
        return None if self.fitted.rule is not None else self.fitted.threshold

    @property
    def normalisation(self) -> Normalisation:
        """How pixels are normalised."""
        return Normalisation((self.spec.mean,), (self.spec.std,))


def train(
    spec: ModelSpec,
    weights: str | Path,
    photos: Photos,
    features: FeatureSettings,
    head: HeadSettings,
    fine_tuning: FineTuneSettings,
    unknown: UnknownSettings,
    calibrate: Callable[[bytes, Sequence[Photo]], Mapping[str, np.ndarray[Any, Any]]],
    *,
    negatives: Sequence[Photo] = (),
    seed: int,
    clock: Clock,
    progress: Progress = SILENT,
) -> Trained:
    """Trains on the photos' training part, or on all of them.

    Args:
        weights: "auto", "none" or a file, as `packager.backbones.weights.find_weights` takes it.
        calibrate: `packager.build.export.calibrate`, of the backbone and the photos to learn from;
            not called where the backbone is going to change.
        negatives: counter-examples that calibrate the class "unknown".
        seed: for everything random.

    Raises:
        WeightsError, DownloadError: the weights are not available.
        DataError: too many photos were lost since they were checked.
        SettingsError: a class has the label of the class "unknown".
        TrainingError: the loss is no longer finite.
    """
    labels = all_labels(photos.folder.classes, unknown)
    found, backbone, cached = _backbone(spec, weights, seed, clock, progress)
    split = photos.split
    known: Mapping[str, np.ndarray[Any, Any]] = {}
    if fine_tuning.mode == "none":
        everything = (*split.train, *split.validation, *split.test)
        known = calibrate(backbone.model, everything if head.refit else split.train)
    frozen = _features(spec, backbone, photos, negatives, features, known, clock, progress)
    classes = len(photos.folder.classes)
    trained = Trained(
        spec=replace(spec, feature_size=backbone.feature_size),  # a file's isn't known before
        backbone=backbone.model,
        backbone_cached=cached,
        weights=found,
        extraction=frozen.extraction,
        train=sum(frozen.parts[:3], ()) if head.refit else frozen.parts[0],
        fitted=_fitted(frozen, photos, head, unknown, seed, clock, progress),
        labels=labels,
        refit=head.refit,
        fine_tuned=None,
    )
    if fine_tuning.mode == "auto":
        choice = _chosen(
            trained, frozen, photos, features, head, fine_tuning, seed, clock, progress
        )  # fmt: skip
        trained = replace(trained, fine_tune_choice=choice)
        fine_tuning = replace(fine_tuning, mode=choice.mode, minutes=FineTuneSettings.minutes)
    if fine_tuning.mode == "none":
        return trained
    return _fine_tuned(
        trained, frozen.parts[1], classes, features, fine_tuning, seed, clock, progress
    )


def all_labels(classes: Sequence[str], unknown: UnknownSettings) -> tuple[str, ...]:
    """Labels of the scores. Raises `SettingsError` when a class has the added class's label."""
    if not unknown.enabled:
        return tuple(classes)
    if unknown.label.casefold() in (label.casefold() for label in classes):
        raise SettingsError(
            f"there is already a class with the label {unknown.label!r}",
            where="--unknown",
            fix="Give another --unknown-label, or leave out --unknown to train it as an ordinary "
            "class.",
        )
    return (*classes, unknown.label)


def _backbone(
    spec: ModelSpec, choice: str | Path, seed: int, clock: Clock, progress: Progress
) -> tuple[Weights, ConvertedBackbone, bool]:
    """With its weights, and whether it was in the cache."""
    from packager.backbones.weights import find_weights
    from packager.export.convert import cached_backbone, converted_backbone, needs_tensorflow

    with clock("weights"):
        weights = find_weights(spec, choice, progress=progress)
        backbone = cached_backbone(spec, weights, seed=seed)
    if backbone is not None:
        return weights, backbone, True
    if needs_tensorflow(spec):
        _load_tensorflow(clock, progress)
    with clock("backbone conversion"), progress.phase("Converting the backbone"):
        return weights, converted_backbone(spec, weights, seed=seed), False


def _features(
    spec: ModelSpec, backbone: ConvertedBackbone, photos: Photos, negatives: Sequence[Photo],
    settings: FeatureSettings, known: Mapping[str, np.ndarray[Any, Any]], clock: Clock,
    progress: Progress,
) -> FrozenFeatures:  # fmt: skip
    """Features of the training, validation and test photos, and of the counter-examples."""
    from packager.data.split import demand_each_class
    from packager.training.frozen import frozen_features

    folder, split = photos.folder, photos.split
    with clock("feature extraction"):
        frozen = frozen_features(
            backbone, spec, (split.train, split.validation, split.test, negatives),
            known=known, engine=settings.engine, progress=progress,
        )  # fmt: skip
    demand_each_class(frozen.parts[0], frozen.parts[1], folder.classes, folder.root)
    return frozen


def _fitted(
    frozen: FrozenFeatures, photos: Photos, settings: HeadSettings, unknown: UnknownSettings,
    seed: int, clock: Clock, progress: Progress,
) -> FittedHead:  # fmt: skip
    from packager.training.head_cache import cached_head

    with clock("head training"):
        return cached_head(
            frozen, len(photos.folder.classes), settings, unknown, photos.groups.of,
            seed=seed, progress=progress,
        )  # fmt: skip


def _chosen(
    trained: Trained, frozen: FrozenFeatures, photos: Photos, features: FeatureSettings,
    head: HeadSettings, settings: FineTuneSettings, seed: int, clock: Clock, progress: Progress,
) -> FineTuneChoice:  # fmt: skip
    from packager.training.fine_tune_choice import choose_fine_tuning

    judged = trained.fitted.out_of_fold
    if judged is not None:
        head = judged.validation.chosen(head)
    with clock("trials of fine-tuning"):
        choice = choose_fine_tuning(
            trained.spec, trained.weights, trained.backbone, frozen, len(photos.folder.classes),
            head, settings, photos.groups.of, seed=seed, engine=features.engine, progress=progress,
        )  # fmt: skip
    progress.say(f"--fine-tune auto: {choice.mode}: {choice.reason}.")
    return choice


def _fine_tuned(
    trained: Trained, validation: tuple[Photo, ...], classes: int, features: FeatureSettings,
    settings: FineTuneSettings, seed: int, clock: Clock, progress: Progress,
) -> Trained:  # fmt: skip
    from packager.training.fine_tune import fine_tune
    from packager.training.fitted_head import fit_tuned_head

    _load_tensorflow(clock, progress)
    with clock("fine-tuning"):
        tuned = fine_tune(
            trained.spec, trained.weights, trained.train, validation, classes,
            trained.fitted.trained, settings, seed=seed, engine=features.engine,
            progress=progress,
        )  # fmt: skip
        fitted = (  # where nothing was better, it is the head of the frozen backbone still
            fit_tuned_head(tuned.head, tuned.backbone, trained.spec, validation)
            if tuned.improved
            else trained.fitted
        )
    return replace(trained, backbone=tuned.backbone, fitted=fitted, fine_tuned=tuned)


_imports = SharedWork()  # done once a process, counted in each build


def _load_tensorflow(clock: Clock, progress: Progress) -> None:
    """Imports it in a separate phase, so that the time doesn't count for the next step."""
    if "import tensorflow" not in clock.seconds:
        _imports.once("tensorflow", clock, lambda: _import_tensorflow(clock, progress))


def _import_tensorflow(clock: Clock, progress: Progress) -> None:
    with clock("import tensorflow"), progress.phase("Loading TensorFlow"):
        import tensorflow  # noqa: F401
