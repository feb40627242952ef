"""What a model is exported as: Model Maker's `config` module."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packager.errors import SettingsError

if TYPE_CHECKING:
    from packager.model_maker.data_loader import DataLoader


class ExportFormat(enum.Enum):
    """What `ImageClassifier.export` can write; VOCAB and TFJS are known and refused."""

    TFLITE = "TFLITE"
    SAVED_MODEL = "SAVED_MODEL"
    LABEL = "LABEL"
    VOCAB = "VOCAB"
    TFJS = "TFJS"


@dataclass(frozen=True)
class QuantizationConfig:
    """How a float model is quantized; made by one of the class methods.

    Attributes:
        quantization: "dynamic", "fp16" or "int8", as of `packager.export.quantize`.
        io: dtype of input and output, "float32", "uint8" or "int8".
        representative_data: photos to calibrate int8 with; None: those of the training.
        quantization_steps: at most so many of these photos, evenly from the classes.
    """

    quantization: str
    io: str = "float32"
    representative_data: DataLoader | None = None
    quantization_steps: int = 50

    @classmethod
    def for_dynamic(cls) -> QuantizationConfig:
        """Weights in 8 bits; activations are quantized as they come."""
        return cls("dynamic")

    @classmethod
    def for_float16(cls) -> QuantizationConfig:
        """Weights in 16-bit floating point."""
        return cls("fp16")

    @classmethod
    def for_int8(
        cls,
        representative_data: DataLoader | None,
        quantization_steps: int = 50,
        inference_input_type: Any = "uint8",
        inference_output_type: Any = "uint8",
    ) -> QuantizationConfig:
        """Everything in 8 bits: no operator is left in floating point.

        Args:
            representative_data: photos to calibrate with; None: those of the training.
            quantization_steps: at most so many of them, each in both views.
            inference_input_type, inference_output_type: "uint8", "int8" or "float32", or
                TensorFlow's or numpy's dtype of that name; the same for both. With float32 the
                values are quantized inside.

        Raises `SettingsError` for other types, two different ones, or no steps.
        """
        image, scores = _dtype_name(inference_input_type), _dtype_name(inference_output_type)
        if image != scores or image not in ("uint8", "int8", "float32"):
            raise SettingsError(
                f"a model can't take {image} and give {scores}",
                where="inference_input_type, inference_output_type",
                fix="Give the same for both: uint8, int8 or float32.",
            )
        if quantization_steps < 1:
            raise SettingsError(
                f"{quantization_steps} is out of range",
                where="quantization_steps",
                fix="Use 1 or more.",
            )
        return cls("int8", image, representative_data, quantization_steps)


def _dtype_name(dtype: Any) -> str:
    return str(getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype))
