"""Cached evaluations: the same file gives the same predictions on the same photos."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version

import msgspec

from packager.cache import cache_folder, read_checked, write_checked
from packager.data.folder import Photo
from packager.data.images import preprocessing
from packager.evaluation import Evaluation, ViewEvaluation, evaluate_model
from packager.inference import Normalisation
from packager.progress import SILENT, Progress


def cached_evaluation(
    model: bytes,
    photos: Sequence[Photo],
    classes: Sequence[str],
    normalisation: Normalisation,
    *,
    progress: Progress = SILENT,
    phase: str = "Evaluating",
) -> Evaluation:
    """`evaluate_model` with a cache of earlier results.

    What is kept is named by all that it depends on: the file's bytes, the photos' bytes and
    classes, the preprocessing, the version of LiteRT. An evaluation that lost photos isn't kept.
    """
    origin = [
        hashlib.sha256(model).hexdigest(),
        preprocessing("", normalisation.mean, normalisation.std),
        version("ai-edge-litert"),
        ViewEvaluation.__dataclass_fields__.keys(),
        classes,
        [(photo.sha256, photo.label) for photo in photos],
    ]
    name = hashlib.sha256(json.dumps(origin, default=list).encode()).hexdigest()[:32]
    path = cache_folder() / "evaluations" / name
    if content := read_checked(path):
        with progress.phase(phase, len(photos)) as known:
            known.advance(len(photos))
        views = msgspec.json.decode(content, type=tuple[ViewEvaluation, ...])
        return Evaluation(tuple(photos), views, ())
    measured = evaluate_model(model, photos, classes, normalisation, progress=progress, phase=phase)
    if not measured.rejects:
        write_checked(path, msgspec.json.encode(measured.views))
    return measured
