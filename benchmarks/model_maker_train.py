"""One training by MediaPipe Model Maker, for model_maker.py, which runs this in an environment
that has Model Maker and not packager.

    TFHUB_CACHE_DIR=MODULES python benchmarks/model_maker_train.py PHOTOS OUT [--fine-tune]
        [--seed 0] [--epochs 10] [--batch-size 2] [--no-export]

PHOTOS has the folders train and validation, with a subfolder a class. OUT gets float.tflite and
int8.tflite, and timing.json: seconds from the start to the end of training, of processors too, and
of each epoch after the first, validation included.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import time
from itertools import pairwise
from pathlib import Path


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    begun = time.monotonic()
    import tensorflow as tf
    from mediapipe_model_maker import image_classifier, quantization

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fine-tune", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=image_classifier.HParams.epochs)
    parser.add_argument("--batch-size", type=int, default=image_classifier.HParams.batch_size)
    parser.add_argument("--no-export", action="store_true")
    given = parser.parse_args()
    random.seed(given.seed)  # the order of the photos, which stays the same in each epoch
    tf.random.set_seed(given.seed)
    train, validation = (
        image_classifier.Dataset.from_folder(str(given.photos / part))
        for part in ("train", "validation")
    )
    hparams = image_classifier.HParams(
        epochs=given.epochs,
        batch_size=given.batch_size,
        do_fine_tuning=given.fine_tune,
        export_dir=str(given.out),
    )
    options = image_classifier.ImageClassifierOptions(
        supported_model=image_classifier.SupportedModels.EFFICIENTNET_LITE0, hparams=hparams
    )
    model = image_classifier.ImageClassifier.create(train, validation, options)
    # each epoch ends with a checkpoint
    ends = sorted(each.stat().st_mtime for each in given.out.glob("checkpoint/model-*.index"))
    timing = {
        "seconds": time.monotonic() - begun,
        "processor": processor_seconds(),
        "epoch_seconds": [after - before for before, after in pairwise(ends)],
    }
    (given.out / "timing.json").write_text(json.dumps(timing))
    if not given.no_export:
        model.export_model("float.tflite")
        model.export_model("int8.tflite", quantization.QuantizationConfig.for_int8(train))


if __name__ == "__main__":
    main()
