"""How good a model is: over the photos kept for testing, each model once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packager.build.photos import Photos
from packager.clock import Clock, SharedWork
from packager.inference import Normalisation
from packager.progress import SILENT, Progress

if TYPE_CHECKING:
    from packager.evaluation import Evaluation


@dataclass(frozen=True)
class Measured:
    """Of the model before quantization, and of the one that is exported."""

    plain: Evaluation
    exported: Evaluation

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
        normalisation: Normalisation,
        *,
        shared: SharedWork,
        clock: Clock,
        progress: Progress = SILENT,
    ) -> None:
        self._photos, self._normalisation = photos, normalisation
        self._shared, self._clock, self._progress = shared, clock, progress
        self._known: dict[bytes, Evaluation] = {}
        self._lost: set[Path] = set()

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

        folder, split = self._photos.folder, self._photos.split
        with self._clock("evaluation"):
            measured = cached_evaluation(
                model, split.test, folder.classes, self._normalisation,
                progress=self._progress, phase=f"Evaluating {name}",
            )  # fmt: skip
        new = [each for each in measured.rejects if each.path not in self._lost]
        warn_of_lost(new, self._progress)
        self._lost.update(each.path for each in new)
        return measured


def worst_drop(plain: Evaluation, exported: Evaluation) -> float:
    """Points of top-1 lost, in the view that lost more."""
    from packager.evaluation import drop_points

    return max(drop_points(plain, exported).values())
