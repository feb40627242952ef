"""Export settings: Model Maker's `config` module."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packager.errors import SettingsError

if TYPE_CHECKING:
    from packager.model_maker.data_loader import DataLoader


class ExportFormat(enum.Enum):
    """Formats of `ImageClassifier.export`; VOCAB and TFJS are known but not supported."""

    TFLITE = "TFLITE"
    SAVED_MODEL = "SAVED_MODEL"
    LABEL = "LABEL"
    VOCAB = "VOCAB"
    TFJS = "TFJS"


@dataclass(frozen=True)
class QuantizationConfig:
    """Quantization of a float model; created by one of the class methods.

    Attributes:
        quantization: "dynamic", "fp16" or "int8", as of `packager.export.quantize`.
        io: dtype of input and output, "float32", "uint8" or "int8".
        representative_data: calibration photos for int8; None: the training photos.
        quantization_steps: maximum number of these photos, evenly from the classes.
    """

    quantization: str
    io: str = "float32"
    representative_data: DataLoader | None = None
    quantization_steps: int = 50

    @classmethod
    def for_dynamic(cls) -> QuantizationConfig:
        """8-bit weights; activations are quantized at run time."""
        return cls("dynamic")

    @classmethod
    def for_float16(cls) -> QuantizationConfig:
        """16-bit floating point weights."""
        return cls("fp16")

    @classmethod
    def for_int8(
        cls,
        representative_data: DataLoader | None,
        quantization_steps: int = 50,
        inference_input_type: Any = "uint8",
        inference_output_type: Any = "uint8",
    ) -> QuantizationConfig:
        """Full 8-bit quantization: no operator stays in floating point.

        Args:
            representative_data: calibration photos; None: the training photos.
            quantization_steps: maximum number of them, each in both views.
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
