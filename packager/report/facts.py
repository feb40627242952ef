"""What a build was made from and came to: report.json."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager import __version__

if TYPE_CHECKING:
    from packager.build import BuildSettings, Models, Trained
    from packager.data.folder import PhotoFolder
    from packager.data.split import Split
    from packager.evaluation import Evaluation
    from packager.specs import ModelSpec
    from packager.training.head import HeadSettings


def build_facts(
    settings: BuildSettings, head_settings: HeadSettings, io: str, spec: ModelSpec,
    folder: PhotoFolder, split: Split, trained: Trained, models: Models,
    evaluations: Sequence[Evaluation], seconds: dict[str, float],
) -> dict[str, Any]:  # fmt: skip
    """The facts as JSON values. `evaluations`: before quantization, and of the exported file."""
    parts = {"train": split.train, "validation": split.validation, "test": split.test}

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
        "format": 1,
        "settings": {
            **dataclasses.asdict(settings),
            "io": io,
            "head": dataclasses.asdict(head_settings),
        },
        "spec": dataclasses.asdict(spec),
        "weights": dataclasses.asdict(trained.weights),
        "data": {
            "root": folder.root,
            "classes": {
                label: {
                    name: sum(photo.label == number for photo in photos)
                    for name, photos in parts.items()
                }
                for number, label in enumerate(folder.classes)
            },
            "photos": len(folder.photos),
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
        "calibration_samples": models.calibration,
        "accuracy": {
            "test_photos": len(evaluation.photos),
            "float32": accuracy(float_evaluation),
            "exported": accuracy(evaluation),
            "drop_points": {
                before.view: 100 * (before.top1 - after.top1)
                for before, after in zip(float_evaluation.views, evaluation.views, strict=True)
            },
        },
        "bytes": {"float32": len(models.float32), "exported": len(models.exported)},
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
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
