"""MediaPipe Model Maker on the photos and the splits of accuracy.py: test top-1 and seconds.

    python3.11 -m venv ENV
    ENV/bin/pip install mediapipe-model-maker==0.2.1.4 "mediapipe<0.10.30" "setuptools<82" \\
        "tensorflow-metadata<1.17"
    python benchmarks/model_maker.py --python ENV/bin/python --data PHOTOS rings
        [--modes none full] [--batch-sizes 2] [--epochs 10] [--seeds 0 1 2 3 4] [--split 80/10/10]
        [--results FILE] [--ours FILE]

This process has packager: it splits the photos, writes packager's own EfficientNet-Lite0 as a
module of TensorFlow Hub, and evaluates what Model Maker exports, on the test photos and in both
views. ENV, which can't have packager too, trains: model_maker_train.py. What isn't said here are
Model Maker's defaults. float and int8 are the mean of both views, as in accuracy.py, and seconds
are of training, the import included. --results is as there; --ours is accuracy.py's, for lines of
the same seeds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accuracy import interval, measured_rows, read_rows, task_photos

from packager.build.photos import Photos, look_at_photos
from packager.classifier_file import open_classifier
from packager.clock import Clock, SharedWork
from packager.data.images import VIEWS
from packager.data.settings import PhotoSettings
from packager.evaluation import evaluate_model
from packager.specs import get_spec

# What Model Maker asks TensorFlow Hub for
LITE0 = "https://tfhub.dev/tensorflow/efficientnet/lite0/feature-vector/2"
TRAIN = Path(__file__).resolve().with_name("model_maker_train.py")


def module_folder(cache: Path, url: str) -> Path:
    """Where tensorflow_hub looks for a module before it downloads it."""
    return cache / hashlib.sha1(url.encode()).hexdigest()


def write_module(folder: Path) -> None:
    """EfficientNet-Lite0 with its pretrained weights, as a reusable SavedModel: from pixels of 0..1
    to feature vectors. Training uses the batch's own statistics, and updates the stored ones."""
    import keras
    import tensorflow as tf

    from packager.backbones.pretrained import build_backbone
    from packager.backbones.weights import find_weights

    class FusedNorm(keras.layers.BatchNormalization):
        """TensorFlow's own operator: an epoch of fine-tuning takes 14 s, with Keras's 20."""

        def call(self, x: Any, training: bool = False, mask: None = None) -> Any:  # noqa: ARG002
            stored = [self.moving_mean, self.moving_variance]
            y, *own = tf.compat.v1.nn.fused_batch_norm(
                x, self.gamma, self.beta, *([None, None] if training else stored), self.epsilon,
                is_training=training,
            )  # fmt: skip
            if training:
                for old, new in zip(stored, own, strict=True):
                    old.assign(self.momentum * old + (1 - self.momentum) * new)
            return y

    def fused(layer: Any) -> Any:
        norm = isinstance(layer, keras.layers.BatchNormalization)
        return (FusedNorm if norm else type(layer)).from_config(layer.get_config())

    spec = get_spec("lite0")
    pretrained = build_backbone(spec, find_weights(spec, "auto"))
    model = keras.models.clone_model(pretrained, clone_function=fused)
    model.set_weights(pretrained.get_weights())

    @tf.function
    def call(images: Any, training: bool = False) -> Any:
        return model((255 * images - spec.mean) / spec.std, training=training)

    images = tf.TensorSpec([None, spec.input_size, spec.input_size, 3], tf.float32)
    for training in (False, True):
        call.get_concrete_function(images, training=training)
    module = tf.train.Checkpoint()
    module.__call__ = call
    module.variables = [each.value for each in model.variables]
    module.trainable_variables = [each.value for each in model.trainable_variables]
    tf.saved_model.save(module, str(folder))


def link_photos(photos: Photos, folder: Path) -> None:
    """The training and the validation photos as links, in a subfolder a class."""
    for part in ("train", "validation"):
        for number, photo in enumerate(getattr(photos.split, part)):
            own = folder / part / photos.folder.classes[photo.label]
            own.mkdir(parents=True, exist_ok=True)
            (own / f"{number:05d}{photo.path.suffix}").symlink_to(photo.path.resolve())


def top1(model: Path, photos: Photos) -> dict[str, float]:
    """Percent of the test photos, by view, of a file with metadata."""
    file = open_classifier(model)
    assert file.labels == tuple(photos.folder.classes)
    measured = evaluate_model(file.model, photos.split.test, file.labels, file.normalisation)
    return {view: 100 * measured.top1(view) for view in VIEWS}


def measure(
    python: Path, modules: Path, data: Path, case: dict[str, Any], split: str
) -> dict[str, Any]:
    """One training: top-1 in percent, seconds, and seconds of an epoch."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "out"
        photos = look_at_photos(
            PhotoSettings(data, split), case["seed"], out, shared=SharedWork(), clock=Clock()
        )
        link_photos(photos, folder / "photos")
        # -I: packager's PYTHONPATH is not for another Python
        command = [str(python), "-I", str(TRAIN), str(folder / "photos"), str(out)]
        command += ["--seed", str(case["seed"]), "--epochs", str(case["epochs"])]
        command += ["--batch-size", str(case["batch_size"])]
        command += ["--fine-tune"] if case["mode"] == "full" else []
        environment = {**os.environ, "TFHUB_CACHE_DIR": str(modules)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"Model Maker failed:\n{done.stderr[-3000:]}")
        views = {kind: top1(out / f"{kind}.tflite", photos) for kind in ("float", "int8")}
        timing = json.loads((out / "timing.json").read_text())
    means = {kind: statistics.mean(each.values()) for kind, each in views.items()}
    return {**means, "views": views, **timing}


def table(rows: Sequence[dict[str, Any]], ours: Sequence[dict[str, Any]] = ()) -> str:
    """Markdown: a line for each of Model Maker's settings and of our modes, of the seeds that all
    have; float and int8 with 95 % intervals."""
    lines: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows:
        what = "fine-tuned" if row["mode"] == "full" else "frozen"
        setting = f"{row['epochs']} epochs, batches of {row['batch_size']}"
        lines.setdefault(f"Model Maker, {what}, {setting}", {})[row["seed"]] = row
    for row in ours:
        lines.setdefault(f"packager, `{row['mode']}`", {})[row["seed"]] = row
    seeds = sorted(set.intersection(*(set(found) for found in lines.values())))
    if not seeds:
        return "no seed has every line"
    text = [
        f"{len(seeds)} seeds: {', '.join(map(str, seeds))}",
        "",
        "| | float | int8 | int8 stretch | int8 crop | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for name, by_seed in lines.items():
        own = [by_seed[seed] for seed in seeds]
        cells = [interval([row[kind] for row in own]) for kind in ("float", "int8")]
        for view in VIEWS:  # accuracy.py keeps the mean of both only
            values = [row["views"]["int8"][view] for row in own if "views" in row]
            cells.append(f"{statistics.mean(values):.1f}" if values else "")
        cells.append(f"{statistics.mean(row['seconds'] for row in own):.0f}")
        text.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, required=True, help="of Model Maker's environment")
    parser.add_argument("--data", nargs="+", required=True, help="folders of photos, or rings")
    parser.add_argument("--modes", nargs="+", choices=("none", "full"), default=("none", "full"))
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[2])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    parser.add_argument("--split", default="80/10/10")
    parser.add_argument("--results", type=Path, help="JSON lines, read and appended to")
    parser.add_argument("--ours", type=Path, help="results of accuracy.py, of the same split")
    given = parser.parse_args()
    cases = [
        {"data": data, "mode": mode, "batch_size": size, "epochs": given.epochs, "seed": seed}
        for seed in given.seeds
        for data in given.data
        for mode in given.modes
        for size in given.batch_sizes
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_module(module_folder(folder / "modules", LITE0))
        rows = measured_rows(
            cases,
            lambda case: measure(
                given.python.absolute(), folder / "modules",
                task_photos(case["data"], folder), case, given.split,
            ),
            given.results,
        )  # fmt: skip
    for data in given.data:
        print(f"\n{data}, split {given.split}; ", end="")
        asked = [case for case in cases if case["data"] == data]
        ours = [row for row in read_rows(given.ours) if row["data"] == data]
        print(table([row for row in rows if any(c.items() <= row.items() for c in asked)], ours))


if __name__ == "__main__":
    main()
