"""Third step: the files before and after quantization, with metadata inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from packager.build.train import Trained
from packager.clock import Clock
from packager.export.settings import QuantizationSettings
from packager.metadata.settings import MetadataSettings
from packager.progress import SILENT, Progress
from packager.specs import ModelSpec

if TYPE_CHECKING:
    import numpy as np

    from packager.data.folder import Photo
    from packager.export.quantized import Quantized


@dataclass(frozen=True)
class Exported:
    """The classifier before quantization and after it; both the same where there is none.

    Attributes:
        plain: without metadata; quantized: also without, with the strategy that was used.
    """

    plain: bytes
    quantized: Quantized


@dataclass(frozen=True)
class ModelFiles:
    """Both with metadata inside; `name` is what it calls the model."""

    name: str
    float32: bytes
    exported: bytes


def calibrate(
    backbone: bytes,
    photos: Sequence[Photo],
    *,
    spec: ModelSpec,
    settings: QuantizationSettings,
    seed: int,
    clock: Clock,
    progress: Progress = SILENT,
) -> Mapping[str, np.ndarray[Any, Any]]:
    """Measures the ranges of the frozen backbone, which `export` then finds in the cache.

    Returns:
        Features from the same run, by SHA-256: `train` needs not compute them again.
    """
    from packager.export.quantized import measured_backbone

    with clock("calibration"):
        return measured_backbone(
            backbone, spec, photos, settings.type, seed=seed, progress=progress
        )


def export(
    trained: Trained,
    settings: QuantizationSettings,
    drop: Callable[[bytes, bytes], float],
    *,
    seed: int,
    clock: Clock,
    progress: Progress = SILENT,
) -> Exported:
    """Attaches the head to the backbone, and quantizes the result.

    Args:
        drop: points of top-1 between the float model and a quantized one; only called with
            `max_accuracy_drop`.
        seed: for the choice of calibration photos.

    Raises what `packager.export.quantized.quantized_classifier` raises.
    """
    from packager.export.head import attach_head
    from packager.export.quantized import quantized_classifier
    from packager.export.unknown import attach_unknown
    from packager.inspection import float_operators

    def complete(model: bytes) -> bytes:
        """Adds the class for out-of-distribution photos, if requested."""
        rule = trained.fitted.rule
        return model if rule is None else attach_unknown(model, rule)

    with clock("float export"):
        plain = attach_head(trained.backbone, trained.head.kernel, trained.head.bias)
    with clock("quantization"):
        quantized = quantized_classifier(
            plain, trained.spec, trained.train, settings,
            backbone=trained.backbone,
            drop=lambda model: drop(complete(plain), complete(model)), seed=seed,
            progress=progress,
        )  # fmt: skip
    if (
        quantized.photos
        and quantized.constrained is None
        and (left := float_operators(quantized.model))
    ):
        progress.warn(
            f"{', '.join(left)} has no {settings.type} implementation and stays in float: "
            "integer accelerators won't run the whole model."
        )
    same = quantized.model is plain
    plain = complete(plain)
    return Exported(plain, replace(quantized, model=plain if same else complete(quantized.model)))


def with_metadata(
    exported: Exported,
    trained: Trained,
    settings: MetadataSettings,
    quantization: str,
    subject: str,
    *,
    clock: Clock,
) -> ModelFiles:
    """The files as clients read them; `subject` is the name of the set of photos."""
    from packager.metadata.defaults import classifier_metadata
    from packager.metadata.writer import write_metadata

    metadata = classifier_metadata(
        settings, trained.spec, trained.labels, quantization, subject, trained.threshold
    )
    plain, quantized = exported.plain, exported.quantized.model
    with clock("metadata"):
        model = write_metadata(quantized, metadata)
        float32 = model if quantized is plain else write_metadata(plain, metadata)
    return ModelFiles(metadata.name, float32, model)
