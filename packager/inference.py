"""A .tflite image classifier run on pixels, the way Android clients run it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from packager.errors import MetadataError, ModelFileError


@dataclass(frozen=True)
class Normalisation:
    """A pixel value x of 0..255 enters a float model as (x - mean) / std, per channel or one."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


class Classifier:
    """One interpreter, for one thread.

    A uint8 model is fed the pixels as they are, as MediaPipe and the Task Library do; an int8 or
    float32 model is fed normalised values, quantized with the input's scale and zero point.

    Raises `ModelFileError` when the file isn't a single-input RGB image classifier, and
    `MetadataError` when it needs a normalisation and none is known.

    Attributes:
        size: height and width of the input, pixels.
        classes: how many scores it gives.
    """

    def __init__(
        self,
        model: bytes,
        normalisation: Normalisation | None = None,
        *,
        where: str | Path | None = None,
        threads: int = 1,
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter = Interpreter(model_content=model, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelFileError(
                f"LiteRT can't run this model ({error})",
                where=where,
                fix="Check that the file is a complete .tflite of builtin operators.",
            ) from error
        inputs, outputs = (
            self._interpreter.get_input_details(),
            self._interpreter.get_output_details(),
        )
        self._check(inputs, outputs, where)
        self._input, self._output = inputs[0], outputs[0]
        self.size = (int(inputs[0]["shape"][1]), int(inputs[0]["shape"][2]))
        self.classes = int(outputs[0]["shape"][-1])
        dtype = inputs[0]["dtype"]
        if dtype != np.uint8 and normalisation is None:
            raise MetadataError(
                f"the model takes {np.dtype(dtype)} input and says nothing of its normalisation",
                where=where,
                fix="Add it: packager metadata write MODEL --labels FILE --mean M --std S.",
            )
        self._table = None if dtype == np.uint8 else entry_table(inputs[0], normalisation)

    @staticmethod
    def _check(inputs: Any, outputs: Any, where: str | Path | None) -> None:
        problem = None
        if len(inputs) != 1 or len(outputs) != 1:
            problem = f"it has {len(inputs)} inputs and {len(outputs)} outputs"
        elif len(inputs[0]["shape"]) != 4 or inputs[0]["shape"][3] != 3:
            problem = f"its input has the shape {inputs[0]['shape'].tolist()}"
        elif inputs[0]["dtype"] not in (np.uint8, np.int8, np.float32):
            problem = f"its input is {np.dtype(inputs[0]['dtype'])}"
        elif outputs[0]["dtype"] not in (np.uint8, np.int8, np.float32):
            problem = f"its output is {np.dtype(outputs[0]['dtype'])}"
        elif int(np.prod(outputs[0]["shape"])) != outputs[0]["shape"][-1]:
            problem = f"its output has the shape {outputs[0]['shape'].tolist()}"
        if problem is not None:
            raise ModelFileError(
                f"this is not an image classifier: {problem}",
                where=where,
                fix="Give a model with one RGB image input [1, height, width, 3] (uint8, int8 or "
                "float32) and one output [1, classes].",
            )

    def scores(self, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Scores float32 [classes] of an RGB image, uint8 [height, width, 3]."""
        values = pixels
        if self._table is not None:
            values = self._table[np.arange(3), pixels]
        self._interpreter.set_tensor(self._input["index"], np.ascontiguousarray(values[None]))
        self._interpreter.invoke()
        raw = self._interpreter.get_tensor(self._output["index"]).reshape(-1)
        if raw.dtype == np.float32:
            return np.asarray(raw)
        scale, zero_point = self._output["quantization"]
        return np.asarray((raw.astype(np.float32) - zero_point) * np.float32(scale))


def entry_table(detail: Any, normalisation: Normalisation | None) -> np.ndarray[Any, Any]:
    """What each of a channel's 256 pixel values enters the model as: [3, 256]."""
    assert normalisation is not None
    mean = np.resize(np.array(normalisation.mean, np.float32), 3)[:, None]
    std = np.resize(np.array(normalisation.std, np.float32), 3)[:, None]
    real = (np.arange(256, dtype=np.float32)[None] - mean) / std
    if detail["dtype"] == np.float32:
        return np.asarray(real, np.float32)
    scale, zero_point = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    quantized = np.clip(np.rint(real / scale + zero_point), limits.min, limits.max)
    return np.asarray(quantized, detail["dtype"])
