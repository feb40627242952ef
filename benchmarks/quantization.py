"""What ranges, bias correction and the quantizer's own algorithms do to int8, on unseen photos.

    python benchmarks/quantization.py PHOTOS [--specs lite0 mobilenet_v2] [--seeds 0 1 2]
        [--weights FILE]

A seed is another split (60 % to train on, 30 % unseen) and another head; each row is the mean over
the seeds, over both views of the unseen photos. Noise is the signal-to-quantization-noise ratio
of the logits; "changed" are predictions that differ from the float file's.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from packager.backbones.weights import find_weights
from packager.data.folder import scan_folder
from packager.data.split import split_photos
from packager.export.bias_correction import corrected_bias
from packager.export.calibration import (
    RepresentativeDataset,
    activation_ranges,
    clipped_ranges,
    representative_photos,
)
from packager.export.constrained import CALIBRATION_PHOTOS
from packager.export.convert import converted_backbone
from packager.export.full_integer import quantize_in_ranges
from packager.export.head import attach_head
from packager.export.sensitivity import LogitNoise, logits
from packager.progress import Phase
from packager.specs import get_spec
from packager.training.extraction import extract_features
from packager.training.features import FeatureStore, load_features
from packager.training.head import train_head
from packager.training.settings import HeadSettings

SPLIT = (0.6, 0.1, 0.3)
Row = dict[str, tuple[float, float, float]]


@contextlib.contextmanager
def weights_by(algorithm: str) -> Iterator[None]:
    """Kernels are quantized by one of ai-edge-quantizer's algorithms, activations as ever."""
    from ai_edge_quantizer import qtyping, quantizer

    names = qtyping.TFLOperationName
    usual = quantizer.Quantizer.add_static_config

    def add(tool: Any, regex: str, operation: Any, *how: Any) -> None:
        usual(tool, regex, operation, *how)
        for each in (names.CONV_2D, names.DEPTHWISE_CONV_2D, names.FULLY_CONNECTED):
            if operation in (names.ALL_SUPPORTED, each):
                usual(tool, regex, each, *how, algorithm_key=algorithm)

    with mock.patch.object(quantizer.Quantizer, "add_static_config", add):
        yield


def measure(photos: Path, name: str, weights: str, seed: int) -> tuple[Row, float]:
    """Of each way noise in dB, predictions changed and top-1 in percent; and top-1 of float."""
    spec = get_spec(name)
    backbone = converted_backbone(spec, find_weights(spec, weights))
    store = FeatureStore(spec, backbone.sha256, shape=(backbone.feature_size,))
    folder = scan_folder(photos)
    split = split_photos(folder, SPLIT, seed)
    extract_features((*split.train, *split.validation), spec, backbone.model, store)
    train, validation = (load_features(part, store) for part in (split.train, split.validation))
    head = train_head(train, validation, len(folder.classes), HeadSettings(), seed=seed)
    model = attach_head(backbone.model, head.kernel, head.bias)

    chosen = representative_photos(split.train, CALIBRATION_PHOTOS, seed)
    samples = list(RepresentativeDataset(chosen, spec, Phase()))
    unseen = list(RepresentativeDataset(split.test, spec, Phase()))
    labels = np.repeat([photo.label for photo in split.test], 2)
    best, noise = logits(model, unseen).argmax(axis=1), LogitNoise(model, unseen)
    extremes = activation_ranges(model, samples)
    clipped = clipped_ranges(model, samples, extremes)
    rows: Row = {}

    def quantized(plain: bytes, ranges: Any) -> bytes:
        return quantize_in_ranges(plain, ranges, io="float32", input_range=spec.input_range)

    def tell(way: str, make: Callable[[], bytes]) -> bytes:
        result = make()
        answers = logits(result, unseen).argmax(axis=1)
        rows[way] = (
            noise.sqnr_db(result),
            100 * float((answers != best).mean()),
            100 * float((answers == labels).mean()),
        )
        return result

    for way, ranges in {
        "least to greatest": extremes,
        "least squared error": clipped["mse"],
        "99.99th percentile": clipped["percentile 99.99"],
    }.items():
        first = tell(way, lambda of=ranges: quantized(model, of))  # type: ignore[misc]
        better = corrected_bias(model, first, lambda: samples)
        tell(f"{way}, corrected bias", lambda of=ranges, m=better: quantized(m, of))  # type: ignore[misc]
    for algorithm in ("OCTAV", "MSE"):
        with weights_by(algorithm):
            tell(f"least to greatest, weights by {algorithm}", lambda: quantized(model, extremes))
    return rows, 100 * float((best == labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--specs", nargs="+", default=["lite0", "mobilenet_v2"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--weights", default="auto", help="of the one spec")
    given = parser.parse_args()
    print(
        "| model | ranges and more | noise, dB | changed | top-1 (float) |\n|---|---|---|---|---|"
    )
    for name in given.specs:
        runs = [measure(given.photos, name, given.weights, seed) for seed in given.seeds]
        plain = np.mean([top1 for _, top1 in runs])
        for way in runs[0][0]:
            noise, changed, top1 = np.mean([rows[way] for rows, _ in runs], axis=0)
            print(f"| {name} | {way} | {noise:.1f} | {changed:.1f} % | "
                  f"{top1:.1f} % ({plain:.1f} %) |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
