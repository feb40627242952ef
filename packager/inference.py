"""Runs a .tflite image classifier on pixels, as Android clients do."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from packager.classifier_interface import (
    ClassifierInterface,
    ModelTensor,
    Size,
    check_operators,
    classifier_interface,
    fix_size,
)
from packager.errors import MetadataError, ModelFileError
from packager.metadata.container import open_model


@dataclass(frozen=True)
class Normalisation:
    """A pixel value x of 0..255 enters a float model as (x - mean) / std, per channel or one."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


class Classifier:
    """One interpreter, for one thread.

    A uint8 model is fed the pixels as they are, as MediaPipe and the Task Library do; an int8 or
    float32 model is fed normalised values, quantized with the input's scale and zero point.

    Raises `ModelFileError` when the file isn't a single-input RGB image classifier of a fixed
    input size or LiteRT can't run it, and `MetadataError` when it needs a normalisation and none
    is known.

    Attributes:
        size: height and width of the input, pixels.
        classes: how many scores it gives.
        logits: whether the model's own numbers are logits, whose softmax `scores` gives. Asked
            of the model itself where neither its last operator nor its output's scale tells: its
            scores for three drawn pictures have to lie in 0..1 and add up to 1.
        meaning: what `scores` gives: "probabilities" (they add up to 1), "softmax of logits" (they
            do too) or "sigmoid" (each class for itself).
    """

    def __init__(
        self,
        model: bytes,
        normalisation: Normalisation | None = None,
        *,
        where: str | Path | None = None,
        threads: int = 1,
        logits: bool | None = None,
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._where = where
        file = replace(
            open_model(model, unpack=False), where=None if where is None else Path(where)
        )
        interface = classifier_interface(file)
        check_operators(file)
        model, self.size = fix_size(file, model, interface)
        self._image, self._output = interface.image, interface.scores
        self.classes = interface.classes
        check_normalisation(interface, normalisation, where)
        self._table = entry_table(self._image, normalisation) if normalisation else None
        with self._running():
            self._interpreter = Interpreter(model_content=model, num_threads=threads)
            self._interpreter.allocate_tensors()
        self.logits = False
        if logits is None:
            logits = not interface.activation and not self._adds_up()
        self.logits = logits
        self.meaning = "probabilities"
        if logits or interface.activation == "sigmoid":
            self.meaning = "softmax of logits" if logits else "sigmoid"

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, RuntimeError, MemoryError, SystemError, TypeError) as error:
            said = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ModelFileError(
                f"LiteRT can't run this model ({said[:200]})",
                where=self._where,
                fix="Check that the file is a complete .tflite of builtin operators.",
            ) from error

    def scores(self, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Scores float32 [classes] of an RGB image, uint8 [height, width, 3].

        Raises `ModelFileError` when LiteRT fails or a score is not a number.
        """
        values = pixels
        if self._table is not None:
            values = self._table[np.arange(3), pixels]
        with self._running():
            self._interpreter.set_tensor(self._image.index, np.ascontiguousarray(values[None]))
            self._interpreter.invoke()
            raw = self._interpreter.get_tensor(self._output.index).reshape(-1)
        scores = numbers(raw, self._output)
        if scores.size != self.classes or not np.isfinite(scores).all():
            raise ModelFileError(
                "the model gives scores that are not numbers (NaN or infinite)"
                if scores.size == self.classes
                else f"the model gave {scores.size} scores, but declares {self.classes}",
                where=self._where,
                fix="Convert it again, and check its weights.",
            )
        return softmax(scores) if self.logits else scores

    def _adds_up(self) -> bool:
        answers = [self.scores(picture) for picture in _drawn_pictures(self.size)]
        return all(
            answer.min() >= -1e-3 and abs(float(answer.sum()) - 1) <= 0.01 for answer in answers
        )


def gives_logits(
    model: bytes, normalisation: Normalisation | None, where: str | Path | None = None
) -> bool:
    """Whether the model's own numbers are logits, after running it on a drawn picture.

    Raises what `Classifier` and its `scores` raise.
    """
    classifier = Classifier(model, normalisation, where=where)
    classifier.scores(_drawn_pictures(classifier.size)[0])
    return classifier.logits


def _drawn_pictures(size: Size) -> list[np.ndarray[Any, Any]]:
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    return [
        np.repeat(np.uint8(plane % 256)[..., None], 3, axis=2)
        for plane in (rows * 5, columns * 3, rows * columns)
    ]


def check_normalisation(
    interface: ClassifierInterface, normalisation: Normalisation | None, where: str | Path | None
) -> None:
    """Raises `MetadataError` when the model needs a normalisation, and there is no usable one."""
    if normalisation is None:
        if interface.image.dtype == "uint8":
            return
        raise MetadataError(
            f"the model takes {interface.image.dtype} input, and its metadata has no normalisation",
            where=where,
            fix="Add it: packager metadata write MODEL --labels FILE --mean M --std S.",
        )
    mean, std = normalisation.mean, normalisation.std
    usable = all(math.isfinite(value) for value in (*mean, *std)) and 0 not in std
    if not usable or not {len(mean), len(std)} <= {1, 3}:
        raise MetadataError(
            f"the metadata's mean {list(mean)} and std {list(std)} can't be used",
            where=where,
            fix="Write valid ones: packager metadata write MODEL --labels FILE --mean M --std S.",
        )


def entry_table(image: ModelTensor, normalisation: Normalisation) -> np.ndarray[Any, Any] | None:
    """What each of a channel's 256 pixel values enters the model as: [3, 256].

    None for a uint8 model, which takes the pixels as they are.
    """
    if image.dtype == "uint8":
        return None
    mean = np.resize(np.array(normalisation.mean, np.float32), 3)[:, None]
    std = np.resize(np.array(normalisation.std, np.float32), 3)[:, None]
    real = (np.arange(256, dtype=np.float32)[None] - mean) / std
    if image.dtype == "float32":
        return np.asarray(real, np.float32)
    assert image.scale is not None
    assert image.zero_point is not None
    limits = np.iinfo(image.dtype)
    quantized = np.clip(np.rint(real / image.scale + image.zero_point), limits.min, limits.max)
    return np.asarray(quantized, image.dtype)


def numbers(raw: np.ndarray[Any, Any], scores: ModelTensor) -> np.ndarray[Any, Any]:
    """float32 of what the output holds."""
    if scores.scale is None or raw.dtype == np.float32:
        return np.asarray(raw, np.float32)
    assert scores.zero_point is not None
    return np.asarray((raw.astype(np.float32) - scores.zero_point) * np.float32(scores.scale))


def softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of float32 [classes], as the app computes it."""
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())
