"""The fixed stages of a backbone, within the samples that the rest is trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

from packager.training.features import Runner

Array = np.ndarray[Any, Any]


class Trunk:
    """A float .tflite that several threads share, each with an interpreter of its own."""

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._idle: list[Runner] = []

    def run(self, image: Array) -> Array:
        """Of a photo or maps the maps, both float32 [height, width, channels]."""
        try:
            runner = self._idle.pop()
        except IndexError:
            runner = Runner(self._model, 1)
        (maps,) = runner.run(image[None])
        self._idle.append(runner)
        return np.asarray(maps)
