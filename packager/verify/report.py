"""A client's predictions, compared with packager's."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packager.errors import ClientError, DataError, SettingsError
from packager.labels import clean
from packager.metadata.container import open_model
from packager.progress import SILENT, Progress
from packager.verify.environment import CLIENTS, environment_python
from packager.verify.session import open_session


@dataclass(frozen=True)
class Disagreement:
    """A photo for which the client's best label is another than ours."""

    photo: Path
    ours: str
    theirs: str


@dataclass(frozen=True)
class ClientReport:
    """The result of `verify_model`.

    Attributes:
        client: "mediapipe" or "task-library".
        version: what the client says of itself; python: the one that it ran on, "3.11".
        labels: as the client read them, in the order of the output's values.
        photos: how many it classified; correct: how many of them rightly.
        top1: correct / photos, 0..1.
        predictions: the index of its best label for each photo.
        disagreements: photos where its best label isn't ours; empty when ours weren't given. A
            tie (integer scores have many) in which ours takes part is no disagreement.
        milliseconds_per_photo: the median of one call, its resizing included.
        metadata_display: the JSON that TensorFlow Lite Support's metadata displayer prints, and
            associated_files: the files that it lists; both of "task-library" only.
    """

    client: str
    version: str
    python: str
    labels: tuple[str, ...]
    photos: int
    correct: int
    top1: float
    predictions: tuple[int, ...]
    disagreements: tuple[Disagreement, ...]
    milliseconds_per_photo: float
    metadata_display: str = ""
    associated_files: tuple[str, ...] = ()


def verify_model(
    model: Path,
    photos: Sequence[tuple[Path, int]],
    classes: Sequence[str],
    *,
    client: str,
    expected: Sequence[int] | None = None,
    alike: Sequence[Sequence[int]] = (),
    progress: Progress = SILENT,
) -> ClientReport:
    """Runs a .tflite file over photos in a real client, in an environment of its own.

    Both sides see the same pixels: packager decodes each photo to upright RGB, the client fits
    it to the model's input (it stretches the whole photo).

    Args:
        photos: each with the index of its class.
        classes: the names of the classes; a photo is right when the client's label is its class.
        client: a key of `CLIENTS`.
        expected: for each photo, the index of our best label, an index of the model's output.
        alike: groups of classes that the photos don't tell apart; any of a group is right.

    Raises:
        SettingsError: there is no such client.
        ModelFileError: the model isn't a TFLite model.
        DataError: there are no photos, or one can't be decoded.
        ClientError: the client can't be installed, crashes, or refuses the model.
    """
    if client not in CLIENTS:
        raise SettingsError(
            f"unknown client {client!r}",
            where="--client",
            fix=f"Use one of: {', '.join(CLIENTS)}.",
        )
    if not photos:
        raise DataError("there are no photos to verify the model with", fix="Give at least one.")
    open_model(model)  # a crash of the client is a poor way to say that the file is no model
    from packager.data.images import open_photo

    kind = CLIENTS[client]
    python = environment_python(kind, progress)
    predictions: list[int] = []
    disagreements: list[tuple[Path, int, int]] = []  # ours, theirs
    milliseconds: list[float] = []
    labels: dict[int, str] = {}
    with (
        open_session(kind, python, model) as session,
        progress.phase(f"{kind.title} {kind.version}", len(photos)) as phase,
    ):
        for number, (path, _) in enumerate(photos):
            image = open_photo(path)
            answer = session.classify(image.width, image.height, image.tobytes())
            if not answer["scores"]:
                raise ClientError(
                    f"{kind.title} gave no score for a photo",
                    where=path,
                    fix="The metadata filters scores: write it again without a threshold.",
                )
            labels.update({index: label for index, label, _ in answer["scores"]})
            predictions.append(answer["scores"][0][0])
            highest = max(score for _, _, score in answer["scores"])
            ours = expected[number] if expected else predictions[-1]
            if not any(index == ours and score == highest for index, _, score in answer["scores"]):
                disagreements.append((path, ours, predictions[-1]))
            milliseconds.append(answer["milliseconds"])
            phase.advance()
        facts = session.facts
    names = tuple(labels.get(index, "") for index in range(max(labels) + 1))
    groups = {place: group for group in alike for place in group}
    correct = sum(
        prediction in groups.get(number, ())
        or (
            _same(names[prediction], classes[number]) if names[prediction] else prediction == number
        )
        for prediction, (_, number) in zip(predictions, photos, strict=True)
    )
    return ClientReport(
        client=client,
        version=facts["version"],
        python=facts["python"],
        labels=names,
        photos=len(photos),
        correct=correct,
        top1=correct / len(photos),
        predictions=tuple(predictions),
        disagreements=tuple(
            Disagreement(path, _name(names, ours), _name(names, theirs))
            for path, ours, theirs in disagreements
        ),
        milliseconds_per_photo=statistics.median(milliseconds),
        metadata_display=facts.get("metadata", ""),
        associated_files=tuple(facts.get("files", ())),
    )


def _name(names: Sequence[str], index: int) -> str:
    return (names[index] if 0 <= index < len(names) else "") or f"class {index}"


def _same(label: str, name: str) -> bool:
    # Clients give the label as it lies in the file, packager as it is cleaned.
    return clean(label) == clean(name)
