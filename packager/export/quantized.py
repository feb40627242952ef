"""A float classifier quantized with the photos that it was trained on."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packager.data.folder import Photo, Reject, warn_of_lost
from packager.export.calibration import (
    Calibration,
    RepresentativeDataset,
    representative_photos,
)
from packager.export.constrained import CALIBRATION_PHOTOS, Constrained, quantize_within
from packager.export.quantize import quantize
from packager.export.settings import QuantizationSettings
from packager.progress import SILENT, Phase, Progress
from packager.specs import ModelSpec

if TYPE_CHECKING:
    pass

_CALIBRATED = ("int8", "int16x8")
_QUANTIZER = "ai_edge_quantizer.quantizer"


@dataclass(frozen=True)
class Quantized:
    """A quantized classifier.

    Attributes:
        model: the .tflite, without metadata.
        photos: number of calibration photos.
        constrained: the strategies tried, with an accuracy constraint.
    """

    model: bytes
    photos: int
    constrained: Constrained | None = None


def load_quantizer(kind: str) -> None:
    """Begins to import what quantization to `kind` needs, in a thread, while other work is done."""
    if kind in _CALIBRATED:
        threading.Thread(target=importlib.import_module, args=(_QUANTIZER,)).start()


def quantized_classifier(
    plain: bytes,
    spec: ModelSpec,
    photos: Sequence[Photo],
    settings: QuantizationSettings,
    *,
    drop: Callable[[bytes], float] | None = None,
    at_most: int = CALIBRATION_PHOTOS,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Quantized:
    """Quantizes a float classifier as the settings say.

    Args:
        plain: as `packager.export.head.attach_head` makes it.
        photos: those to calibrate with, of the training part.
        drop: points of top-1 that a quantized model loses; needed with `max_accuracy_drop`.
        at_most: number of calibration photos of the default strategy for int8 and int16x8.
        seed: for the choice of photos and for training.

    Raises what `packager.export.quantize.quantize` and `quantize_within` raise.
    """
    lost: dict[Path, Reject] = {}

    def samples(count: int, phase: Phase) -> RepresentativeDataset:
        return RepresentativeDataset(
            representative_photos(photos, count, seed), spec, phase,
            lambda reject: lost.update({reject.path: reject}),
        )  # fmt: skip

    constrained = None
    if settings.max_accuracy_drop is not None and settings.type != "none" and drop is not None:
        constrained = quantize_within(
            plain,
            settings.type,
            io=settings.io_type,
            input_range=spec.input_range,
            calibration=Calibration(len(photos), samples),
            evaluate=drop,
            max_drop=settings.max_accuracy_drop,
            seed=seed,
            progress=progress,
        )
        model, count = constrained.model, constrained.attempts[-1].photos
    else:
        count = min(at_most, len(photos)) if settings.type in _CALIBRATED else 0
        with progress.phase(f"Quantizing to {settings.type}", 2 * count or None) as phase:
            model = quantize(
                plain,
                settings.type,
                io=settings.io_type,
                input_range=spec.input_range,
                representative=lambda: samples(count, phase),
            )
    warn_of_lost(tuple(lost.values()), progress)
    return Quantized(model, count, constrained)
