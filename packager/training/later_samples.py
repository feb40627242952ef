"""Samples for the last stages, once the stages before them aren't trained any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from packager.data.folder import Photo
from packager.training.loop import Samples
from packager.training.memory import Kept, kept_arrays
from packager.training.trunk import Trunk

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class LaterSamples:
    """What another trunk makes of samples; it stays in memory as far as `Kept` allows.

    Attributes:
        again: the epochs whose samples are used by turns, in whatever epoch.
    """

    samples: Samples
    trunk: Trunk
    again: range
    _made: Kept[Array] = field(default_factory=kept_arrays, init=False)

    def sample(self, photo: Photo, epoch: int) -> Array:
        """float32 [height, width, channels] for training."""
        turn = self.again[epoch % len(self.again)]

        def make() -> Array:
            return self.trunk.run(self.samples.sample(photo, turn))

        return self._made.get((photo.sha256, turn), make)

    def views(self, photo: Photo) -> Array:
        """float32 [len(VIEWS), height, width, channels], as clients see the photo."""

        def make() -> Array:
            return np.stack([self.trunk.run(each) for each in self.samples.views(photo)])

        return self._made.get(photo.sha256, make)
