"""From photos to an evaluated .tflite: the order of the steps."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from packager.backbones.settings import chosen_spec
from packager.build.settings import BuildSettings
from packager.clock import Clock, SharedWork
from packager.errors import AccuracyError
from packager.extras import require_extra
from packager.progress import SILENT, Progress

if TYPE_CHECKING:
    from packager.android.update import ProjectUpdate
    from packager.build.measure import FalseAccepts
    from packager.evaluation import Evaluation
    from packager.export.constrained import Attempt
    from packager.out_folder import Reserved
    from packager.training.fitted_head import OutOfFold


@dataclass(frozen=True)
class BuildResult:
    """The result of a build.

    Attributes:
        out: the folder; model: the .tflite in it.
        classes: the labels, in the order of the scores.
        evaluation: of the exported file; float_evaluation: of the same before quantization.
        model_bytes, float_bytes: sizes of both files.
        seconds: of each phase, and "total".
        attempts: quantization strategies tried with `max_accuracy_drop`; the last one is used.
        android: the folder of the Android project, if generated; app_update: the update of an
            older project that was kept.
        judged: cross-validation of the head over all photos; None without it.
        agreement: share of all photos, by view, on which the file and the float model agree, in a
            build with refit; both evaluations are then the cross-validated one.
        web: the folder of the web page, if generated.
        negatives: false accept rate on the held-out counter-examples.
    """

    out: Path
    model: Path
    spec: str
    quantization: str
    classes: tuple[str, ...]
    evaluation: Evaluation
    float_evaluation: Evaluation
    model_bytes: int
    float_bytes: int
    seconds: dict[str, float]
    android: Path | None = None
    attempts: tuple[Attempt, ...] = ()
    app_update: ProjectUpdate | None = None
    judged: OutOfFold | None = None
    agreement: Mapping[str, float] | None = None
    web: Path | None = None
    negatives: FalseAccepts | None = None


def build(
    settings: BuildSettings, *, shared: SharedWork | None = None, progress: Progress = SILENT
) -> BuildResult:
    """Builds the folder `settings.output.folder`: model, labels, contract and report.

    Builds that are given the same `shared` do what they have in common once.

    Raises the `PackagerError` of whichever step fails; nothing is then left at the folder that was
    not there before, but for `AccuracyError`, which leaves the float model there.
    """
    from packager.build.kept_app import reserved_build
    from packager.cache import check_cache

    check_cache()
    with reserved_build(settings) as place:
        return _build(settings, place, shared or SharedWork(), progress)


def _build(
    settings: BuildSettings, place: Reserved, shared: SharedWork, progress: Progress
) -> BuildResult:
    from packager.build.export import calibrate, export, with_metadata
    from packager.build.facts import build_facts
    from packager.build.heat import shown_heat
    from packager.build.measure import (
        HeldOutPhotos,
        measure_drawings,
        measure_negatives,
        measure_refit,
    )
    from packager.build.negatives import look_at_negatives
    from packager.build.photos import look_at_photos
    from packager.build.train import train
    from packager.build.write import delivery, write_folder
    from packager.data.source import source_name
    from packager.out_folder import ANDROID_FOLDER, WEB_FOLDER

    demand_extras(settings)
    spec, seed, clock = chosen_spec(settings.model), settings.seed, Clock()
    photos = look_at_photos(
        settings.photos, seed, place.out, shared=shared, clock=clock, progress=progress
    )

    negatives = look_at_negatives(
        settings.unknown.negatives, photos, seed, place.out, shared=shared, clock=clock,
        progress=progress,
    )  # fmt: skip

    weights = settings.model.weights
    how = (settings.features, settings.head, settings.fine_tuning, settings.unknown)
    trained = shared.once(
        ("training", spec, str(weights), settings.photos, how, seed),
        clock,
        lambda: train(
            spec,
            weights,
            photos,
            *how,
            partial(
                calibrate,
                spec=spec,
                settings=settings.quantization,
                seed=seed,
                clock=clock,
                progress=progress,
            ),
            negatives=negatives.learnt,
            seed=seed,
            clock=clock,
            progress=progress,
        ),
    )

    tests = HeldOutPhotos(photos, trained, shared=shared, clock=clock, progress=progress)
    kind = settings.quantization.type
    exported = export(
        trained, settings.quantization, lambda plain, model: tests.measure(plain, model, kind).drop,
        seed=seed, clock=clock, progress=progress,
    )  # fmt: skip
    models = with_metadata(
        exported, trained, settings.metadata, kind, source_name(settings.photos.data), clock=clock,
    )  # fmt: skip
    model = exported.quantized.model
    if trained.refit:
        measured = measure_refit(trained, model, kind, clock=clock, progress=progress)
    else:
        measured = tests.measure(exported.plain, model, kind)
    drawings = None
    other = measure_negatives(trained, model, negatives.held_out, clock=clock, progress=progress)
    if trained.fitted.rule is not None:
        drawings = measure_drawings(
            trained, model, settings.photos.data, clock=clock, progress=progress
        )

    seconds, constrained = clock.stop(), exported.quantized.constrained
    met = constrained is None or constrained.met
    delivered = delivery(models, kind, settings.app, met=met)
    facts = build_facts(
        settings, photos, trained, exported, models, measured, drawings, other,
        lambda accuracy: shown_heat(trained, model, accuracy, photos.folder.root, clock=clock),
        seconds,
    )  # fmt: skip
    app_update = write_folder(
        place, delivered, models.name, trained, measured, facts, settings.app,
        seed=seed, plots=settings.output.plots, web=settings.output.web, progress=progress,
    )  # fmt: skip

    if trained.fine_tuned is not None:
        shutil.rmtree(trained.fine_tuned.checkpoints, ignore_errors=True)
    attempts = constrained.attempts if constrained is not None else ()
    if not met:
        raise _too_inaccurate(settings, attempts, measured.drop, place.out)
    return BuildResult(
        place.out, place.out / delivered.file, spec.name, kind, trained.labels,
        measured.exported, measured.plain, len(models.exported), len(models.float32), seconds,
        place.out / ANDROID_FOLDER if delivered.android else None, attempts, app_update,
        trained.fitted.out_of_fold, measured.agreement,
        place.out / WEB_FOLDER if settings.output.web else None,
        other,
    )  # fmt: skip


def demand_extras(settings: BuildSettings) -> None:
    """Raises `SettingsError` when a package that the settings need isn't installed."""
    from packager.training.extraction import check_engine

    if settings.model.backbone is not None:
        require_extra("tensorflow", "--backbone")
    if settings.fine_tuning.mode in ("tail", "full"):  # "auto" does without
        require_extra("tensorflow", "--fine-tune")
    check_engine(settings.features.engine)


def _too_inaccurate(
    settings: BuildSettings, attempts: tuple[Attempt, ...], drop: float, out: Path
) -> AccuracyError:
    from packager.out_folder import FLOAT_MODEL_FILE

    each = ", ".join(f"{one.strategy} {one.drop_points:.1f}" for one in attempts)
    return AccuracyError(
        f"{settings.quantization.type} loses {drop:.1f} points of top-1 on the test photos, more "
        f"than the {settings.quantization.max_accuracy_drop} allowed (tried: {each})",
        where=out,
        fix=f"The float model was kept as {FLOAT_MODEL_FILE}. Try --quantize fp16, more "
        "photos, or a higher --max-accuracy-drop.",
    )
