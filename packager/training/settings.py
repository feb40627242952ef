"""Settings of training: feature extraction, classification head, fine-tuning."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from packager.data.settings import is_place
from packager.errors import SettingsError
from packager.labels import label_problem
from packager.options import Option, any_path, demand_ranges, is_rate, is_share

ENGINES = ("local", "ray")
AUGMENTATIONS = ("none", "basic", "mixup", "randaugment")
DEFAULT_L2 = 0.01
FINE_TUNES = ("none", "tail", "full", "auto")
_SHARE = "from 0 up to 1, without 1"
_RATE = "above 0 and at most 1"


def check_seed(seed: int) -> None:
    """Raises `SettingsError` for a seed that a random generator can't take."""
    demand_ranges([("--seed", seed, 0 <= seed < 2**31, "from 0 to 2147483647")])


@dataclass(frozen=True)
class FeatureSettings:
    """How feature vectors are extracted.

    Attributes:
        engine: what runs the backbone over the photos: "local", or "ray" for a cluster.
    """

    engine: Annotated[
        str, Option("What extracts the features: 'local', or 'ray' for a cluster.", "--engine")
    ] = "local"

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise SettingsError(
                f"unknown engine {self.engine!r}",
                where="--engine",
                fix=f"Use {' or '.join(ENGINES)}.",
            )


@dataclass(frozen=True)
class HeadSettings:
    """How the classification head is trained; values are checked on construction.

    Attributes:
        epochs: maximum number of passes over all photos and views, 1 or more.
        batch_size: feature vectors per step, 1 or more.
        learning_rate: peak rate for Adam, with cosine decay to 0; constant rate for SGD.
        dropout: dropout rate, 0 up to (not including) 1.
        l2: weight of the squared kernel in the loss; None: chosen by cross-validation, or 0.01
            without it.
        label_smoothing: 0 up to (not including) 1.
        patience: training stops after this many epochs without a lower validation loss.
        optimizer: "adam" or "sgd"; momentum: for SGD, 0 up to (not including) 1.
        shuffle: whether the samples are shuffled in each epoch.
        steps_per_epoch: steps per epoch; the next epoch continues where the last one stopped.
            None: until every sample was seen.
        stop_after: the epoch to stop after and to keep, whatever the validation loss; the learning
            rate still decays over `epochs`. None: chosen by cross-validation, or the best epoch is
            kept.
        cross_validate: whether each photo is also evaluated by a head that was not trained on it.
        refit: whether the final head is trained on all photos, including those of validation and
            test.
    """

    epochs: Annotated[int, Option("Maximum number of epochs.", "--epochs")] = 60
    batch_size: Annotated[int, Option("Samples per training step.", "--batch-size")] = 32
    learning_rate: Annotated[float, Option("Peak learning rate (Adam).", "--learning-rate")] = 0.002
    dropout: Annotated[float, Option("Dropout rate.")] = 0.5
    l2: Annotated[
        float | None,
        Option(
            "Weight of the squared kernel in the loss.", usual="chosen by cross-validation",
            example=0.01,
        ),
    ] = None  # fmt: skip
    label_smoothing: Annotated[float, Option("Label smoothing.")] = 0.1
    patience: Annotated[
        int, Option("Epochs without a lower validation loss before training stops.")
    ] = 20
    optimizer: Annotated[str, Option("Optimizer: adam or sgd.")] = "adam"
    momentum: Annotated[float, Option("Momentum of sgd.")] = 0.9
    shuffle: Annotated[bool, Option("Shuffle the samples in each epoch.")] = True
    steps_per_epoch: Annotated[
        int | None, Option("Steps per epoch.", usual="until each sample was seen", example=100)
    ] = None
    stop_after: Annotated[
        int | None,
        Option("Epoch to stop after and to keep.", usual="chosen by cross-validation", example=20),
    ] = None
    cross_validate: Annotated[
        bool,
        Option(
            "Also evaluate each photo with a head that was not trained on it.", "--cross-validate"
        ),
    ] = True
    refit: Annotated[
        bool,
        Option(
            "Train the final head on all photos, and report the cross-validated accuracy.",
            "--refit",
        ),
    ] = False

    def __post_init__(self) -> None:
        steps, last, l2 = self.steps_per_epoch, self.stop_after, self.l2
        demand_ranges((
            ("--epochs", self.epochs, self.epochs >= 1, "1 or more"),
            ("--batch-size", self.batch_size, self.batch_size >= 1, "1 or more"),
            ("--learning-rate", self.learning_rate, is_rate(self.learning_rate), _RATE),
            ("dropout", self.dropout, is_share(self.dropout), _SHARE),
            ("l2", l2, l2 is None or (math.isfinite(l2) and l2 >= 0), "0 or more"),
            ("label smoothing", self.label_smoothing, is_share(self.label_smoothing), _SHARE),
            ("patience", self.patience, self.patience >= 1, "1 or more"),
            ("optimizer", self.optimizer, self.optimizer in ("adam", "sgd"), "adam or sgd"),
            ("momentum", self.momentum, is_share(self.momentum), _SHARE),
            ("steps per epoch", steps, steps is None or steps >= 1, "1 or more"),
            ("last epoch", last, last is None or 1 <= last <= self.epochs,
             "1 up to the number of epochs"),
        ))  # fmt: skip
        if self.refit and not self.cross_validate:
            raise SettingsError(
                "a head that is trained on all photos can only be evaluated by cross-validation",
                where="--refit",
                fix="Remove --no-cross-validate.",
            )


@dataclass(frozen=True)
class UnknownSettings:
    """A class for out-of-distribution photos; values are checked on construction.

    Attributes:
        enabled: whether the class is added.
        label: label of the class.
        keep: share of in-distribution photos that must not be classified as unknown, 0.5 up to
            (not including) 1.
        negatives: photos that belong to no class, in any folders, or any other source that
            `packager.data.source.scan_photos` takes. Half of them calibrate the class, the others
            measure it.
    """

    enabled: Annotated[
        bool,
        Option("Add a class for photos of none of the others (out-of-distribution).", "--unknown"),
    ] = False
    label: Annotated[str, Option("Label of the class that --unknown adds.", "--unknown-label")] = (
        "unknown"
    )
    keep: Annotated[
        float,
        Option("Share of your own photos that must not be called unknown.", "--unknown-keep"),
    ] = 0.95
    negatives: Annotated[
        str | Path | None,
        Option(
            "Photos of other things, for --unknown: half of them calibrate the class, the others "
            "measure it.",
            "--negatives", usual="none", example="other-things", is_path=is_place, metavar="DIR",
        ),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        if problem := label_problem(self.label):
            raise SettingsError(
                f"{self.label!r} can't be a label: it {problem}",
                where="--unknown-label",
                fix="Give a short text on one line.",
            )
        demand_ranges([
            ("--unknown-keep", self.keep, 0.5 <= self.keep < 1, "from 0.5 up to 1, without 1")
        ])  # fmt: skip
        for flag, value, usual in (
            ("--unknown-label", self.label, "unknown"), ("--unknown-keep", self.keep, 0.95),
            ("--negatives", self.negatives, None),
        ):  # fmt: skip
            if value != usual and not self.enabled:
                raise SettingsError(
                    "it only applies to the class that --unknown adds",
                    where=flag,
                    fix="Add --unknown.",
                )


@dataclass(frozen=True)
class FineTuneSettings:
    """Whether and how the backbone is fine-tuned; values are checked on construction.

    Attributes:
        mode: "none" (the backbone stays frozen), "tail" (its last stages, from cached features),
            "full" (all but its first stages, from photos) or "auto" ("none" or "tail", by trials
            on held-out photos).
        minutes: time limit of "auto", for trials and fine-tuning together, above 0.
        epochs: passes over the training photos, 1 or more.
        batch_size: photos per step, over all devices, 1 or more.
        learning_rate: AdamW's peak rate; linear warm-up over a tenth of the steps, then cosine
            decay.
        augment: "none", "basic", "mixup" or "randaugment"; None: "basic" for "full", and "none"
            for the others, which can have no other.
        all_stages: of "full", the share of the epochs in which all but the first stages are
            trained, above 0 and at most 1; later only the last stages are, as with "tail", unless
            the validation loss is significantly lower by then.
        weight_decay: AdamW's, for kernels only (Loshchilov & Hutter 2019, arXiv:1711.05101).
        dropout: dropout rate, 0 up to (not including) 1.
        label_smoothing: 0 up to (not including) 1.
        resume: whether to continue from the last checkpoint of the same run.
        log: a folder for losses and accuracies after each epoch, as CSV and for TensorBoard.
    """

    mode: Annotated[
        str,
        Option(
            "Part of the backbone to fine-tune: none, tail (its last stages), full, or auto "
            "(none or tail, by trials on held-out photos).",
            "--fine-tune",
        ),
    ] = "none"
    minutes: Annotated[
        float, Option("With --fine-tune auto: time limit in minutes.", "--minutes")
    ] = 10.0
    epochs: Annotated[int, Option("Number of fine-tuning epochs.", "--fine-tune-epochs")] = 15
    batch_size: Annotated[int, Option("Photos per step of fine-tuning.")] = 32
    learning_rate: Annotated[float, Option("Peak learning rate (AdamW).")] = 3e-4
    augment: Annotated[
        str | None,
        Option(
            "Augmentation for --fine-tune full: none, basic, mixup or randaugment.", "--augment",
            usual="basic",
            example="basic",
        ),
    ] = None  # fmt: skip
    all_stages: Annotated[
        float,
        Option(
            "With --fine-tune full: share of the epochs after which only the tail is trained, "
            "unless the validation loss is significantly lower by then."
        ),
    ] = 0.25
    weight_decay: Annotated[float, Option("Weight decay of the kernels (AdamW).")] = 0.01
    dropout: Annotated[float, Option("Dropout rate.")] = 0.5
    label_smoothing: Annotated[float, Option("Label smoothing.")] = 0.1
    resume: Annotated[
        bool, Option("Resume fine-tuning that was interrupted.", "--resume", kept=False)
    ] = False
    log: Annotated[
        str | Path | None,
        Option(
            "Folder for the curves of fine-tuning: a CSV file, and event files for TensorBoard.",
            "--log", usual="none", example="log", is_path=any_path, kept=False, metavar="DIR",
        ),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        if self.mode not in FINE_TUNES:
            raise SettingsError(
                f"unknown fine-tuning mode {self.mode!r}",
                where="--fine-tune",
                fix=f"Use one of: {', '.join(FINE_TUNES)}.",
            )
        if self.mode == "none":
            self._demand_untouched()
        if self.augmentation not in AUGMENTATIONS:
            raise SettingsError(
                f"unknown augmentation {self.augment!r}",
                where="--augment",
                fix=f"Use one of: {', '.join(AUGMENTATIONS)}.",
            )
        if self.minutes != FineTuneSettings.minutes and self.mode != "auto":
            raise SettingsError(
                "it only applies to --fine-tune auto",
                where="--minutes",
                fix="Add --fine-tune auto.",
            )
        if self.all_stages != FineTuneSettings.all_stages and self.mode != "full":
            raise SettingsError(
                "it only applies to --fine-tune full",
                where="all_stages",
                fix="Add --fine-tune full.",
            )
        if self.mode in ("tail", "auto") and self.augmentation != "none":
            raise SettingsError(
                f"{self.augment} can't be applied to cached features, which train the tail",
                where="--augment",
                fix="Use --fine-tune full, or leave --augment out.",
            )
        demand_ranges((
            ("--minutes", self.minutes, math.isfinite(self.minutes) and self.minutes > 0,
             "more than 0"),
            ("--fine-tune-epochs", self.epochs, self.epochs >= 1, "1 or more"),
            ("batch size", self.batch_size, self.batch_size >= 1, "1 or more"),
            ("learning rate", self.learning_rate, is_rate(self.learning_rate), _RATE),
            ("all_stages", self.all_stages, is_rate(self.all_stages), _RATE),
            ("weight decay", self.weight_decay,
             math.isfinite(self.weight_decay) and self.weight_decay >= 0, "0 or more"),
            ("dropout", self.dropout, is_share(self.dropout), _SHARE),
            ("label smoothing", self.label_smoothing, is_share(self.label_smoothing), _SHARE),
        ))  # fmt: skip

    @property
    def all_stages_epochs(self) -> int:
        """`all_stages`, in epochs."""
        return math.ceil(self.all_stages * self.epochs)

    @property
    def augmentation(self) -> str:
        """`augment`, or the default of the mode."""
        return self.augment or ("basic" if self.mode == "full" else "none")

    def _demand_untouched(self) -> None:
        flags = {
            "minutes": "--minutes",
            "epochs": "--fine-tune-epochs",
            "augment": "--augment",
            "resume": "--resume",
            "log": "--log",
        }
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default and (field.name, value) != ("augment", "none"):
                raise SettingsError(
                    "it only applies to fine-tuning, which is off",
                    where=flags.get(field.name, field.name),
                    fix="Add --fine-tune tail or --fine-tune full.",
                )
