"""The fixed stages of a backbone, within the samples that the rest is trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from packager.data.folder import Photo
from packager.training.features import Runner
from packager.training.memory import Kept

if TYPE_CHECKING:
    from packager.training.loop import Samples

Array = np.ndarray[Any, Any]


class Trunk:
    """A float .tflite that several threads share, each with an interpreter of its own."""

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._idle: list[Runner] = []

    def run(self, image: Array) -> Array:
        """Of float32 [height, width, 3], the maps: float32 [height, width, channels]."""
        try:
            runner = self._idle.pop()
        except IndexError:
            runner = Runner(self._model, 1)
        (maps,) = runner.run(image[None])
        self._idle.append(runner)
        return np.asarray(maps)


@dataclass(frozen=True)
class LaterSamples:
    """What another trunk makes of samples; it stays in memory as far as `Kept` allows.

    Attributes:
        again: the epochs whose samples are used by turns, in whatever epoch.
    """

    samples: Samples
    trunk: Trunk
    again: range
    _made: Kept[Array] = field(default_factory=lambda: Kept(lambda made: made.nbytes), init=False)

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
