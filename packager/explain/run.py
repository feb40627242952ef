"""`packager explain`: a heat map for each photo, of the parts that the prediction rests on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from packager import files
from packager.classifier_file import ClassifierFile, open_classifier
from packager.classifier_interface import Size
from packager.data.images import open_photo, view
from packager.errors import DataError, SettingsError
from packager.explain.activation_maps import ActivationMaps, linear_head
from packager.explain.occlusion import occlusion_map
from packager.explain.overlay import relative_heat, side_by_side
from packager.inference import Classifier
from packager.isolation import run_isolated
from packager.out_folder import reserved
from packager.progress import SILENT, Progress

Array = np.ndarray[Any, Any]

_SIDE = 640  # pixels of a photo in its picture, at most
METHODS = ("class activation map", "occlusion")


@dataclass(frozen=True)
class Explanation:
    """The explanation of a model's prediction for one photo.

    Attributes:
        photo: the file; picture: its PNG, the photo beside itself below the heat; None for a
            photo that wasn't read.
        label, score: the class that the map is of, and its score 0..1.
        answer: the class of the best score; the map is of another one when that was requested, or
            when the predicted class has no map ("unknown").
        method: "class activation map", exact, or "occlusion", by hiding patches.
        problem: why the photo can't be read, or "".
    """

    photo: Path
    picture: Path | None
    label: str
    score: float
    answer: str
    method: str
    problem: str = ""


@dataclass(frozen=True)
class Heat:
    """A map of one photo: `values` float32 [rows, columns] of the class at place `label`."""

    values: Array
    label: int
    score: float
    answer: int


class Explainer:
    """A model that explains its predictions, for one thread.

    Attributes:
        size: height and width of its input; method: one of `METHODS`.
    """

    def __init__(self, file: ClassifierFile) -> None:
        head = linear_head(file.model)
        self._maps = None if head is None else ActivationMaps(head, file.normalisation)
        self._classifier = Classifier(file.model, file.normalisation, where=file.path)
        self.size: Size = self._classifier.size
        self.method = METHODS[0] if self._maps is not None else METHODS[1]

    def heat(self, pixels: Array, label: int | None = None) -> Heat:
        """Of the class `label`, or of the best one that has a map; uint8 [height, width, 3]."""
        if self._maps is None:
            scores = self._classifier.scores(pixels)
            answer = int(scores.argmax())
            label = answer if label is None else label
            values = occlusion_map(self._classifier.scores, pixels, label)
            return Heat(values, label, float(scores[label]), answer)
        scores, maps = self._maps.run(pixels)
        if label is None:
            label = int(scores[: len(maps)].argmax())
        return Heat(maps[label], label, float(scores[label]), int(scores.argmax()))

    def has_map(self, label: int) -> bool:
        """Whether there can be a map of that class."""
        return self._maps is None or label < self._maps.classes


def explain_photos(
    model: Path,
    photos: Sequence[Path],
    out: Path,
    *,
    label: str | None = None,
    locale: str | None = None,
    input_size: Size | None = None,
    force: bool = False,
    progress: Progress = SILENT,
) -> tuple[Explanation, ...]:
    """Writes a PNG for each photo into the new folder `out`, stretched to the input as clients do.

    The model runs in a separate process.

    Args:
        label: the class to look for; None: the one that the model answers.
        force: replaces an older folder of explanations.

    Raises:
        SettingsError: the model has no such class, or that class has no map.
        OutputError: `out` can't be written, or is there already.
        What `open_classifier` raises, and `ModelFileError` when the model can't be run.
    """
    file = open_classifier(model, locale, input_size)
    wanted = None
    if label is not None:
        known = [*file.names, *file.labels]
        if label not in known:
            raise SettingsError(
                f"the model has no class called {label!r}",
                where="--class",
                fix=f"Use one of: {', '.join(file.names[:20])}.",
            )
        wanted = known.index(label) % len(file.names)
    with reserved(out, force=force, what="folder of explanations") as place:
        found = run_isolated(explain_open, file, photos, wanted, where=model, progress=progress)
        with place.filled() as fresh:
            for explanation, png in found:
                if explanation.picture is not None:
                    files.write_bytes(fresh / explanation.picture, png)
    return tuple(
        each
        if each.picture is None
        else Explanation(**{**vars(each), "picture": out / each.picture})
        for each, _ in found
    )


def explain_open(
    file: ClassifierFile,
    photos: Sequence[Path],
    wanted: int | None,
    progress: Progress = SILENT,
) -> list[tuple[Explanation, bytes]]:
    """`explain_photos` of an open file: the explanations with their PNG, named without folder."""
    explainer = Explainer(file)
    if wanted is not None and not explainer.has_map(wanted):
        raise SettingsError(
            f"the class {file.names[wanted]!r} means out-of-distribution, and has no map",
            where="--class",
            fix="Choose another class, or leave out --class.",
        )
    names = _picture_names(photos)
    results = []
    with progress.phase("Explaining", len(photos)) as phase:
        for photo, name in zip(photos, names, strict=True):
            results.append(_explained(file, explainer, photo, name, wanted))
            phase.advance()
    return results


def demand_all_explained(explanations: Sequence[Explanation]) -> None:
    """Raises `DataError` when a photo wasn't read."""
    lost = [each for each in explanations if each.picture is None]
    if lost:
        more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise DataError(
            f"{lost[0].problem}{more}", where=lost[0].photo, fix="Replace or delete these photos."
        )


def _explained(
    file: ClassifierFile, explainer: Explainer, photo: Path, name: str, wanted: int | None
) -> tuple[Explanation, bytes]:
    try:
        image = open_photo(photo)
    except DataError as error:
        return Explanation(photo, None, "", 0.0, "", explainer.method, error.what), b""
    heat = explainer.heat(view(image, "stretch", explainer.size), wanted)
    image.thumbnail((_SIDE, _SIDE))
    content = io.BytesIO()
    side_by_side(image, relative_heat(heat.values)).save(content, "PNG")
    return (
        Explanation(
            photo, Path(name), file.names[heat.label], heat.score, file.names[heat.answer],
            explainer.method,
        ),
        content.getvalue(),
    )  # fmt: skip


def _picture_names(photos: Sequence[Path]) -> list[str]:
    """A name for each, as the photo is called; a second one of that name gets a number."""
    taken: dict[str, int] = {}
    names = []
    for photo in photos:
        stem = photo.stem or "photo"
        count = taken[stem.casefold()] = taken.get(stem.casefold(), 0) + 1
        names.append(f"{stem}.png" if count == 1 else f"{stem}-{count}.png")
    return names
