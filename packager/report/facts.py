"""What a build was made from and came to: report.json."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager import __version__

FORMAT = 2
_SAMPLES = 5  # photos of a class
_RENAMED = {"quantization": "quantize", "version": "model-version"}  # settings with other flags

if TYPE_CHECKING:
    from packager.build import BuildSettings, Models, Trained
    from packager.data.folder import Photo, PhotoFolder
    from packager.data.split import Split
    from packager.evaluation import Evaluation
    from packager.specs import ModelSpec
    from packager.training.fine_tune import FineTuned
    from packager.training.head import HeadSettings


def build_facts(
    settings: BuildSettings, head_settings: HeadSettings, io: str, spec: ModelSpec,
    folder: PhotoFolder, split: Split, trained: Trained, models: Models,
    evaluations: Sequence[Evaluation], seconds: dict[str, float],
) -> dict[str, Any]:  # fmt: skip
    """The facts as JSON values. `evaluations`: before quantization, and of the exported file."""
    from packager.evaluation import drop_points

    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    counts = {name: Counter(photo.label for photo in photos) for name, photos in parts.items()}

    def relative(path: Path) -> str:
        return path.relative_to(folder.root).as_posix()

    def groups(of: tuple[tuple[Path, ...], ...]) -> list[list[str]]:
        return [[relative(path) for path in group] for group in of]

    def accuracy(evaluation: Evaluation) -> dict[str, Any]:
        views = {}
        for each in evaluation.views:
            values = dataclasses.asdict(each)
            views[values.pop("view")] = values
        return views

    float_evaluation, evaluation = evaluations
    return {
        "format": FORMAT,
        "settings": {
            **dataclasses.asdict(settings),
            "io": io,
            "head": dataclasses.asdict(head_settings),
        },
        "command": repeat_command(settings),
        "spec": dataclasses.asdict(spec),
        "weights": {
            **dataclasses.asdict(trained.weights),
            "licence": _licence(spec, settings),
        },
        "data": {
            "root": folder.root.absolute(),
            "classes": {
                label: {name: of_part[number] for name, of_part in counts.items()}
                for number, label in enumerate(folder.classes)
            },
            "photos": len(folder.photos),
            "presplit": folder.presplit,
            "samples": [[relative(photo.path) for photo in photos] for photos in _samples(folder)],
            "ignored": folder.ignored,
            "rejects": [
                {"path": relative(reject.path), "reason": reject.reason}
                for reject in (*folder.rejects, *trained.extraction.rejects, *evaluation.rejects)
            ],
            "duplicates": groups(folder.duplicates),
            "conflicts": groups(folder.conflicts),
            "split": {
                name: [relative(photo.path) for photo in photos] for name, photos in parts.items()
            },
        },
        "features": {
            "computed": trained.extraction.computed,
            "cached": trained.extraction.cached,
            "damaged": trained.extraction.damaged,
            "backbone_cached": trained.backbone_cached,
        },
        "curves": [dataclasses.asdict(epoch) for epoch in trained.head.curves],
        "best_epoch": trained.head.best_epoch,
        "fine_tuning": None if trained.fine_tuned is None else _fine_tuning(trained.fine_tuned),
        "calibration_samples": models.calibration,
        "quantization": None  # the usual way, not guarded
        if models.guarded is None
        else {
            "rung": models.guarded.rung,
            "held": models.guarded.held,
            "rungs": [dataclasses.asdict(rung) for rung in models.guarded.tried],
        },
        "accuracy": {
            "test_photos": len(evaluation.photos),
            "photos": {  # in the order of the predictions, each with its true class
                name: {relative(photo.path): photo.label for photo in measured.photos}
                for name, measured in (("float32", float_evaluation), ("exported", evaluation))
            },
            "float32": accuracy(float_evaluation),
            "exported": accuracy(evaluation),
            "drop_points": drop_points(float_evaluation, evaluation),
        },
        "bytes": {"float32": len(models.float32), "exported": len(models.exported)},
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "versions": build_versions(),
    }


def upgraded(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a report.json of an earlier format as the present one has them.

    Format 1 has a row of the confusion matrix for each class, and a line by class for those too
    that have no photo and were not predicted.
    """
    if facts["format"] == FORMAT:
        return dict(facts)

    def sparse(view: Mapping[str, Any]) -> dict[str, Any]:
        cells = [
            (true, predicted, photos)
            for true, row in enumerate(view["confusion"])
            for predicted, photos in enumerate(row)
            if photos
        ]
        there = {index for true, predicted, _ in cells for index in (true, predicted)}
        lines = [{"index": i, **line} for i, line in enumerate(view["per_class"]) if i in there]
        return {**view, "confusion": cells, "per_class": lines}

    accuracy = {
        name: {view: sparse(values) for view, values in part.items()}
        if name in ("float32", "exported")
        else part
        for name, part in facts["accuracy"].items()
    }
    return {**facts, "format": FORMAT, "accuracy": accuracy}


def repeat_command(settings: BuildSettings) -> str:
    """The command line of a build with these settings; of files and folders the names alone.

    Every setting that isn't its default becomes the flag of its name. Where to put the result is
    left to who repeats it.
    """
    words = ["packager", "build"]
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        usual = field.name not in ("spec", "data", "quantization", "seed")
        if field.name in ("out", "force") or value is None or (usual and value == field.default):
            continue
        flag = "--" + _RENAMED.get(field.name, field.name).replace("_", "-")
        if value is True:
            words.append(flag)
        elif value is False:
            words.append(flag.replace("--", "--no-", 1))
        else:
            path = Path(str(value)) if "Path" in str(field.type) else None
            hidden = path is not None and len(path.parts) > 1
            words += [flag, f"path/to/{path.name}" if path and hidden else str(value)]
    return shlex.join(words)


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


def _licence(spec: ModelSpec, settings: BuildSettings) -> str | None:
    """Of published weights; of the user's own nothing is known."""
    from packager.backbones.weights import list_weights

    if str(settings.weights) != "auto" or spec.source is not None:
        return None
    return next((row.licence for row in list_weights() if row.spec == spec.name), None)


def _fine_tuning(tuned: FineTuned) -> dict[str, Any]:
    return {
        "settings": dataclasses.asdict(tuned.settings),
        "improved": tuned.improved,
        "cut": tuned.cut,
        "start": dict(zip(("validation_loss", "validation_accuracy"), tuned.start, strict=True)),
        "curves": [dataclasses.asdict(epoch) for epoch in tuned.curves],
        "best_epoch": tuned.best_epoch,
    }


def build_versions() -> dict[str, str]:
    """What a build depends on, with versions."""
    import platform

    versions = {
        "packager": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    for name in ("tensorflow", "tensorflow-cpu", "ai-edge-litert", "keras", "numpy", "pillow"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions
