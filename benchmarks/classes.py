"""What many classes cost: a build and an evaluation, in seconds, MiB of memory and MB of output.

    python benchmarks/classes.py [--classes 1000 20000] [--photos 3] [--epochs 1]

Small photos are drawn, so many of each class, and go through a small backbone with 128 features:
what grows with the classes takes most of the time. The build isn't quantized and makes no Android
project. Each row is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 16  # pixels
FEATURES = 128


def write_photos(root: Path, classes: int, photos: int) -> None:
    from PIL import Image

    random = np.random.default_rng(0)
    for number in range(classes):
        folder = root / f"class number {number:05d}"
        folder.mkdir(parents=True)
        color = random.integers(0, 200, 3)
        for i in range(photos):
            pixels = color + random.integers(0, 55, (SIDE, SIDE, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png", compress_level=1)


def write_backbone(path: Path) -> None:
    import keras

    keras.utils.set_random_seed(3)
    image = keras.Input((SIDE, SIDE, 3))
    hidden = keras.layers.Conv2D(16, 4, strides=4)(image)
    hidden = keras.layers.ReLU(max_value=6.0)(hidden)
    hidden = keras.layers.Conv2D(FEATURES, 1)(hidden)
    hidden = keras.layers.ReLU(max_value=6.0)(hidden)
    keras.Model(image, keras.layers.GlobalAveragePooling2D()(hidden)).save(path)


def measure(kind: str, place: Path, epochs: int) -> None:
    """In the child: prints what it came to."""
    import resource

    from packager.bench.trial import peak_memory
    from packager.build import (
        AppSettings,
        BuildSettings,
        HeadSettings,
        ModelSettings,
        OutputSettings,
        PhotoSettings,
        QuantizationSettings,
        build,
    )
    from packager.classifier_file import evaluate_file
    from packager.record import as_json

    out, photos = place / "out", place / "photos"
    begun = time.monotonic()
    told: dict[str, Any] = {}
    if kind == "build":
        built = build(
            BuildSettings(
                model=ModelSettings(
                    backbone=place / "tiny.keras", input_size=SIDE, mean="127.5", std="127.5"
                ),
                photos=PhotoSettings(photos),
                quantization=QuantizationSettings("none"),
                head=HeadSettings(epochs=epochs),
                app=AppSettings(android=False),
                output=OutputSettings(out),
            )
        )
        steps = sorted(built.seconds.items(), key=lambda step: -step[1])[1:4]
        told["longest"] = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in steps)
        for name in ("report.json", "report.html"):
            told[name] = f"{(out / name).stat().st_size / 1e6:.2f} MB"
    else:
        result = evaluate_file(out / "model.tflite", photos, part=kind)
        told["photos"] = len(result.evaluation.photos)
        told["--json"] = f"{len(as_json(result).encode()) / 1e6:.2f} MB"
    told["seconds"] = round(time.monotonic() - begun, 1)
    of_child = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # runs the model
    told["peak"] = f"{max(peak_memory() or 0, of_child) / 2**20:.0f} MiB"
    print(json.dumps(told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classes", type=int, nargs="+", default=[1000, 20000])
    parser.add_argument("--photos", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure[0], Path(given.measure[1]), given.epochs)
        return
    for classes in given.classes:
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            write_photos(place / "photos", classes, given.photos)
            write_backbone(place / "tiny.keras")
            for kind in ("build", "test", "all"):
                row = [sys.executable, __file__, "--epochs", str(given.epochs), "--measure", kind]
                told = subprocess.run([*row, name], capture_output=True, text=True)
                said = (told.stdout if told.returncode == 0 else told.stderr).splitlines()[-1:]
                print(f"{classes} classes, {kind}: {' '.join(said)}", flush=True)


if __name__ == "__main__":
    main()
