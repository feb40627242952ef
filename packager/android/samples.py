"""Sample photos for measurements on a phone, and the models' predictions for them here."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from packager import files, pool
from packager.contract import DescribedModel
from packager.data.images import open_photo, view
from packager.errors import DataError
from packager.inference import Classifier, Normalisation
from packager.record import as_json

_LONGEST = 480  # pixels; they are part of the app
_COMPRESSION = 4  # zlib's; the highest takes five times as long to save 1.5 % of the bytes


def write_sample_photos(
    folder: Path, photos: Sequence[Path], models: Sequence[DescribedModel]
) -> int:
    """Writes `photos/NN.png` and `predictions.json`; gives the number of files.

    PNG, so that the phone decodes the same pixels. The predictions are of the PNG, resized by
    the model's own rule, and named by the model's SHA-256: another model in its place finds none
    and compares nothing.

    Raises:
        ModelFileError: LiteRT can't run a model. OSError: the folder can't be written.
    """
    predictions: list[list[dict[str, Any]]] = [[] for _ in models]
    number = 0
    for sample in pool.each(lambda: _classifiers(models), _sample, photos):
        if sample is None:
            continue
        name = f"{number:02}.png"
        number += 1
        files.write_bytes(folder / "photos" / name, sample.png)
        for model, scores, said in zip(models, sample.scores, predictions, strict=True):
            best = int(scores.argmax())
            said.append({"file": name, "label": model.labels[best], "index": best,
                         "score": float(scores[best])})  # fmt: skip
    digests = [hashlib.sha256(model.model).hexdigest() for model in models]
    record = {"format": 1, "models": dict(zip(digests, predictions, strict=True))}
    files.write_text(folder / "predictions.json", as_json(record))
    return number + 1


class _Sample(NamedTuple):
    """A photo as the app gets it, and each model's scores of it."""

    png: bytes
    scores: list[np.ndarray[Any, Any]]


def _classifiers(models: Sequence[DescribedModel]) -> list[tuple[Classifier, str]]:
    """One thread's, each with the view that its model is given."""
    classifiers = []
    for model in models:
        pixels = model.spec["input"]
        normalisation = Normalisation(tuple(pixels["mean"]), tuple(pixels["std"]))
        logits = model.spec["output"]["semantics"] == "logits"
        classifier = Classifier(model.model, normalisation, logits=logits)
        classifiers.append((classifier, model.spec["resize"]["rule"]))
    return classifiers


def _sample(classifiers: list[tuple[Classifier, str]], path: Path) -> _Sample | None:
    """None for a photo that vanished or changed meanwhile; the measurement has reported that."""
    try:
        image = open_photo(path)
    except DataError:
        return None
    scale = min(1.0, _LONGEST / max(image.size))
    image = image.resize([max(1, round(side * scale)) for side in image.size])
    content = io.BytesIO()
    # Without a colour profile, by which Android would convert them.
    image.save(content, "PNG", compress_level=_COMPRESSION, icc_profile=None)
    scores = [each.scores(view(image, rule, each.size)) for each, rule in classifiers]
    return _Sample(content.getvalue(), scores)
