"""Checks a set of photos before training: the order of the checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from packager.audit.faults import faulty_photos
from packager.audit.findings import (
    CONTRADICTION,
    NEAR_DUPLICATE,
    OUTLIER,
    PROBLEMS,
    UNUSABLE,
    WRONG_LABEL,
    ClassNote,
    Finding,
)
from packager.audit.outliers import unlike_their_class
from packager.audit.shortcuts import class_notes
from packager.audit.wrong_labels import label_findings
from packager.data.folder import Photo, PhotoFolder
from packager.data.look import LookStore
from packager.data.near_duplicates import CERTAIN, few_pairs, linked, near_duplicates, told
from packager.data.settings import PhotoSettings
from packager.data.source import scan_photos, source_name
from packager.progress import SILENT, Progress
from packager.specs import get_spec

if TYPE_CHECKING:
    from packager.training.features import FeatureStore

Array = np.ndarray[Any, Any]

# Thumbnails that agree less than those of the split's groups do, of vectors that agree too.
_ALIKE = 0.75, 0.5
_COSINE = 0.8


@dataclass(frozen=True)
class Audit:
    """The findings about a set of photos.

    Attributes:
        root: the photos' folder; name: the name of the set.
        classes: names of the classes; photos: number of photos of each.
        spec: the model whose feature vectors were used.
        groups: paths of near duplicates, the largest photo first; findings name a group by its
            place, counted from 1.
        findings: by problem, in the order of `PROBLEMS`, the most confident first.
        notes: differences between classes that a model could learn as a shortcut.
        labels_checked: whether there were few enough photos to check labels and outliers.
    """

    root: Path
    name: str
    classes: tuple[str, ...]
    photos: tuple[int, ...]
    spec: str
    groups: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...]
    notes: tuple[ClassNote, ...]
    labels_checked: bool


def audit_photos(
    settings: PhotoSettings, spec: str = "lite0", *, seed: int = 0, progress: Progress = SILENT
) -> Audit:
    """Checks all photos; nothing is written except to the cache.

    Near duplicates agree in thumbnail and in feature vector. Labels are checked by heads that were
    not trained on the photo (see `packager.training.cross_validation` and
    `packager.audit.wrong_labels`), outliers by their feature vectors.

    Args:
        settings: which photos; spec: the model that gives the vectors; seed: of the folds.

    Raises:
        SettingsError: there is no such spec, or the seed is out of range.
        DataError, DownloadError: the photos can't be found, downloaded or used.
        WeightsError: the model's weights are not available.
    """
    from packager.training.settings import check_seed

    check_seed(seed)
    model = get_spec(spec)
    folder = scan_photos(
        settings.data, images=settings.images, exclude=settings.exclude, strict=settings.strict,
        looks=LookStore(), progress=progress,
    )  # fmt: skip
    photos, store = extracted(folder, spec, seed, progress)
    vectors = _vectors(photos, store)
    groups = _groups(folder, photos, vectors)
    findings = [*faulty_photos(folder), *_repeated(folder, groups)]
    features, labels = _loaded(photos, store)
    if features is not None:
        findings += _judged(folder, photos, features, labels, vectors, seed, progress)
    findings += [
        Finding(UNUSABLE, _inside(folder, reject.path), "", reject.reason)
        for reject in folder.rejects
    ]
    order = {problem: place for place, problem in enumerate(PROBLEMS)}
    findings.sort(key=lambda each: (order[each.problem], each.group, -each.score, each.path))
    counts = [sum(photo.label == label for photo in folder.photos) for label in
              range(len(folder.classes))]  # fmt: skip
    return Audit(
        root=folder.root,
        name=source_name(settings.data),
        classes=folder.classes,
        photos=tuple(counts),
        spec=model.name,
        groups=tuple(tuple(told(folder, photo) for photo in group) for group in groups),
        findings=tuple(findings),
        notes=tuple(class_notes(folder)),
        labels_checked=features is not None,
    )


def extracted(
    folder: PhotoFolder, name: str, seed: int, progress: Progress
) -> tuple[Sequence[Photo], FeatureStore]:
    """The photos whose feature vectors could be computed, and the vectors' place."""
    from packager.backbones.weights import find_weights
    from packager.export.convert import cached_backbone, converted_backbone
    from packager.training.frozen import frozen_features

    spec = get_spec(name)
    weights = find_weights(spec, "auto", progress=progress)
    backbone = cached_backbone(spec, weights, seed=seed) or converted_backbone(
        spec, weights, seed=seed
    )
    frozen = frozen_features(backbone, spec, (folder.photos,), progress=progress)
    return frozen.parts[0], frozen.store


def _loaded(photos: Sequence[Photo], store: FeatureStore) -> tuple[Array | None, Array]:
    """Vectors [photos, views, width] and labels; no vectors where they don't fit into memory."""
    from packager.training.features import load_features

    features, labels = load_features(photos, store)
    return (features if isinstance(features, np.ndarray) else None), labels


def _vectors(photos: Sequence[Photo], store: FeatureStore) -> Mapping[str, Array]:
    """The mean of the views of each photo's bytes, float32 of length 1."""
    vectors: dict[str, Array] = {}
    for photo in photos:
        views = store.read(photo.sha256)
        if views is not None and photo.sha256 not in vectors:
            mean = views.astype(np.float32).mean(0)
            vectors[photo.sha256] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return vectors


def _groups(
    folder: PhotoFolder, photos: Sequence[Photo], vectors: Mapping[str, Array]
) -> list[list[Photo]]:
    """Near duplicates, the largest photo of each group first."""
    by_sha: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        if photo.sha256 in vectors and photo.sha256 in folder.looks:
            by_sha[photo.sha256].append(photo)
    shas = list(by_sha)
    looks = [folder.looks[sha] for sha in shas]
    certain = set(few_pairs(looks, *CERTAIN) or ())
    pairs = (
        pair
        for pair in few_pairs(looks, *_ALIKE) or ()
        if pair in certain or vectors[shas[pair[0]]] @ vectors[shas[pair[1]]] >= _COSINE
    )
    same = linked(len(shas), pairs)
    alone = {*range(len(shas))} - {number for group in same for number in group}
    same += [[number] for number in sorted(alone) if len(by_sha[shas[number]]) > 1]
    return [
        sorted(
            (photo for each in group for photo in by_sha[shas[each]]),
            key=lambda photo: _pixels(folder, photo),
            reverse=True,
        )
        for group in sorted(same)
    ]


def _repeated(folder: PhotoFolder, groups: Sequence[Sequence[Photo]]) -> list[Finding]:
    """Of a group within a class all but the largest photo; of others all."""
    findings = []
    for number, group in enumerate(groups, 1):
        classes = sorted({folder.classes[photo.label] for photo in group})
        across = len(classes) > 1
        detail = f"in {', '.join(classes)}" if across else f"much like {told(folder, group[0])}"
        findings += [
            Finding(
                problem=CONTRADICTION if across else NEAR_DUPLICATE,
                path=told(folder, photo),
                label=folder.classes[photo.label],
                detail=detail,
                group=number,
            )
            for photo in (group if across else group[1:])
        ]
    return findings


def _pixels(folder: PhotoFolder, photo: Photo) -> int:
    look = folder.looks[photo.sha256]
    return look.width * look.height


def _judged(
    folder: PhotoFolder, photos: Sequence[Photo], features: Array, labels: Array,
    vectors: Mapping[str, Array], seed: int, progress: Progress,
) -> list[Finding]:  # fmt: skip
    """Wrong and doubtful labels, and outliers that aren't of another class."""
    probabilities = _out_of_fold(folder, photos, features, labels, seed, progress)
    findings: list[Finding] = []
    if probabilities is not None:
        findings = label_findings(folder, photos, probabilities)
    wrong = {each.path for each in findings if each.problem == WRONG_LABEL}
    unit = np.stack([vectors[photo.sha256] for photo in photos])
    for number, nearness in unlike_their_class(unit, labels):
        path, label = told(folder, photos[number]), folder.classes[photos[number].label]
        if path not in wrong:
            detail = f"cosine {nearness:.2f} to the nearest of its class"
            findings.append(Finding(OUTLIER, path, label, detail, score=1 - max(0.0, nearness)))
    return findings


def _out_of_fold(
    folder: PhotoFolder, photos: Sequence[Photo], features: Array, labels: Array, seed: int,
    progress: Progress,
) -> Array | None:  # fmt: skip
    """Out-of-fold probabilities [photos, classes]; near duplicates share a fold."""
    from packager.training.cross_validation import cross_validate
    from packager.training.settings import HeadSettings
    from packager.training.temperature import softmax

    groups = near_duplicates(folder).of
    with progress.phase("Judging labels"):
        found = cross_validate(
            features, labels, len(folder.classes), HeadSettings(),
            judged=range(features.shape[1]),
            groups=[groups.get(photo.sha256, photo.sha256) for photo in photos], seed=seed,
        )  # fmt: skip
    if found is None:
        return None
    return np.asarray(softmax(found.calibrated).mean(1))


def _inside(folder: PhotoFolder, path: Path) -> str:
    return path.relative_to(folder.root).as_posix()
