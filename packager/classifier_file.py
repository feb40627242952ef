"""Any .tflite image classifier with metadata: measured over photos, or asked about a few."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packager.data.folder import Photo, PhotoFolder, scan_folder
from packager.data.images import open_photo, view
from packager.errors import DataError, MetadataError, RecordError, SettingsError
from packager.evaluation import Evaluation, evaluate_model
from packager.inference import Classifier, Normalisation
from packager.progress import SILENT, Progress
from packager.record import read_record

PARTS = ("test", "all")


@dataclass(frozen=True)
class ClassifierFile:
    """The file's bytes, its labels in the order of the scores, and how pixels enter it.

    `normalisation` is None where the metadata says nothing (and a uint8 model needs none).
    """

    path: Path
    model: bytes
    labels: tuple[str, ...]
    normalisation: Normalisation | None


@dataclass(frozen=True)
class FileEvaluation:
    """A model file over a folder of photos.

    Attributes:
        model: the file; labels: those inside.
        part: "test" when only the photos were used that the model's report.json keeps for
            testing, else "all".
        evaluation: the measures.
    """

    model: Path
    labels: tuple[str, ...]
    part: str
    evaluation: Evaluation


@dataclass(frozen=True)
class Prediction:
    """The best classes of one photo, best first, with scores 0..1."""

    photo: Path
    top: tuple[tuple[str, float], ...]


def open_classifier(path: Path) -> ClassifierFile:
    """Reads a file and its metadata.

    Raises `ModelFileError` when there is no such file or it is no .tflite, and `MetadataError`
    when it has no labels inside.
    """
    from packager.metadata.container import open_model
    from packager.metadata.reader import describe_labelled

    metadata = describe_labelled(open_model(path))
    first = metadata.inputs[0] if metadata.inputs else None
    normalisation = Normalisation(first.mean, first.std) if first and first.mean else None
    return ClassifierFile(path, path.read_bytes(), metadata.labels, normalisation)


def evaluate_file(
    path: Path,
    data: Path,
    *,
    part: str | None = None,
    strict: bool = False,
    progress: Progress = SILENT,
) -> FileEvaluation:
    """Evaluates a .tflite with labels inside over the photos in `data`, in both views.

    `part` is "test", "all", or None: test where report.json beside the model tells which photos
    of this folder were kept for testing. The folders' names must be labels of the model.
    """
    file = open_classifier(path)
    folder = scan_folder(data, strict=strict, progress=progress)
    part, photos = select_photos(file, folder, part, progress)
    progress.say(f"Measuring over {len(photos)} photos ({part}).")
    evaluation = evaluate_model(
        file.model, photos, file.labels, file.normalisation, where=path, progress=progress
    )
    for reject in evaluation.rejects:
        progress.warn(f"{reject.path} is left out: {reject.reason}")
    return FileEvaluation(path, file.labels, part, evaluation)


def predict_photos(path: Path, photos: Sequence[Path], *, top: int = 3) -> tuple[Prediction, ...]:
    """The `top` best classes of each photo, stretched to the input as clients do.

    Raises `DataError` for a photo that can't be decoded, and `SettingsError` for `top` below 1.
    """
    if top < 1:
        raise SettingsError(f"{top} is out of range", where="--top", fix="Use 1 or more.")
    file = open_classifier(path)
    classifier = Classifier(file.model, file.normalisation, where=path)
    if classifier.classes != len(file.labels):
        raise MetadataError(
            f"the model gives {classifier.classes} scores and has {len(file.labels)} labels",
            where=path,
            fix="Write the right ones: packager metadata write MODEL --labels FILE.",
        )
    predictions = []
    for photo in photos:
        scores = classifier.scores(view(open_photo(photo), "stretch", classifier.size[0]))
        best = (-scores).argsort(kind="stable")[:top]
        predictions.append(
            Prediction(photo, tuple((file.labels[i], float(scores[i])) for i in best))
        )
    return tuple(predictions)


def select_photos(
    file: ClassifierFile, folder: PhotoFolder, part: str | None, progress: Progress = SILENT
) -> tuple[str, tuple[Photo, ...]]:
    """Which photos to use, with their labels counted as the model counts them.

    A damaged report.json beside the model is an error where `part` is "test", else a warning.
    """
    if part not in (None, *PARTS):
        raise SettingsError(
            f"there is no part called {part!r}", where="--part", fix="Use test or all."
        )
    places = {unicodedata.normalize("NFC", label): i for i, label in enumerate(file.labels)}
    strangers = [name for name in folder.classes if name not in places]
    if strangers:
        raise DataError(
            f"the model has no label for {', '.join(strangers[:5])}; its labels are "
            f"{', '.join(file.labels[:10])}",
            where=folder.root,
            fix="Name each folder as the model names its class.",
        )
    photos = tuple(
        replace(photo, label=places[folder.classes[photo.label]]) for photo in folder.photos
    )
    if part == "all":
        return part, photos
    test = tuple(photo for photo in photos if photo.part == "test")
    if not test:  # not split already, or without a part for testing
        try:
            kept = _test_photos(file.path)
        except RecordError as error:
            if part == "test":
                raise
            progress.warn(f"{error} All photos are used, also those it was trained on.")
            kept = frozenset()
        test = tuple(p for p in photos if p.path.relative_to(folder.root).as_posix() in kept)
    if part == "test" and not test:
        raise DataError(
            "none of these photos is known to be kept for testing",
            where=folder.root,
            fix="Keep report.json beside the model and give the folder it was trained on, or "
            "use --part all.",
        )
    return ("test", test) if test else ("all", photos)


def _test_photos(model: Path) -> frozenset[str]:
    """Paths, relative to the folder of photos, that the report beside the model lists; none where
    there is no report. Raises `RecordError` when it is damaged."""
    from packager.shapes import TestedPhotos

    path = model.parent / "report.json"
    if not path.exists():
        return frozenset()
    fix = "Put back the report.json of the model's build, or move this one away."
    return frozenset(read_record(path, TestedPhotos, fix=fix)["data"]["split"]["test"])
