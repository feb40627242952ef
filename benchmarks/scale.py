"""Peak memory of a build's steps as the photos grow tenfold: scan, split, extraction, training.

    python benchmarks/scale.py [PHOTOS] [--photos 3670 36700] [--limit 512] [--epochs 2]

PHOTOS is a folder with one subfolder a class (such as the flower photos); without it five classes
are drawn. Its photos are made small and written as often as it takes, no two with the same bytes.
The backbone is a small one with as many features as EfficientNet-Lite's, so that what is kept for
a photo is of its true size while most of the time goes elsewhere. Each row is a process of its own.

The last two rows have a limit on what a process may allocate (RLIMIT_DATA, in MiB): with all
vectors in memory, as if the budget had no end, and as packager does it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

SIDE = 32  # pixels
FEATURES = 1280


def backbone() -> bytes:
    import keras

    from packager.export.convert import convert

    keras.utils.set_random_seed(3)
    image = keras.Input((SIDE, SIDE, 3))
    hidden = keras.layers.Conv2D(16, 8, strides=8, padding="same")(image)
    hidden = keras.layers.ReLU(max_value=6.0)(hidden)
    hidden = keras.layers.Conv2D(FEATURES, 1)(hidden)
    hidden = keras.layers.ReLU(max_value=6.0)(hidden)
    return convert(keras.Model(image, keras.layers.GlobalAveragePooling2D()(hidden)))


def small_photos(root: Path | None) -> dict[str, list[bytes]]:
    """PNG files by class."""
    from PIL import Image

    def png(image: Image.Image) -> bytes:
        content = io.BytesIO()
        image.resize((SIDE, SIDE)).save(content, "PNG")
        return content.getvalue()

    if root is None:
        random = np.random.default_rng(0)
        colors = random.integers(0, 256, (5, 3))
        return {
            f"class {number}": [
                png(Image.fromarray((color + random.integers(0, 90, (8, 8, 3))).astype(np.uint8)))
                for _ in range(20)
            ]
            for number, color in enumerate(colors)
        }
    found: dict[str, list[bytes]] = {}
    for path in sorted(root.glob("*/*.[jp]*g")):
        with Image.open(path) as image:
            image.draft("RGB", (SIDE, SIDE))
            found.setdefault(path.parent.name, []).append(png(image.convert("RGB")))
    return found


def write_photos(photos: dict[str, list[bytes]], count: int, target: Path) -> None:
    for number in range(count):
        label = sorted(photos)[number % len(photos)]
        of_class = photos[label]
        folder = target / label
        folder.mkdir(parents=True, exist_ok=True)
        # What follows the end of a PNG changes its digest and nothing else.
        content = of_class[number // len(photos) % len(of_class)] + number.to_bytes(4, "big")
        (folder / f"photo_{number:06d}.png").write_bytes(content)


def measure(root: Path, model: Path, epochs: int, budget: int | None, limit: int) -> None:
    """In the child: prints what each step came to."""
    import resource

    from packager.bench.trial import peak_memory
    from packager.data.folder import scan_folder
    from packager.data.split import split_photos
    from packager.specs import get_spec
    from packager.training.extraction import extract_features
    from packager.training.features import MEMORY_BUDGET, FeatureStore, load_features
    from packager.training.head import train_head
    from packager.training.settings import HeadSettings

    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit << 20, limit << 20))
    peaks: dict[str, float] = {}
    begun = time.monotonic()

    def done(step: str) -> None:
        peaks[step] = (peak_memory() or 0) / 2**20

    spec = replace(get_spec("lite0"), input_size=SIDE, feature_size=FEATURES)
    folder = scan_folder(root)
    split = split_photos(folder)
    done("scan and split")
    store = FeatureStore(spec, "0" * 64, root.parent)
    extract_features((*split.train, *split.validation), spec, model.read_bytes(), store)
    done("extraction")
    budget = MEMORY_BUDGET if budget is None else budget
    train, validation = (
        load_features(part, store, budget=budget) for part in (split.train, split.validation)
    )
    head = train_head(train, validation, len(folder.classes), HeadSettings(epochs=epochs))
    done("training")
    print(json.dumps({
        "peaks": peaks,
        "seconds": time.monotonic() - begun,
        "loss": head.curves[-1].loss,
    }))  # fmt: skip


def child(root: Path, model: Path, epochs: int, budget: int | None = None, limit: int = 0) -> str:
    given = json.dumps([str(root), str(model), epochs, budget, limit])
    told = subprocess.run(
        [sys.executable, __file__, "--measure", given],
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # its threads' buffers count in the limit
    )  # fmt: skip
    if told.returncode:
        return f"fails: {told.stderr.strip().splitlines()[-1]}"
    result = json.loads(told.stdout.splitlines()[-1])
    steps = ", ".join(f"{step} {peak:.0f} MiB" for step, peak in result["peaks"].items())
    return f"{steps}; {result['seconds']:.0f} s, loss {result['loss']:.6f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, nargs="?")
    parser.add_argument("--photos", type=int, nargs="+", default=[3670, 36700])
    parser.add_argument("--limit", type=int, default=512)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        root, model, epochs, budget, limit = json.loads(given.measure)
        measure(Path(root), Path(model), epochs, budget, limit)
        return
    photos = small_photos(given.root)
    with tempfile.TemporaryDirectory() as place:
        model = Path(place, "backbone.tflite")
        model.write_bytes(backbone())
        for count in given.photos:
            root = Path(place, str(count), "photos")
            write_photos(photos, count, root)
            print(f"{count} photos: {child(root, model, given.epochs)}", flush=True)
        for name, budget in (("all in memory", 1 << 60), ("as usual", None)):
            told = child(root, model, given.epochs, budget, given.limit)
            print(f"{count} photos, {given.limit} MiB, {name}: {told}", flush=True)


if __name__ == "__main__":
    main()
