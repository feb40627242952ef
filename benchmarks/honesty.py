"""Whether figures and scores can be trusted: files built from a part, measured on the rest.

    python benchmarks/honesty.py --photos FLOWERS --strange IMAGENET [--spec lite0] [--folds 5]

The photos are divided into folds. Of each, a model is built from the others as `packager build
--refit` builds it, quantized to int8, and asked about the fold, which nothing in it has seen, and
about strange photos, which show nothing of its classes. (One of the files has learnt from half of
these and is asked about the others.) All folds together are measured, with 95 %
intervals (Wilson). Each figure stands beside that of plain softmax: no L2 chosen, no temperature,
a threshold on the best score. (Planted faults among the photos: `benchmarks/photos.py`.)

The features are taken from packager's cache, so a second run is faster.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from packager.backbones.weights import find_weights
from packager.data.folder import Photo, scan_folder
from packager.evaluation import Evaluation, evaluate_model
from packager.export.convert import ConvertedBackbone, converted_backbone
from packager.export.head import attach_head
from packager.export.quantized import quantized_classifier
from packager.export.settings import QuantizationSettings
from packager.export.unknown import attach_unknown
from packager.inference import Normalisation
from packager.report.wilson import wilson_interval
from packager.specs import ModelSpec, get_spec
from packager.training.cross_validation import assign_folds
from packager.training.fitted_head import fit_head
from packager.training.frozen import FrozenFeatures, frozen_features
from packager.training.head import train_head
from packager.training.settings import HeadSettings, UnknownSettings
from packager.training.temperature import calibration_error, reliability, softmax

KEEP = 0.95
UNKNOWN = ("with unknown", "with unknown and counter-examples")


@dataclass(frozen=True)
class Files:
    """int8 files of one fold, without metadata.

    `plain` is the head as it was trained before all this, `fitted` with chosen L2 and temperature,
    `unknown` with a class for what is unknown, `sharpened` by counter-examples. The thresholds keep
    95 % of the photos that were learnt from, judged by heads that haven't seen them.
    """

    plain: bytes
    plain_threshold: float
    fitted: bytes
    fitted_threshold: float
    unknown: bytes
    sharpened: bytes
    expected: float


class Tally:
    """Answers of all folds."""

    def __init__(self) -> None:
        self.photos = self.right = self.kept = self.kept_right = 0
        self.strange = self.let_through = self.folds = 0
        self.scores: list[float] = []
        self.correct: list[bool] = []

    def add(
        self, own: Evaluation, strange: Evaluation, threshold: float = 0.0, unknown: int = -1
    ) -> None:
        """`unknown` is the place of that class; without it, scores below the threshold are it."""
        labels = [photo.label for photo in own.photos]
        self.folds += 1
        for view, other in zip(own.views, strange.views, strict=True):
            for truth, best, score in zip(labels, view.predictions, view.confidences, strict=True):
                known = best != unknown and score >= threshold
                self.photos += 1
                self.right += best == truth
                self.kept += known
                self.kept_right += known and best == truth
                if best != unknown:
                    self.scores.append(score)
                    self.correct.append(best == truth)
            for best, score in zip(other.predictions, other.confidences, strict=True):
                self.strange += 1
                self.let_through += best != unknown and score >= threshold

    def row(self) -> str:
        """Cells of a Markdown table."""
        error = calibration_error(reliability(self.scores, self.correct))
        cells = [
            _share(self.right, self.photos),
            f"{error:.3f}",
            _share(self.kept, self.photos),
            _share(self.kept_right, self.kept),
            _share(self.let_through, self.strange, self.folds),
        ]
        return " | ".join(cells)


def _share(part: int, whole: int, folds: int = 1) -> str:
    """Percent; two views of a photo, and the folds that were asked about it, are one answer."""
    asked = 2 * folds
    low, high = wilson_interval(round(part / asked), max(round(whole / asked), 1))
    return f"{100 * part / max(whole, 1):.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _best_scores(
    frozen: FrozenFeatures, classes: int, settings: HeadSettings, seed: int
) -> np.ndarray[Any, Any]:
    """Of the plain head, of photos that it hasn't seen: five heads, a fold each."""
    features, labels = _all(frozen)
    fold = assign_folds(labels, range(len(labels)), seed=seed)
    best = []
    for each in np.unique(fold):
        kept = fold != each
        head = train_head((features[kept], labels[kept]), None, classes, settings, seed=seed)
        best.append(softmax(features[~kept] @ head.kernel + head.bias).max(axis=-1))
    return np.concatenate(best)


def _all(frozen: FrozenFeatures) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    parts = [frozen.load(part) for part in range(2)]
    return (
        np.concatenate([features[:] for features, _ in parts]),
        np.concatenate([labels for _, labels in parts]),
    )


def build_files(
    spec: ModelSpec, backbone: ConvertedBackbone, photos: Sequence[Photo],
    negatives: Sequence[Photo], classes: int, seed: int,
) -> Files:  # fmt: skip
    """From photos that are all learnt from; `negatives` are for one of the files."""
    cut = len(photos) // 2  # the parts only matter to what is chosen, and all of it is for that
    frozen = frozen_features(backbone, spec, (photos[:cut], photos[cut:], ()))
    spec = replace(spec, feature_size=backbone.feature_size)

    def int8(kernel: np.ndarray[Any, Any], bias: np.ndarray[Any, Any]) -> bytes:
        whole = attach_head(backbone.model, kernel, bias)
        return quantized_classifier(
            whole, spec, photos, QuantizationSettings(type="int8"), seed=seed
        ).model

    before = HeadSettings(l2=1e-4, cross_validate=False)
    plain = train_head(_all(frozen), None, classes, before, seed=seed)
    settings = UnknownSettings(enabled=True, keep=KEEP)
    with_negatives = frozen_features(backbone, spec, (photos[:cut], photos[cut:], (), negatives))
    fitted, sharpened = (
        fit_head(each, classes, HeadSettings(refit=True), settings, {}, seed=seed)
        for each in (frozen, with_negatives)
    )
    assert sharpened.rule is not None
    assert fitted.rule is not None
    assert fitted.out_of_fold is not None
    model = int8(fitted.head.kernel, fitted.head.bias)
    found = fitted.out_of_fold.validation
    labels = np.array([photo.label for photo in fitted.out_of_fold.photos])
    return Files(
        int8(plain.kernel, plain.bias),
        float(np.quantile(_best_scores(frozen, classes, before, seed), 1 - KEEP)),
        model,
        fitted.threshold,
        attach_unknown(model, fitted.rule),
        attach_unknown(model, sharpened.rule),
        float((found.calibrated.argmax(axis=-1) == labels[:, None]).mean()),
    )


def measure(
    spec: ModelSpec, backbone: ConvertedBackbone, photos: Sequence[Photo],
    names: Sequence[str], strange: Sequence[Photo], folds: int, seed: int,
) -> None:  # fmt: skip
    """Prints the table of a spec."""
    labels = np.array([photo.label for photo in photos])
    fold = assign_folds(labels, [photo.sha256 for photo in photos], folds, seed=seed)
    normalisation = Normalisation((spec.mean,), (spec.std,))
    tallies = {name: Tally() for name in ("plain softmax", "calibrated", *UNKNOWN)}
    expected = []
    for each in range(folds):
        inside = [photo for photo, place in zip(photos, fold, strict=True) if place == each]
        others = [photo for photo, place in zip(photos, fold, strict=True) if place != each]
        # Half of the strange ones are counter-examples in one fold, and the other half in the next.
        files = build_files(spec, backbone, others, strange[each % 2 :: 2], len(names), seed)
        expected.append(files.expected)
        for name, model, threshold in (
            ("plain softmax", files.plain, files.plain_threshold),
            ("calibrated", files.fitted, files.fitted_threshold),
            (UNKNOWN[0], files.unknown, 0.0),
            (UNKNOWN[1], files.sharpened, 0.0),
        ):
            unknown = len(names) if name in UNKNOWN else -1
            shown = strange[1 - each % 2 :: 2] if name == UNKNOWN[1] else strange
            all_names = [*names, "unknown"] if unknown > 0 else list(names)
            tallies[name].add(
                evaluate_model(model, inside, all_names, normalisation),
                evaluate_model(model, shown, all_names, normalisation),
                threshold,
                unknown,
            )
    print(
        f"{spec.title}, int8, {folds} folds of {len(photos)} photos, {len(strange)} strange ones;"
    )
    print(f"cross-validation within the folds expected {100 * np.mean(expected):.1f} %\n")
    print("| file | top-1, % | calibration error | own kept, % | right of the kept, % "
          "| strange let through, % |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    for name, tally in tallies.items():
        print(f"| {name} | {tally.row()} |")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="a subfolder a class")
    parser.add_argument("--strange", type=Path, required=True, help="photos of other things")
    parser.add_argument("--spec", default="lite0")
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    spec = get_spec(arguments.spec)
    backbone = converted_backbone(spec, find_weights(spec, arguments.weights), seed=0)
    folder = scan_folder(arguments.photos)
    measure(
        spec, backbone, folder.photos, folder.classes, strange_photos(arguments.strange),
        arguments.folds, arguments.seed,
    )  # fmt: skip


def strange_photos(root: Path) -> list[Photo]:
    """All photos of a folder, whatever is below it; their label is of no meaning."""
    return [
        Photo(path, 0, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]


if __name__ == "__main__":
    main()
