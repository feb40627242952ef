"""Evaluation and predictions of any .tflite image classifier with metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packager.classifier_interface import (
    Size,
    check_label_count,
    check_operators,
    classifier_interface,
    fix_size,
)
from packager.data.folder import Photo, PhotoFolder
from packager.data.images import open_photo, view
from packager.errors import DataError, MetadataError, RecordError, SettingsError
from packager.evaluation import Evaluation, evaluate_model
from packager.inference import Classifier, Normalisation, check_normalisation
from packager.isolation import run_isolated
from packager.label_matching import NameMatch, joined_classes, match_names, matching_notes
from packager.labels import same_named, without_numbers
from packager.progress import SILENT, Progress
from packager.reading import MODEL_BYTES, read_file
from packager.record import read_record

PARTS = ("test", "all")
_NAMED = 5  # messages name so many folders and count the rest


@dataclass(frozen=True)
class ClassifierFile:
    """The file's bytes, its labels in the order of the scores, and its input normalisation.

    `model` has its input's size in it, where the file leaves that open. `normalisation` is None
    where the metadata says nothing (and a uint8 model needs none). `names` are what people are
    shown for the labels, `translations` all lists of such names. `title` is the model's name in
    its metadata.
    """

    path: Path
    model: bytes
    labels: tuple[str, ...]
    normalisation: Normalisation | None
    names: tuple[str, ...]
    translations: tuple[tuple[str, ...], ...]
    title: str


@dataclass(frozen=True)
class FileEvaluation:
    """The evaluation of a model file on a folder of photos.

    Attributes:
        model: the file; labels: those inside; names: their display names.
        part: "test" when only the test photos of the model's report.json were used, else "all".
        alike: groups of classes that the folders' names don't distinguish; each counts as the
            first of its group.
        evaluation: the results.
    """

    model: Path
    labels: tuple[str, ...]
    names: tuple[str, ...]
    part: str
    alike: tuple[tuple[int, ...], ...]
    evaluation: Evaluation


@dataclass(frozen=True)
class SelectedPhotos:
    """Photos of a folder, with labels that are indices of a model's classes.

    Attributes:
        part: "test" or "all".
        alike: see `FileEvaluation`.
    """

    part: str
    photos: tuple[Photo, ...]
    alike: tuple[tuple[int, ...], ...]

    def classes(self, photo: Photo) -> frozenset[int]:
        """The classes that a photo can belong to by the name of its folder."""
        return frozenset(next((g for g in self.alike if photo.label in g), (photo.label,)))


@dataclass(frozen=True)
class Prediction:
    """A model's prediction for one photo.

    Attributes:
        top: the best classes, best first, with scores 0..1; empty for an unreadable photo.
        scores: their kind: "probabilities", which add up to 1; "softmax of logits", also
            probabilities, computed from the model's output as apps do; "sigmoid", each class
            independently.
        problem: why the photo can't be read, or "".
    """

    photo: Path
    top: tuple[tuple[str, float], ...]
    scores: str = "probabilities"
    problem: str = ""


def open_classifier(
    path: Path, locale: str | None = None, input_size: Size | None = None
) -> ClassifierFile:
    """Reads a file and its metadata, and checks them without running the model.

    Args:
        locale: of the names, as `ModelMetadata.names` chooses them.
        input_size: height and width for a model whose input has none.

    Raises:
        ModelFileError: there is no such file, it is not a .tflite, not an image classifier, one
            that needs operators that LiteRT lacks, or one whose input has no size.
        MetadataError: it has no labels inside, another number of them than scores, or takes
            float32 or int8 input and no usable mean and std are known.
        SettingsError: the file has another input size, or no names in that locale.
    """
    from packager.metadata.container import open_model
    from packager.metadata.reader import describe

    file = open_model(path)
    interface = classifier_interface(file)
    check_operators(file)
    content, _ = fix_size(file, read_file(path, MODEL_BYTES), interface, input_size)
    metadata = describe(file)
    if metadata is None or not metadata.labels:
        raise MetadataError(
            "the model contains no labels",
            where=path,
            fix=f"If its {interface.classes} number{'' if interface.classes == 1 else 's'} "
            "are scores of classes, write their labels into it, in that order: packager "
            "metadata write MODEL --labels FILE.",
        )
    check_label_count(len(metadata.labels), interface, path)
    first = metadata.inputs[0] if metadata.inputs else None
    normalisation = None
    if first is not None and first.mean:
        normalisation = Normalisation(first.mean, first.std)
    check_normalisation(interface, normalisation, path)
    return ClassifierFile(
        path,
        content,
        metadata.labels,
        normalisation,
        metadata.names(locale),
        tuple(metadata.display_names.values()),
        metadata.name.strip(),
    )


def evaluate_file(
    path: Path,
    data: str | Path,
    *,
    images: Path | None = None,
    part: str | None = None,
    strict: bool = False,
    locale: str | None = None,
    input_size: Size | None = None,
    progress: Progress = SILENT,
) -> FileEvaluation:
    """Evaluates a .tflite with labels inside over photos, in both views.

    `data` and `images` are what `packager.data.source.scan_photos` takes.
    `part` is "test", "all", or None: test where report.json beside the model tells which photos
    of this folder were kept for testing. The folders' names must be labels of the model, or
    names of its classes in any language; shown are those of `locale`. The model runs in a
    separate process.

    Raises what `open_classifier`, `scan_photos` and `evaluate_model` raise, and `ModelFileError`
    when the model ends its process.
    """
    from packager.data.source import scan_photos

    file = open_classifier(path, locale, input_size)
    folder = scan_photos(data, images=images, strict=strict, progress=progress)
    selected = select_photos(
        path, file.labels, folder, part, translations=file.translations, progress=progress
    )
    progress.say(f"Measuring over {len(selected.photos)} photos ({selected.part}).")
    evaluation = run_isolated(evaluate_classifier, file, selected, where=path, progress=progress)
    for reject in evaluation.rejects:
        progress.warn(f"{reject.path} is left out: {reject.reason}")
    return FileEvaluation(path, file.labels, file.names, selected.part, selected.alike, evaluation)


def evaluate_classifier(
    file: ClassifierFile, selected: SelectedPhotos, progress: Progress = SILENT
) -> Evaluation:
    """`evaluate_model` of an open file."""
    return evaluate_model(
        file.model, selected.photos, file.names, file.normalisation, where=file.path,
        alike=selected.alike, progress=progress,
    )  # fmt: skip


def predict_photos(
    path: Path, photos: Sequence[Path], *, top: int = 3, locale: str | None = None,
    input_size: Size | None = None, progress: Progress = SILENT,
) -> tuple[Prediction, ...]:  # fmt: skip
    """The `top` best classes of each photo, stretched to the input as clients do.

    Classes are called as people are shown them, in `locale` (`ModelMetadata.names`).

    The model runs in a separate process. A photo that can't be read has its `problem`, and the
    others their answers: `demand_all_read` makes an error of that.

    Raises what `open_classifier` raises, `ModelFileError` when the model can't be run, and
    `SettingsError` for `top` below 1.
    """
    if top < 1:
        raise SettingsError(f"{top} is out of range", where="--top", fix="Use 1 or more.")
    file = open_classifier(path, locale, input_size)
    return run_isolated(predict_classifier, file, photos, top, where=path, progress=progress)


def predict_classifier(
    file: ClassifierFile, photos: Sequence[Path], top: int, progress: Progress = SILENT
) -> tuple[Prediction, ...]:
    """`predict_photos` of an open file."""
    classifier = Classifier(file.model, file.normalisation, where=file.path)

    def ask(photo: Path) -> Prediction:
        try:
            image = open_photo(photo)
        except DataError as error:
            return Prediction(photo, (), classifier.meaning, error.what)
        scores = classifier.scores(view(image, "stretch", classifier.size))
        best = (-scores).argsort(kind="stable")[:top]
        named = tuple((file.names[i], float(scores[i])) for i in best)
        return Prediction(photo, named, classifier.meaning)

    predictions = []
    with progress.phase("Classifying", len(photos)) as phase:
        for photo in photos:
            predictions.append(ask(photo))
            phase.advance()
    return tuple(predictions)


def demand_all_read(predictions: Sequence[Prediction]) -> None:
    """Raises `DataError` when a photo wasn't read."""
    lost = [each for each in predictions if each.problem]
    if len(lost) == 1:
        raise DataError(lost[0].problem, where=lost[0].photo, fix="Replace or delete this photo.")
    if lost:
        raise DataError(
            f"{len(lost)} of {len(predictions)} photos can't be read",
            fix="Replace or delete them.",
        )


def select_photos(
    path: Path,
    labels: Sequence[str],
    folder: PhotoFolder,
    part: str | None = None,
    *,
    translations: Sequence[Sequence[str]] = (),
    progress: Progress = SILENT,
) -> SelectedPhotos:
    """Which photos to use with the model at `path`, with their labels counted as it counts them.

    Folders are matched with labels or `translations` as `match_names` does. What isn't a label to
    the letter, and what stands for several classes, is told. A damaged report.json beside the
    model is an error where `part` is "test", else a warning.

    Raises `DataError` for a folder that is no class of the model.
    """
    if part not in (None, *PARTS):
        raise SettingsError(f"unknown part {part!r}", where="--part", fix="Use test or all.")
    matches = match_names(folder.classes, labels, translations)
    if not all(match.classes for match in matches):
        raise _strangers(folder, matches, labels, translations)
    for told in matching_notes(matches, labels):
        progress.warn(told)
    alike = joined_classes(
        [*same_named(labels), *(match.classes for match in matches if len(match.classes) > 1)]
    )
    first = {place: group[0] for group in alike for place in group}
    places = [first.get(match.classes[0], match.classes[0]) for match in matches]
    photos = tuple(replace(photo, label=places[photo.label]) for photo in folder.photos)
    part, photos = _of_part(path, folder, photos, part, progress)
    return SelectedPhotos(part, photos, alike)


def _strangers(
    folder: PhotoFolder,
    matches: Sequence[NameMatch],
    labels: Sequence[str],
    translations: Sequence[Sequence[str]],
) -> DataError:
    names = [
        match.name + (f" (is it {' or '.join(match.likely[:3])}?)" if match.likely else "")
        for match in matches
        if not match.classes
    ]
    more = f" and {len(names) - _NAMED} more" if names[_NAMED:] else ""
    shown = [_listed(each) for each in (labels, *translations)]
    fix = "Give each folder the name of its class in the model."
    if without_numbers(labels) is not None:
        fix += " The numbers at the beginning of its labels can be left out."
    return DataError(
        f"the model has no label for {', '.join(names[:_NAMED])}{more}; its labels are "
        f"{', or in other words '.join(shown[:3])}",
        where=folder.root,
        fix=fix,
    )


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(labels[:10]) + (", …" if labels[10:] else "")


def _of_part(
    path: Path, folder: PhotoFolder, photos: tuple[Photo, ...], part: str | None, progress: Progress
) -> tuple[str, tuple[Photo, ...]]:
    if part == "all":
        return part, photos
    test = tuple(photo for photo in photos if photo.part == "test")
    if not test:  # not split already, or without a part for testing
        try:
            kept = _test_photos(path)
        except RecordError as error:
            if part == "test":
                raise
            progress.warn(f"{error} All photos are used, also those it was trained on.")
            kept = frozenset()
        test = tuple(p for p in photos if p.path.relative_to(folder.root).as_posix() in kept)
    if part == "test" and not test:
        raise DataError(
            "none of these photos is a test photo of the model",
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
    fix = "Restore the report.json of the model's build, or move this one away."
    return frozenset(read_record(path, TestedPhotos, fix=fix)["data"]["split"]["test"])
