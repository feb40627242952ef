"""The inputs and results of a build: the content of report.json."""

from __future__ import annotations

import dataclasses
import math
import shlex
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from packager.audit.faults import faulty_photos
from packager.audit.shortcuts import class_notes
from packager.audit.wrong_labels import label_findings
from packager.build.export import Exported, ModelFiles
from packager.build.measure import FalseAccepts, Measured
from packager.build.photos import Photos
from packager.build.settings import BuildSettings
from packager.build.train import Trained
from packager.options import flag_of, settings_of, tables
from packager.report.facts import FORMAT, build_versions

if TYPE_CHECKING:
    from packager.data.folder import Photo, PhotoFolder
    from packager.evaluation import Evaluation
    from packager.specs import ModelSpec
    from packager.training.fine_tune import FineTuned
    from packager.training.head import Epoch

_SAMPLES = 5  # photos of a class
_NEEDY = 5  # classes that need photos most
_ALWAYS = ("model.spec", "photos.data", "quantization.type", "seed")  # in the command
_OF_THE_PLACE = ("output.folder", "output.force", "output.update_app")


def build_facts(
    settings: BuildSettings,
    photos: Photos,
    trained: Trained,
    exported: Exported,
    models: ModelFiles,
    measured: Measured,
    drawings: FalseAccepts | None,
    negatives: FalseAccepts | None,
    heat: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """The facts as JSON values; `heat` makes maps for photos of the part "accuracy"."""
    constrained = exported.quantized.constrained
    accuracy = _accuracy(measured, photos.folder.root)
    return {
        "format": FORMAT,
        "recipe": tables(settings),
        "working_folder": Path.cwd(),  # which the recipe's paths count from
        "command": repeat_command(settings),
        "spec": dataclasses.asdict(trained.spec),
        "weights": {
            **dataclasses.asdict(trained.weights),
            "licence": _licence(trained.spec, settings.model.weights),
        },
        "data": _data(photos, trained, measured.exported),
        "features": {
            "computed": trained.extraction.computed,
            "cached": trained.extraction.cached,
            "damaged": trained.extraction.damaged,
            "backbone_cached": trained.backbone_cached,
        },
        "curves": [_epoch(epoch) for epoch in trained.head.curves],
        "best_epoch": trained.head.best_epoch,
        "fine_tuning": None if trained.fine_tuned is None else _fine_tuning(trained.fine_tuned),
        "fine_tune_choice": None
        if trained.fine_tune_choice is None
        else dataclasses.asdict(trained.fine_tune_choice),
        "calibration_samples": 2 * exported.quantized.photos,
        "quantization": None  # no constraint
        if constrained is None
        else {
            "strategy": constrained.strategy,
            "met": constrained.met,
            "attempts": [dataclasses.asdict(each) for each in constrained.attempts],
        },
        "labels": list(trained.labels),
        "accuracy": accuracy,
        "heat": heat(accuracy),
        "cross_validation": _cross_validation(trained),
        "scores": {
            "temperature": trained.fitted.temperature,
            "threshold": trained.fitted.threshold,
        },
        "unknown": _unknown(trained, measured, drawings, negatives),
        "bytes": {"float32": len(models.float32), "exported": len(models.exported)},
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "versions": build_versions(),
    }


def _epoch(epoch: Epoch) -> dict[str, float | None]:
    """Values that weren't measured are null."""
    values = dataclasses.asdict(epoch)
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def repeat_command(settings: BuildSettings) -> str:
    """The command line of a build with these settings; of files and folders the names alone.

    What has no flag isn't in it. Where to put the result is left to who repeats it.
    """
    words = ["packager", "build"]
    known = {setting.key: setting for setting in settings_of(BuildSettings)}
    for setting in dict.fromkeys([*(known[key] for key in _ALWAYS), *known.values()]):
        value, left_out = setting.of(settings), setting.key in _OF_THE_PLACE
        if left_out or not setting.option.flag or value is None:
            continue
        if setting.key in _ALWAYS or value != setting.default:
            path = setting.path(value)
            hidden = path is not None and len(path.parts) > 1
            words += flag_of(setting, f"path/to/{path.name}" if path and hidden else value)
    return shlex.join(words)


def _data(photos: Photos, trained: Trained, evaluation: Evaluation) -> dict[str, Any]:
    folder, split = photos.folder, photos.split
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    counts = {name: Counter(photo.label for photo in each) for name, each in parts.items()}
    met = (*folder.rejects, *trained.extraction.rejects, *evaluation.rejects)
    rejects = {  # a photo may be met twice, and counter-examples lie elsewhere
        reject.path: reject for reject in met if reject.path.is_relative_to(folder.root)
    }.values()
    return {
        "root": folder.root.absolute(),
        "classes": {
            label: {name: of_part[number] for name, of_part in counts.items()}
            for number, label in enumerate(folder.classes)
        },
        "photos": len(folder.photos),
        "presplit": folder.presplit,
        "samples": [_names(each, folder.root) for each in _samples(folder)],
        "ignored": folder.ignored,
        "rejects": [
            {"path": _name(reject.path, folder.root), "reason": reject.reason} for reject in rejects
        ],
        "duplicates": [[_name(path, folder.root) for path in same] for same in folder.duplicates],
        "findings": _findings(photos, trained),
        "conflicts": [[_name(path, folder.root) for path in same] for same in folder.conflicts],
        "split": {name: _names(each, folder.root) for name, each in parts.items()},
    }


def _findings(photos: Photos, trained: Trained) -> dict[str, Any]:
    """Findings of `packager.audit`; those about labels only with cross-validation."""
    folder, judged = photos.folder, trained.fitted.out_of_fold
    labels = []
    if judged is not None:
        own = judged.scores.mean(1)[:, : len(folder.classes)]  # without "unknown"
        labels = label_findings(folder, judged.photos, own)
    return {
        "labels": [dataclasses.asdict(each) for each in labels],
        "near_duplicates": _groups(photos),
        "contradictions": [
            _names(list(pair), folder.root) for pair in photos.groups.contradictions
        ],
        "faults": [dataclasses.asdict(each) for each in faulty_photos(folder)],
        "class_notes": [dataclasses.asdict(each) for each in class_notes(folder)],
    }


def _groups(photos: Photos) -> list[list[str]]:
    """Photos that look the same, by their groups."""
    groups: dict[str, list[str]] = {}
    for photo in photos.folder.photos:
        if photo.sha256 in photos.groups.of:
            name = _name(photo.path, photos.folder.root)
            groups.setdefault(photos.groups.of[photo.sha256], []).append(name)
    return list(groups.values())


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _names(photos: tuple[Photo, ...] | list[Photo], root: Path) -> list[str]:
    return [_name(photo.path, root) for photo in photos]


def _accuracy(measured: Measured, root: Path) -> dict[str, Any]:
    from packager.evaluation import drop_points

    return {
        "test_photos": len(measured.exported.photos),
        "photos": {  # in the order of the predictions, each with its true class
            name: {_name(photo.path, root): photo.label for photo in evaluation.photos}
            for name, evaluation in (
                ("float32", measured.plain),
                ("exported", measured.exported),
            )
        },
        "float32": _views(measured.plain),
        "exported": _views(measured.exported),
        "drop_points": drop_points(measured.plain, measured.exported),
        "basis": "test photos" if measured.agreement is None else "cross-validation",
        "agreement": measured.agreement,
    }


def _cross_validation(trained: Trained) -> dict[str, Any] | None:
    """Accuracy by cross-validation: each photo by a head that was not trained on it."""
    from packager.evaluation import evaluation_of_scores
    from packager.training.cross_validation import classes_in_need, expected_top1

    judged = trained.fitted.out_of_fold
    if judged is None:
        return None
    found, labels = judged.validation, np.array([photo.label for photo in judged.photos])
    views = _views(evaluation_of_scores(judged.photos, judged.scores, trained.labels))
    return {
        "photos": len(judged.photos),
        "folds": found.folds,
        "l2": found.l2,
        "epochs": found.epochs,
        "views": {  # without what each photo was taken for
            name: {key: view[key] for key in ("top1", "top5", "per_class", "confusion")}
            for name, view in views.items()
        },
        "calibration": {
            "before": _reliability(judged.before, labels),
            "after": _reliability(judged.scores, labels),
        },
        "curve": [
            {"photos": point.photos, "top1": point.top1, "recalls": point.recalls}
            for point in found.curve
        ],
        "doubled_top1": expected_top1(found.curve, 2 * found.curve[-1].photos)
        if found.curve
        else None,
        "classes_in_need": classes_in_need(found.curve, _NEEDY),
        "refit_gain": None if found.refit is None else dataclasses.asdict(found.refit),
    }


def _reliability(scores: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Over all views; predictions "unknown" are left out."""
    from packager.training.temperature import calibration_error, reliability

    answers = scores.argmax(axis=-1)
    claimed = answers <= labels.max()
    bins = reliability(scores.max(axis=-1)[claimed], (answers == labels[:, None])[claimed])
    return {
        "error": calibration_error(bins),
        "bins": [dataclasses.asdict(each) for each in bins],
    }


def _unknown(
    trained: Trained,
    measured: Measured,
    drawings: FalseAccepts | None,
    negatives: FalseAccepts | None,
) -> dict[str, Any] | None:
    """The class for out-of-distribution photos, if there is one."""
    rule, last = trained.fitted.rule, len(trained.labels) - 1
    if rule is None:
        return None
    return {
        "label": trained.labels[last],
        "threshold": rule.threshold,
        "slope": rule.slope,
        "directions": len(rule.directions),
        "own": {  # photos called unknown, by class
            view.view: {
                trained.labels[cell.true]: cell.photos
                for cell in view.confusion
                if cell.predicted == last
            }
            for view in measured.exported.views
        },
        "drawings": None if drawings is None else dataclasses.asdict(drawings),
        "negatives": None if negatives is None else dataclasses.asdict(negatives),
    }


def _views(evaluation: Evaluation) -> dict[str, Any]:
    views = {}
    for each in evaluation.views:
        values = dataclasses.asdict(each)
        views[values.pop("view")] = values
    return views


def _samples(folder: PhotoFolder) -> list[list[Photo]]:
    """At most five photos of each class, evenly taken."""
    photos: list[list[Photo]] = [[] for _ in folder.classes]
    for photo in folder.photos:
        photos[photo.label].append(photo)
    counts = [min(len(each), _SAMPLES) for each in photos]
    return [
        [each[place * len(each) // count] for place in range(count)]
        for each, count in zip(photos, counts, strict=True)
    ]


def _licence(spec: ModelSpec, weights: str | Path) -> str | None:
    """Licence of published weights; that of a user's file is not known."""
    from packager.backbones.weights import list_weights

    if str(weights) != "auto" or spec.source is not None:
        return None
    return next((row.licence for row in list_weights() if row.spec == spec.name), None)


def _fine_tuning(tuned: FineTuned) -> dict[str, Any]:
    return {
        "settings": {
            **dataclasses.asdict(tuned.settings),
            "augment": tuned.settings.augmentation,
            "log": tuned.settings.log and str(tuned.settings.log),
        },
        "improved": tuned.improved,
        "cut": tuned.cut,
        "later_cut": tuned.later_cut,
        "later_cut_after": tuned.settings.all_stages_epochs if tuned.later_cut else None,
        "share": tuned.share,
        "validation": [
            {"share": share, "loss": loss, "accuracy": accuracy}
            for share, (loss, accuracy) in tuned.validation.items()
        ],
        "curves": [dataclasses.asdict(epoch) for epoch in tuned.curves],
        "best_epoch": len(tuned.curves) - 1 if tuned.share == 1 else None,
    }
