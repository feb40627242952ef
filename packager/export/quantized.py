"""A float classifier quantized with the photos that it was trained on."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager.data.folder import Photo, Reject, warn_of_lost
from packager.data.images import VIEWS
from packager.export.calibration import (
    Calibration,
    RepresentativeDataset,
    measure,
    representative_photos,
)
from packager.export.constrained import CALIBRATION_PHOTOS, Constrained, quantize_within
from packager.export.quantize import quantize
from packager.export.settings import QuantizationSettings
from packager.progress import SILENT, Phase, Progress
from packager.specs import ModelSpec

if TYPE_CHECKING:
    import numpy as np

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


def measured_backbone(
    backbone: bytes,
    spec: ModelSpec,
    photos: Sequence[Photo],
    kind: str,
    *,
    seed: int = 0,
    progress: Progress = SILENT,
) -> dict[str, np.ndarray[Any, Any]]:
    """Runs the frozen backbone as quantization to `kind` will need it with any head.

    The ranges stay in the cache. What quantizes is imported meanwhile, in a thread.

    Returns:
        Features of the calibration photos, float32 [views, width], by SHA-256.
    """
    if kind not in _CALIBRATED:
        return {}
    # The backbone needs Python's lock less than anything else in a build.
    threading.Thread(target=importlib.import_module, args=(_QUANTIZER,)).start()
    chosen = representative_photos(photos, CALIBRATION_PHOTOS, seed)
    with progress.phase("Calibrating", len(VIEWS) * len(chosen)) as phase:
        samples = RepresentativeDataset(chosen, spec, phase)
        features = measure(backbone, samples).outputs
    if not samples.whole:  # the lost ones are reported where features are extracted
        return {}
    return dict(
        zip(
            (photo.sha256 for photo in chosen),
            features.reshape(len(chosen), len(VIEWS), -1),
            strict=True,
        )
    )


def quantized_classifier(
    plain: bytes,
    spec: ModelSpec,
    photos: Sequence[Photo],
    settings: QuantizationSettings,
    *,
    backbone: bytes | None = None,
    drop: Callable[[bytes], float] | None = None,
    at_most: int = CALIBRATION_PHOTOS,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Quantized:
    """Quantizes a float classifier as the settings say.

    Args:
        plain: as `packager.export.head.attach_head` makes it.
        photos: those to calibrate with, of the training part.
        backbone: what the head was attached to.
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
            backbone=backbone,
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
                backbone=backbone,
            )
    warn_of_lost(tuple(lost.values()), progress)
    return Quantized(model, count, constrained)
