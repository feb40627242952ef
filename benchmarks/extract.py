"""Feature extraction against a bare loop of decode and LiteRT invoke, side by side in one run.

    python benchmarks/extract.py PHOTOS [--rounds 3] [--times 10]

The bare loop does what must be done and nothing else: decode a photo, make the same two views,
run each through one interpreter on two threads. packager's extraction also keeps each result in
the cache. Both are timed on the wall and by the processor seconds of all their threads. Then the
peak memory of extraction over all photos, and over the photos listed `--times` over (copies that
differ in one trailing byte, so that the cache knows none of them); 0 leaves that out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypeAlias

import numpy as np

Seconds: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"  # wall, processor


def now() -> Seconds:
    return np.array([time.monotonic(), time.process_time()])


def backbone() -> bytes:
    from packager.backbones.weights import find_weights
    from packager.export.convert import converted_backbone
    from packager.specs import get_spec

    spec = get_spec("lite0")
    return converted_backbone(spec, find_weights(spec)).model


def bare_loop(paths: list[Path], model: bytes) -> Seconds:
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image

    begun = now()
    interpreter = Interpreter(model_content=model, num_threads=2)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    for path in paths:
        image = Image.open(path).convert("RGB")
        width, height = image.size
        side = 0.875 * min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
        for square in (
            image.transform((224, 224), Image.Transform.EXTENT, (0, 0, width, height), 2),
            image.resize((224, 224), Image.Resampling.BILINEAR, box=box),
        ):
            pixels = (np.asarray(square, np.float32) - np.float32(127)) / np.float32(128)
            interpreter.set_tensor(source, pixels[None])
            interpreter.invoke()
            interpreter.get_tensor(target)
    return now() - begun


def extraction(root: Path, model: bytes) -> Seconds:
    from packager.data.folder import scan_folder
    from packager.specs import get_spec
    from packager.training.extraction import extract_features
    from packager.training.features import FeatureStore

    spec = get_spec("lite0")
    photos = scan_folder(root).photos
    with tempfile.TemporaryDirectory() as cache:
        store = FeatureStore(spec, "0" * 64, Path(cache))
        begun = now()
        extract_features(photos, spec, model, store)
        return now() - begun


def peak_memory(root: Path, model: Path) -> float:
    """MiB, of a process of its own."""
    told = subprocess.run(
        [sys.executable, __file__, str(root), "--measure", str(model)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(json.loads(told.stdout.splitlines()[-1])["peak_mib"])


def copies(root: Path, times: int, target: Path) -> None:
    for path in sorted(root.rglob("*.jpg")):
        content = path.read_bytes()
        for number in range(times):
            copy = target / path.relative_to(root).with_stem(f"{path.stem}-{number}")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content + bytes([number]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        extraction(given.photos, given.measure.read_bytes())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"peak_mib": peak}))
        return
    model = backbone()
    paths = sorted(given.photos.rglob("*.jpg"))
    print(f"{len(paths)} photos, 2 views each, {os.cpu_count()} cores")
    ratios: list[Seconds] = []
    for number in range(given.rounds):
        bare = bare_loop(paths, model)
        ours = extraction(given.photos, model)
        ratios.append(ours / bare)
        for name, one, other, ratio in zip(
            ("wall", "processor"), bare, ours, ratios[-1], strict=True
        ):
            print(f"round {number + 1}, {name}: bare loop {one:.2f} s, extraction {other:.2f} s, "
                  f"ratio {ratio:.3f}")  # fmt: skip
    for name, each in zip(("wall", "processor"), np.transpose(ratios), strict=True):
        print(f"median ratio, {name}: {np.median(each):.3f}")
    if not given.times:
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "backbone.tflite")
        file.write_bytes(model)
        once = peak_memory(given.photos, file)
        many = Path(folder, "many")
        copies(given.photos, given.times, many)
        often = peak_memory(many, file)
        shutil.rmtree(many)
    print(f"peak memory: {once:.0f} MiB once, {often:.0f} MiB listed {given.times} times over, "
          f"ratio {often / once:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
