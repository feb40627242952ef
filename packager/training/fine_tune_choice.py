"""Whether the tail of a backbone is worth fine-tuning: tried on photos that are held out.

The photos of the training and validation part are divided into ten folds. A trial trains on seven
of them, validates on one and compares the frozen backbone with the tuned one on the other two,
photo by photo. Up to five trials judge each photo once. The tail is fine-tuned if the sign test
(McNemar's exact test, of photos) finds it better. The test photos have no part in it.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from packager import pool
from packager.backbones.weights import Weights
from packager.data.folder import Photo, Reject
from packager.errors import SettingsError
from packager.extras import has_extra
from packager.progress import SILENT, Progress
from packager.specs import ModelSpec
from packager.training.cross_validation import assign_folds
from packager.training.features import Extractor
from packager.training.frozen import FrozenFeatures
from packager.training.head import Head, train_head
from packager.training.settings import FineTuneSettings, HeadSettings

Array = np.ndarray[Any, Any]

FOLDS = 10
TRIALS = 5  # each judges two folds
MOST_PHOTOS = 1000  # in the trials: fewer than there are understate what fine-tuning gains
FEWEST_PHOTOS = 40
LEVEL = 0.05  # of the test, over all trials together
_LEVEL_OF_A_LOOK = LEVEL / TRIALS  # at the trials so far (Bonferroni)
_PROBED = 4  # photos that are timed
_TRUNK_VIEWS, _EPOCH_VIEWS = 4, 0.7  # of the frozen backbone, that take as long as a photo's part
_INSTALL = 'pip install "tflite-packager[tensorflow]" would allow a trial'


@dataclass(frozen=True)
class Trial:
    """The frozen backbone and its fine-tuned tail on photos that neither learned from.

    Attributes:
        photos: how many were judged.
        frozen, tuned: accuracy over both views, 0..1.
        better, worse: photos on which the tuned one is right in more views, and in fewer.
        seconds: of the trial.
    """

    photos: int
    frozen: float
    tuned: float
    better: int
    worse: int
    seconds: float


@dataclass(frozen=True)
class FineTuneChoice:
    """What was chosen and why.

    Attributes:
        mode: "none" or "tail".
        reason: a sentence for the user, without its full stop.
        photos: how many were judged by a frozen backbone's head; wrong: of them, in a view or both.
        trials: in their order; none where it was clear without.
        p_value: of the trials together, one-sided; 1.0 without trials.
        seconds: of all trials.
    """

    mode: str
    reason: str
    photos: int
    wrong: int
    trials: tuple[Trial, ...]
    p_value: float
    seconds: float


def choose_fine_tuning(
    spec: ModelSpec,
    weights: Weights,
    backbone: bytes,
    frozen: FrozenFeatures,
    classes: int,
    head: HeadSettings,
    settings: FineTuneSettings,
    groups: Mapping[str, str],
    *,
    seed: int = 0,
    engine: str = "local",
    progress: Progress = SILENT,
) -> FineTuneChoice:
    """Chooses "none" or "tail" within `settings.minutes`, trials and the fine-tuning itself.

    Args:
        backbone: the frozen one, a float .tflite.
        frozen: its features of the training and the validation part, and maybe more.
        head: settings of the frozen backbone's head, chosen already.
        groups: by a photo's SHA-256, its group of near duplicates: none is divided between folds.

    Raises what `fine_tune` raises, except that a backbone that can't be cut in two stays frozen.
    """
    limit = _Limit(settings.minutes, time.monotonic())
    data = _sample(frozen, seed)
    named = [groups.get(photo.sha256, photo.sha256) for photo in data.photos]
    fold = assign_folds(data.labels, named, FOLDS, seed=seed)
    plans = [
        plan
        for trial in range(TRIALS)
        if (plan := _Plan.of(data, fold, trial, classes, head, seed)) is not None
    ]
    wrong = sum(int(np.sum(plan.frozen_right < plan.views)) for plan in plans)
    judged = sum(len(plan.judged) for plan in plans)
    every = len(frozen.parts[0]) + len(frozen.parts[1])
    tail = replace(settings, mode="tail", minutes=FineTuneSettings.minutes, resume=False, log=None)
    trials: list[Trial] = []

    def decide() -> tuple[str, str]:
        known = f"the frozen backbone is wrong on {wrong} of {judged} held-out photos"
        if len(data.labels) < FEWEST_PHOTOS or len(plans) < TRIALS:
            return "none", f"{len(data.labels)} photos are too few to evaluate fine-tuning"
        if 2**-wrong > _LEVEL_OF_A_LOOK:
            return "none", f"{known}, too few to show a gain from fine-tuning"
        if not has_extra("tensorflow"):
            return "none", f"{known}, and TensorFlow is not installed: {_INSTALL}"
        guess = _seconds_of_a_photo(spec, backbone, data.photos, settings.epochs)
        if (needed := guess * (len(plans[0].train) + every)) > limit.left:
            need = limit.minutes_for(needed)
            return (
                "none",
                f"{known}, but one trial and the fine-tuning take about {need} minutes: "
                f"--minutes {need} would allow it",
            )
        for plan in plans:
            trials.append(plan.run(spec, weights, tail, classes, seed, engine, progress))
            told, last = _told(trials), trials[-1].seconds
            whole = last * every / len(plan.train + plan.validation)  # of the fine-tuning itself
            if p_value(trials) <= _LEVEL_OF_A_LOOK:
                if whole <= limit.left:
                    return "tail", f"it gains: {told}"
                need = limit.minutes_for(whole)
                return (
                    "none",
                    f"it would gain ({told}), but takes about {need} minutes: --minutes {need}",
                )
            if sum(each.better - each.worse for each in trials) <= 0:
                return "none", f"it gains nothing: {told}"
            if last + whole > limit.left:
                break
        also = "" if len(trials) == TRIALS else f", as many as {settings.minutes:g} minutes allow"
        return "none", f"the gain isn't significant: {told}{also}"

    try:
        mode, reason = decide()
    except SettingsError as error:  # a backbone that can't be cut in two
        mode, reason = "none", f"{error.what}, so the backbone stays frozen"
    return FineTuneChoice(
        mode, reason, judged, wrong, tuple(trials), p_value(trials),
        sum(trial.seconds for trial in trials),
    )  # fmt: skip


def p_value(trials: Sequence[Trial]) -> float:
    """How likely so many better photos, or more, are if fine-tuning changes nothing."""
    better, worse = sum(each.better for each in trials), sum(each.worse for each in trials)
    changed = better + worse
    return float(
        sum(math.comb(changed, count) for count in range(better, changed + 1)) / 2**changed
    )


def _seconds_of_a_photo(
    spec: ModelSpec, backbone: bytes, photos: Sequence[Photo], epochs: int
) -> float:
    """A rough guess of what fine-tuning a tail takes for each photo, from the frozen backbone."""
    extractor = Extractor(spec, backbone, mirrored=False)
    extractor.extract(photos[0].path, photos[0].sha256)  # the first is slower
    begun = time.monotonic()
    for photo in photos[:_PROBED]:
        extractor.extract(photo.path, photo.sha256)
    view = (time.monotonic() - begun) / _PROBED / 2
    return view * (_TRUNK_VIEWS + _EPOCH_VIEWS * epochs)


def _told(trials: Sequence[Trial]) -> str:
    photos = sum(each.photos for each in trials)
    frozen, tuned = (
        100 * sum(getattr(each, name) * each.photos for each in trials) / photos
        for name in ("frozen", "tuned")
    )
    better, worse = sum(each.better for each in trials), sum(each.worse for each in trials)
    return (
        f"{frozen:.1f} % frozen and {tuned:.1f} % with a fine-tuned tail on {photos} held-out "
        f"photos, {better} better and {worse} worse, p = {p_value(trials):.2g}"
    )


@dataclass(frozen=True)
class _Limit:
    """So many minutes from a time of the monotonic clock on."""

    minutes: float
    begun: float

    @property
    def left(self) -> float:
        """Seconds."""
        return 60 * self.minutes - (time.monotonic() - self.begun)

    def minutes_for(self, more: float) -> int:
        """The limit that allows so many seconds more than have passed."""
        return math.ceil(self.minutes + (more - self.left) / 60)


@dataclass(frozen=True)
class _Data:
    """Photos, their features [photos, views, width] and labels [photos]."""

    photos: tuple[Photo, ...]
    features: Array
    labels: Array


def _sample(frozen: FrozenFeatures, seed: int) -> _Data:
    """Of the training and validation part, `MOST_PHOTOS` at most."""
    photos = [*frozen.parts[0], *frozen.parts[1]]
    chosen = np.sort(np.random.default_rng(seed).permutation(len(photos))[:MOST_PHOTOS])
    first = len(frozen.parts[0])
    both = [
        (np.asarray(features[places]), labels[places])
        for part, places in ((0, chosen[chosen < first]), (1, chosen[chosen >= first] - first))
        for features, labels in [frozen.load(part)]
    ]
    features, labels = (np.concatenate(each) for each in zip(*both, strict=True))
    return _Data(
        tuple(photos[place] for place in chosen),
        features[:, list(frozen.store.judged)],
        labels.astype(np.int64),
    )


@dataclass(frozen=True)
class _Plan:
    """A trial before anything is fine-tuned.

    Attributes:
        train, validation, judged: the photos of each part.
        head: of the frozen backbone, from the photos of `train`.
        frozen_right: views of each judged photo that it gets right; views: how many there are.
    """

    train: tuple[Photo, ...]
    validation: tuple[Photo, ...]
    judged: tuple[Photo, ...]
    head: Head
    frozen_right: Array
    views: int

    @staticmethod
    def of(
        data: _Data, fold: Array, trial: int, classes: int, settings: HeadSettings, seed: int
    ) -> _Plan | None:
        """None where a part has no photos, or no photo of a class to learn from."""
        judged = (fold == 2 * trial) | (fold == 2 * trial + 1)
        validation = fold == (2 * trial + 2) % FOLDS
        train = ~judged & ~validation
        if not judged.any() or not validation.any():
            return None
        if len(np.unique(data.labels[train])) < classes:
            return None
        head = train_head(
            (data.features[train], data.labels[train]),
            (data.features[validation], data.labels[validation]),
            classes, settings, seed=seed,
        )  # fmt: skip
        logits = data.features[judged] @ head.kernel + head.bias
        right = (logits.argmax(-1) == data.labels[judged][:, None]).sum(1)
        train_photos, validation_photos, judged_photos = (
            tuple(data.photos[place] for place in np.flatnonzero(part))
            for part in (train, validation, judged)
        )
        return _Plan(
            train_photos, validation_photos, judged_photos, head, right, logits.shape[1]
        )  # fmt: skip

    def run(
        self, spec: ModelSpec, weights: Weights, settings: FineTuneSettings, classes: int,
        seed: int, engine: str, progress: Progress,
    ) -> Trial:  # fmt: skip
        """Fine-tunes the tail and compares."""
        from packager.training.fine_tune import fine_tune

        begun = time.monotonic()
        tuned = fine_tune(
            spec, weights, self.train, self.validation, classes, self.head,
            settings, seed=seed, engine=engine, progress=progress,
        )  # fmt: skip
        shutil.rmtree(tuned.checkpoints, ignore_errors=True)
        if tuned.improved:
            right, kept = _right_views(spec, tuned.backbone, tuned.head, self.judged)
        else:
            right, kept = self.frozen_right, np.ones(len(self.judged), bool)
        before = self.frozen_right[kept]
        return Trial(
            len(right), float(before.mean()) / self.views, float(right.mean()) / self.views,
            int((right > before).sum()), int((right < before).sum()), time.monotonic() - begun,
        )  # fmt: skip


def _right_views(
    spec: ModelSpec, backbone: bytes, head: Head, photos: Sequence[Photo]
) -> tuple[Array, Array]:
    """Views of each readable photo that are right, and which photos are readable."""
    extracted = list(
        pool.each(
            lambda: Extractor(spec, backbone, mirrored=False),
            lambda extractor, photo: extractor.extract(photo.path, photo.sha256),
            photos,
        )
    )
    kept = np.array([not isinstance(vectors, Reject) for vectors in extracted])
    vectors = np.stack([each for each in extracted if not isinstance(each, Reject)])
    labels = np.array([photo.label for photo in photos])[kept]
    right = ((vectors @ head.kernel + head.bias).argmax(-1) == labels[:, None]).sum(1)
    return right, kept
