"""Settings of quantization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from packager.errors import SettingsError
from packager.options import Option

QUANTIZATIONS = ("none", "fp16", "dynamic", "int8", "int16x8")
IO_TYPES = ("uint8", "int8", "float32")


@dataclass(frozen=True)
class QuantizationSettings:
    """The quantization and the accuracy it may lose; values are checked on construction.

    Attributes:
        type: "none", "fp16" (weights), "dynamic" (int8 weights, activations quantized at run
            time), "int8" (full integer, per channel) or "int16x8" (16-bit activations).
        io: type of input and output, "uint8", "int8" or "float32"; None: the default of `type`.
        max_accuracy_drop: percentage points of top-1 accuracy that quantization may lose, in
            either view; more expensive strategies are tried until one meets the limit. None: the
            default strategy, whatever it loses.
    """

    type: Annotated[
        str, Option("Quantization: none, fp16, dynamic, int8 or int16x8.", "--quantize")
    ] = "int8"
    io: Annotated[
        str | None,
        Option(
            "Type of input and output: uint8, int8 or float32.", "--io",
            usual="uint8 for int8, else float32", example="uint8",
        ),
    ] = None  # fmt: skip
    max_accuracy_drop: Annotated[
        float | None,
        Option(
            "Points of top-1 accuracy that quantization may lose; more expensive strategies are "
            "tried until one meets the limit.",
            "--max-accuracy-drop", example=1.0,
        ),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        io_type(self.type, self.io)
        most = self.max_accuracy_drop
        if most is not None and not 0 <= most <= 100:
            raise SettingsError(
                f"{most} points is out of range", where="--max-accuracy-drop", fix="Use 0 to 100."
            )

    @property
    def io_type(self) -> str:
        """`io`, or the default of the quantization."""
        return io_type(self.type, self.io)


def io_type(quantization: str, io: str | None) -> str:
    """The dtype of the model's input and output: `io`, or the default of `quantization`.

    Raises `SettingsError` for a name that isn't in the tables above, and for an integer input
    on a model that isn't full-integer int8.
    """
    if quantization not in QUANTIZATIONS:
        raise SettingsError(
            f"unknown quantization {quantization!r}",
            where="--quantize",
            fix=f"Use one of: {', '.join(QUANTIZATIONS)}.",
        )
    if io is None:
        return "uint8" if quantization == "int8" else "float32"
    if io not in IO_TYPES:
        raise SettingsError(
            f"unknown input type {io!r}",
            where="--io",
            fix=f"Use one of: {', '.join(IO_TYPES)}.",
        )
    if io != "float32" and quantization != "int8":
        raise SettingsError(
            f"a model with --quantize {quantization} can't take {io} pixels",
            where="--io",
            fix="Use --quantize int8, or --io float32.",
        )
    return io
