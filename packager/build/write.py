"""Last step: writes the output folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager import files
from packager.android.settings import AppSettings
from packager.build.export import ModelFiles
from packager.build.kept_app import bring_app
from packager.build.measure import Measured
from packager.build.train import Trained
from packager.contract import MODEL_FILE, SPEC_FILE, model_spec
from packager.out_folder import ANDROID_FOLDER, FLOAT_MODEL_FILE, WEB_FOLDER, Reserved
from packager.progress import SILENT, Progress
from packager.record import as_json

if TYPE_CHECKING:
    from packager.android.update import ProjectUpdate
    from packager.data.folder import Photo

_SAMPLE_PHOTOS = 6  # in the Android project


@dataclass(frozen=True)
class Delivery:
    """The model to deliver: the float one where quantization lost too much accuracy."""

    model: bytes
    file: str
    quantization: str
    android: bool


def delivery(models: ModelFiles, quantization: str, app: AppSettings, *, met: bool) -> Delivery:
    """The exported model, or the float one alone unless accuracy is `met`."""
    if met:
        return Delivery(models.exported, MODEL_FILE, quantization, app.android)
    return Delivery(models.float32, FLOAT_MODEL_FILE, "none", android=False)


def write_folder(
    place: Reserved,
    delivered: Delivery,
    name: str,
    trained: Trained,
    measured: Measured,
    facts: dict[str, Any],
    app: AppSettings,
    *,
    seed: int,
    plots: bool = False,
    web: bool = False,
    progress: Progress = SILENT,
) -> ProjectUpdate | None:
    """Fills the folder: model, labels, contract, Android project, web page, report.

    Args:
        name: of the model; facts: report.json without its Android project.
        seed: for the choice of photos for the project and the page.

    Returns:
        The update of an older app that is kept.

    Raises `OutputError` when it can't be written; nothing of it is there then.
    """
    from packager.labels import labels_text
    from packager.metadata.writer import LABELS_FILE
    from packager.report.page import write_report

    labels = trained.labels
    evaluation = measured.exported if delivered.file == MODEL_FILE else measured.plain
    contract = model_spec(
        delivered.model,
        name=name,
        spec=trained.spec.name,
        quantization=delivered.quantization,
        model_file=delivered.file,
        labels=labels,
        normalisation=trained.normalisation,
        evaluation=evaluation,
        threshold=trained.threshold,
    )
    with place.filled() as fresh:
        files.write_bytes(fresh / delivered.file, delivered.model)
        files.write_text(fresh / LABELS_FILE, labels_text(labels))
        files.write_text(fresh / SPEC_FILE, as_json(contract))
        if delivered.android:
            facts["android"] = _write_project(
                fresh, fresh / delivered.file, contract, evaluation.photos, app, seed
            )
        if web and delivered.file == MODEL_FILE:
            _write_page(fresh, fresh / delivered.file, contract, evaluation.photos, seed)
        app_update = bring_app(place, fresh, fresh / delivered.file, app)
        if app_update is not None:
            facts["android"] = app_update.names
        files.write_text(fresh / "report.json", as_json(facts))
        with progress.phase("Writing the report"):
            write_report(fresh, facts, plots=plots, progress=progress)
    return app_update


def _write_project(
    folder: Path, model: Path, contract: dict[str, Any], test: Sequence[Photo], app: AppSettings,
    seed: int,
) -> dict[str, str]:  # fmt: skip
    """Its names."""
    from packager.android.project import generate_project
    from packager.export.calibration import representative_photos

    samples = representative_photos(test, _SAMPLE_PHOTOS, seed)
    project = generate_project(
        model, folder / ANDROID_FOLDER, spec=contract,
        package=app.package, app_id=app.id, app_name=app.name,
        photos=[photo.path for photo in samples],
    )  # fmt: skip
    return project.names


def _write_page(
    folder: Path, model: Path, contract: dict[str, Any], test: Sequence[Photo], seed: int
) -> None:
    from packager.export.calibration import representative_photos
    from packager.web.site import generate_page

    samples = representative_photos(test, _SAMPLE_PHOTOS, seed)
    generate_page(
        model, folder / WEB_FOLDER, spec=contract, photos=[photo.path for photo in samples]
    )
