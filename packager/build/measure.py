"""Evaluates models on the test photos, each model once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packager.build.photos import Photos
from packager.build.train import Trained
from packager.clock import Clock, SharedWork
from packager.progress import SILENT, Progress
from packager.report.wilson import wilson_interval

if TYPE_CHECKING:
    from packager.data.folder import Photo
    from packager.evaluation import Evaluation

_DRAWN = 12  # pictures of each of five things, to show to a model that knows none of them


@dataclass(frozen=True)
class Measured:
    """Evaluations of the model before quantization and of the exported one.

    Attributes:
        agreement: share of all photos, by view, on which both predict the same class; None where
            both were evaluated on held-out photos. With it, `plain` and `exported` are both the
            cross-validated evaluation.
    """

    plain: Evaluation
    exported: Evaluation
    agreement: Mapping[str, float] | None = None

    @property
    def drop(self) -> float:
        """Points of top-1 lost, in the view that lost more."""
        return worst_drop(self.plain, self.exported)


class HeldOutPhotos:
    """The photos that no step before has seen.

    Each model is measured on them once, also in several builds that are given the same `shared`.
    """

    def __init__(
        self,
        photos: Photos,
        trained: Trained,
        *,
        shared: SharedWork,
        clock: Clock,
        progress: Progress = SILENT,
    ) -> None:
        self._photos, self._trained = photos, trained
        self._shared, self._clock, self._progress = shared, clock, progress
        self._known: dict[bytes, Evaluation] = {}
        self._lost = {reject.path for reject in trained.extraction.rejects}  # told already

    def measure(self, plain: bytes, exported: bytes, quantization: str) -> Measured:
        """Evaluates both models.

        Raises `DataError` when no photo can be read any more.
        """
        return Measured(
            self._evaluated(plain, "float32"),
            self._evaluated(exported, quantization),
        )

    def _evaluated(self, model: bytes, name: str) -> Evaluation:
        digest = hashlib.sha256(model).digest()
        if digest not in self._known:
            test = tuple(photo.sha256 for photo in self._photos.split.test)
            self._known[digest] = self._shared.once(
                ("evaluation", digest, test), self._clock, lambda: self._evaluate(model, name)
            )
        return self._known[digest]

    def _evaluate(self, model: bytes, name: str) -> Evaluation:
        from packager.data.folder import warn_of_lost
        from packager.evaluation_cache import cached_evaluation

        split = self._photos.split
        with self._clock("evaluation"):
            measured = cached_evaluation(
                model, split.test, self._trained.labels, self._trained.normalisation,
                progress=self._progress, phase=f"Evaluating {name}",
            )  # fmt: skip
        new = [each for each in measured.rejects if each.path not in self._lost]
        warn_of_lost(new, self._progress)
        self._lost.update(each.path for each in new)
        return measured


def measure_refit(
    trained: Trained, exported: bytes, quantization: str, *, clock: Clock,
    progress: Progress = SILENT,
) -> Measured:  # fmt: skip
    """Evaluations of a model that was trained on all photos.

    The accuracy is that of cross-validation; the agreement is measured on the files.
    """
    from packager.evaluation import evaluation_of_scores
    from packager.evaluation_cache import cached_evaluation

    judged = trained.fitted.out_of_fold
    assert judged is not None  # without it there is no refit
    expected = evaluation_of_scores(judged.photos, judged.scores, trained.labels)
    with clock("evaluation"):
        measured = cached_evaluation(
            exported, judged.photos, trained.labels, trained.normalisation,
            progress=progress, phase=f"Comparing {quantization}",
        )  # fmt: skip
    place = {photo.path: number for number, photo in enumerate(judged.photos)}
    rows = [place[photo.path] for photo in measured.photos]
    agreement = {
        each.view: float((judged.shipped[rows, number] == each.predictions).mean())
        for number, each in enumerate(measured.views)
    }
    return Measured(expected, expected, agreement)


@dataclass(frozen=True)
class FalseAccepts:
    """The false accept rate on out-of-distribution pictures.

    Attributes:
        what: what the pictures show; photos: number of pictures.
        false_accept_rate: share of them, by view, that were classified as one of the classes.
        interval: its 95 % interval (Wilson), by view.
    """

    what: str
    photos: int
    false_accept_rate: Mapping[str, float]
    interval: Mapping[str, tuple[float, float]]

    @property
    def let_through(self) -> Mapping[str, float]:
        """Deprecated: the old name of `false_accept_rate`."""
        import warnings

        warnings.warn("let_through is now false_accept_rate", DeprecationWarning, stacklevel=2)
        return self.false_accept_rate


def measure_false_accepts(
    trained: Trained, exported: bytes, photos: Sequence[Photo], what: str, *, clock: Clock,
    progress: Progress = SILENT,
) -> FalseAccepts:  # fmt: skip
    """Runs the file on out-of-distribution photos."""
    from packager.data.folder import warn_of_lost
    from packager.evaluation_cache import cached_evaluation

    unknown = len(trained.labels) - 1
    with clock("evaluation"):
        measured = cached_evaluation(
            exported, [replace(photo, label=unknown) for photo in photos], trained.labels,
            trained.normalisation, progress=progress, phase="Evaluating other photos",
        )  # fmt: skip
    warn_of_lost(measured.rejects, progress)
    count, rates = len(measured.photos), {each.view: 1 - each.top1 for each in measured.views}
    intervals = {view: wilson_interval(round(rate * count), count) for view, rate in rates.items()}
    return FalseAccepts(what, count, rates, intervals)


def measure_negatives(
    trained: Trained, exported: bytes, held_out: Sequence[Photo], *, clock: Clock,
    progress: Progress = SILENT,
) -> FalseAccepts | None:  # fmt: skip
    """The held-out counter-examples; None without them."""
    if not held_out:
        return None
    return measure_false_accepts(
        trained, exported, held_out, "counter-examples", clock=clock, progress=progress
    )


def measure_drawings(
    trained: Trained, exported: bytes, data: str | Path, *, clock: Clock,
    progress: Progress = SILENT,
) -> FalseAccepts | None:  # fmt: skip
    """Drawn pictures, which need no download; None for a model that was trained on them."""
    from packager.data.demo import CLASSES, demo_photos
    from packager.data.folder import scan_folder

    if data == "demo":
        return None
    with clock("evaluation"):
        drawn = scan_folder(demo_photos(per_class=_DRAWN, progress=progress)).photos
    what = f"drawn pictures ({', '.join(CLASSES)})"
    return measure_false_accepts(trained, exported, drawn, what, clock=clock, progress=progress)


def worst_drop(plain: Evaluation, exported: Evaluation) -> float:
    """Points of top-1 lost, in the view that lost more."""
    from packager.evaluation import drop_points

    return max(drop_points(plain, exported).values())
