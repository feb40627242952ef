"""How training is done: features, head, fine-tuning."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from packager.data.settings import is_place
from packager.errors import SettingsError
from packager.labels import label_problem
from packager.options import Option, demand_ranges, is_rate, is_share

ENGINES = ("local", "ray")
AUGMENTATIONS = ("none", "basic", "mixup", "randaugment")
DEFAULT_L2 = 0.01
FINE_TUNES = ("none", "tail", "full")
_SHARE = "from 0 up to 1, without 1"
_RATE = "above 0 and at most 1"


def check_seed(seed: int) -> None:
    """Raises `SettingsError` for what no generator takes."""
    demand_ranges([("--seed", seed, 0 <= seed < 2**31, "from 0 to 2147483647")])


@dataclass(frozen=True)
class FeatureSettings:
    """How feature vectors are obtained.

    Attributes:
        engine: what runs the backbone over the photos: "local", or "ray" for a cluster.
    """

    engine: Annotated[
        str, Option("What extracts the features: local, or ray for a cluster.", "--engine")
    ] = "local"

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise SettingsError(
                f"there is no engine {self.engine!r}",
                where="--engine",
                fix=f"Use {' or '.join(ENGINES)}.",
            )


@dataclass(frozen=True)
class HeadSettings:
    """How the head is trained; checked when they are made.

    Attributes:
        epochs: at most so many passes over all photos and views, 1 or more.
        batch_size: feature vectors a step, 1 or more.
        learning_rate: Adam's peak, which falls to nothing along a cosine; SGD's rate, constant.
        dropout: share of features left out at each step, 0 up to (not including) 1.
        l2: weight of the squared kernel in the loss; None: chosen by cross-validation, 0.01 where
            there is none.
        label_smoothing: 0 up to (not including) 1.
        patience: epochs without a better validation loss after which training ends.
        optimizer: "adam" or "sgd"; momentum: of SGD, 0 up to (not including) 1.
        shuffle: False takes the samples in their own order, the same in each epoch.
        steps_per_epoch: steps until an epoch ends, the next one going on where it stopped; None:
            until every sample was seen.
        stop_after: the epoch to end with and to keep, whatever the validation loss; the learning
            rate falls as `epochs` says. None: chosen by cross-validation, or the best is kept.
        cross_validate: whether each photo is also judged by a head that has not seen it.
        refit: whether the head that ships learns from all photos, those of validation and test too.
    """

    epochs: Annotated[int, Option("At most so many epochs.", "--epochs")] = 60
    batch_size: Annotated[int, Option("Samples a training step.", "--batch-size")] = 32
    learning_rate: Annotated[float, Option("Adam's highest rate.", "--learning-rate")] = 0.002
    dropout: Annotated[float, Option("Share of features left out at each step.")] = 0.5
    l2: Annotated[
        float | None,
        Option(
            "Weight of the squared kernel in the loss.", usual="chosen by cross-validation",
            example=0.01,
        ),
    ] = None  # fmt: skip
    label_smoothing: Annotated[float, Option("Share of each label given to all classes.")] = 0.1
    patience: Annotated[int, Option("Epochs without a better validation loss that are enough.")] = (
        20
    )
    optimizer: Annotated[str, Option("adam or sgd.")] = "adam"
    momentum: Annotated[float, Option("Of sgd.")] = 0.9
    shuffle: Annotated[bool, Option("Mix the samples anew in each epoch.")] = True
    steps_per_epoch: Annotated[
        int | None, Option("Steps an epoch.", usual="until each sample was seen", example=100)
    ] = None
    stop_after: Annotated[
        int | None,
        Option(
            "The epoch to end with and to keep.", usual="chosen by cross-validation", example=20
        ),
    ] = None
    cross_validate: Annotated[
        bool, Option("Judge each photo by a head that has not seen it.", "--cross-validate")
    ] = True
    refit: Annotated[
        bool,
        Option("Learn from all photos; the accuracy is that of cross-validation.", "--refit"),
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
                "a head that learns from all photos can be judged by cross-validation alone",
                where="--refit",
                fix="Leave --no-cross-validate out.",
            )


@dataclass(frozen=True)
class UnknownSettings:
    """A class for what is like none of the others; checked when they are made.

    Attributes:
        enabled: whether there is one.
        label: of it.
        keep: share of one's own photos that must stay known, 0.5 up to (not including) 1.
        negatives: counter-examples: photos of nothing that there is a class of, in any folders, or
            whatever else `packager.data.source.scan_photos` takes. Half of them make the class
            sharper, the others measure it.
    """

    enabled: Annotated[
        bool, Option("Add a class for what is like none of the others.", "--unknown")
    ] = False
    label: Annotated[str, Option("The label of that class.", "--unknown-label")] = "unknown"
    keep: Annotated[
        float, Option("Share of your own photos that must stay known.", "--unknown-keep")
    ] = 0.95
    negatives: Annotated[
        str | Path | None,
        Option(
            "Photos of other things: half of them sharpen that class, the others measure it.",
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
                    "this is of the class that --unknown adds", where=flag, fix="Add --unknown."
                )


@dataclass(frozen=True)
class FineTuneSettings:
    """How the backbone is trained, if it is; checked when they are made.

    Attributes:
        mode: "none" (the backbone stays frozen), "tail" (its last stages, from cached features)
            or "full" (all of it, from photos).
        epochs: at most so many passes over the training photos, 1 or more.
        batch_size: photos a step, over all devices, 1 or more.
        learning_rate: AdamW's peak; it rises for a tenth of the steps and falls along a cosine.
        augment: "none", "basic", "mixup" or "randaugment"; None: "basic" for "full", and "none"
            for the others, which can have no other.
        weight_decay: AdamW's, of kernels only (Loshchilov & Hutter 2019, arXiv:1711.05101).
        dropout: share of features left out at each step, 0 up to (not including) 1.
        label_smoothing: 0 up to (not including) 1.
        patience: epochs without a better validation loss after which training ends.
        resume: go on from the last checkpoint of the same run.
    """

    mode: Annotated[
        str,
        Option("The backbone: none (stays frozen), tail (its last stages) or full.", "--fine-tune"),
    ] = "none"
    epochs: Annotated[
        int, Option("At most so many epochs of fine-tuning.", "--fine-tune-epochs")
    ] = 15
    batch_size: Annotated[int, Option("Photos a step of fine-tuning.")] = 32
    learning_rate: Annotated[float, Option("AdamW's highest rate.")] = 1e-4
    augment: Annotated[
        str | None,
        Option(
            "For full: none, basic, mixup or randaugment.", "--augment", usual="basic",
            example="basic",
        ),
    ] = None  # fmt: skip
    weight_decay: Annotated[float, Option("AdamW's, of kernels.")] = 0.01
    dropout: Annotated[float, Option("Share of features left out at each step.")] = 0.5
    label_smoothing: Annotated[float, Option("Share of each label given to all classes.")] = 0.1
    patience: Annotated[int, Option("Epochs without a better validation loss that are enough.")] = 8
    resume: Annotated[
        bool, Option("Go on with fine-tuning that was interrupted.", "--resume", kept=False)
    ] = False

    def __post_init__(self) -> None:
        if self.mode not in FINE_TUNES:
            raise SettingsError(
                f"there is no fine-tuning called {self.mode!r}",
                where="--fine-tune",
                fix=f"Use one of: {', '.join(FINE_TUNES)}.",
            )
        if self.mode == "none":
            self._demand_untouched()
        if self.augmentation not in AUGMENTATIONS:
            raise SettingsError(
                f"there is no augmentation called {self.augment!r}",
                where="--augment",
                fix=f"Use one of: {', '.join(AUGMENTATIONS)}.",
            )
        if self.mode == "tail" and self.augmentation != "none":
            raise SettingsError(
                f"{self.augment} can't be applied to the cached features that a tail learns from",
                where="--augment",
                fix="Use --fine-tune full, or leave --augment out.",
            )
        demand_ranges((
            ("--fine-tune-epochs", self.epochs, self.epochs >= 1, "1 or more"),
            ("batch size", self.batch_size, self.batch_size >= 1, "1 or more"),
            ("learning rate", self.learning_rate, is_rate(self.learning_rate), _RATE),
            ("weight decay", self.weight_decay,
             math.isfinite(self.weight_decay) and self.weight_decay >= 0, "0 or more"),
            ("dropout", self.dropout, is_share(self.dropout), _SHARE),
            ("label smoothing", self.label_smoothing, is_share(self.label_smoothing), _SHARE),
            ("patience", self.patience, self.patience >= 1, "1 or more"),
        ))  # fmt: skip

    @property
    def augmentation(self) -> str:
        """`augment`, or what is usual."""
        return self.augment or ("basic" if self.mode == "full" else "none")

    def _demand_untouched(self) -> None:
        flags = {"epochs": "--fine-tune-epochs", "augment": "--augment", "resume": "--resume"}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default and (field.name, value) != ("augment", "none"):
                raise SettingsError(
                    "only fine-tuning uses this, and none was asked for",
                    where=flags.get(field.name, field.name),
                    fix="Add --fine-tune tail or --fine-tune full.",
                )
