"""Evaluates a model file on photos: with packager's own evaluation, then in the clients."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packager import files
from packager.classifier_file import FileEvaluation, evaluate_file, open_classifier
from packager.classifier_interface import Size
from packager.progress import SILENT, Progress
from packager.verify.environment import CLIENTS
from packager.verify.report import ClientReport, verify_model


@dataclass(frozen=True)
class Verification:
    """Our evaluation of a file, and what each client made of the same photos."""

    ours: FileEvaluation
    clients: tuple[ClientReport, ...]


def verify_file(
    model: Path,
    data: str | Path,
    client: str | None = None,
    *,
    images: Path | None = None,
    part: str | None = None,
    input_size: Size | None = None,
    progress: Progress = SILENT,
) -> Verification:
    """Runs the file through `client`, or all of `CLIENTS`, over the photos of `evaluate_file`.

    Our labels to compare with are those of the *stretch* view, which is what clients feed. Of a
    model whose input has no size, the clients run a copy with `input_size` in it: by themselves
    they would take each photo's own.
    """
    ours = evaluate_file(
        model, data, images=images, part=part, input_size=input_size, progress=progress
    )
    measured = ours.evaluation
    stretch = measured.view("stretch")
    photos = [(photo.path, photo.label) for photo in measured.photos]
    with files.temporary_folder() as work:
        file = open_classifier(model, None, input_size)
        if file.model != model.read_bytes():
            model = work / model.name
            files.write_bytes(model, file.model)
        reports = tuple(
            verify_model(
                model, photos, ours.labels, client=name, expected=stretch.predictions,
                alike=ours.alike, progress=progress,
            )
            for name in ([client] if client else CLIENTS)
        )  # fmt: skip
    return Verification(ours, reports)
