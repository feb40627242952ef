"""Default metadata of a classifier."""

from __future__ import annotations

from collections.abc import Sequence

from packager.metadata.settings import MetadataSettings
from packager.metadata.writer import ClassifierMetadata
from packager.specs import ModelSpec


def classifier_metadata(
    settings: MetadataSettings,
    spec: ModelSpec,
    labels: Sequence[str],
    quantization: str,
    subject: str = "",
    threshold: float | None = None,
) -> ClassifierMetadata:
    """The metadata of a classifier that was trained here; `subject` is what its photos are of."""
    return ClassifierMetadata(
        name=settings.name or f"{subject} {spec.title}".strip(),
        description=settings.description
        or f"Distinguishes {len(labels)} classes of photos. {spec.title}, "
        f"{quantization} quantization.",
        version=settings.version,
        author=settings.author,
        license=settings.licence,
        labels=tuple(labels),
        mean=(spec.mean,),
        std=(spec.std,),
        threshold=threshold,
    )
