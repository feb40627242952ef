"""A model file over a folder of photos: our own evaluation, then the real clients'."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packager.classifier_file import FileEvaluation, evaluate_file
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
    data: Path,
    client: str | None = None,
    *,
    part: str | None = None,
    progress: Progress = SILENT,
) -> Verification:
    """Runs the file through `client`, or all of `CLIENTS`, over the photos of `evaluate_file`.

    Our labels to compare with are those of the *stretch* view, which is what clients feed.
    """
    ours = evaluate_file(model, data, part=part, progress=progress)
    measured = ours.evaluation
    stretch = measured.view("stretch")
    photos = [(photo.path, photo.label) for photo in measured.photos]
    return Verification(
        ours,
        tuple(
            verify_model(
                model, photos, ours.labels, client=name, expected=stretch.predictions,
                alike=ours.alike, progress=progress,
            )
            for name in ([client] if client else CLIENTS)
        ),
    )  # fmt: skip
