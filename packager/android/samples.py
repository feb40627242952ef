"""Photos that a generated project is measured with, and what the model says of them here."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

from packager import files
from packager.inference import Classifier, Normalisation
from packager.record import as_json

_LONGEST = 480  # pixels; they are part of the app


def write_samples(
    folder: Path,
    photos: Sequence[Path],
    model: bytes,
    labels: Sequence[str],
    normalisation: Normalisation,
) -> int:
    """Writes `photos/NN.png` and `predictions.json`; gives the number of files.

    PNG, so that the phone decodes the same pixels. The predictions are of the PNG, stretched, and
    named by the model's SHA-256: another model in its place finds none and compares nothing.
    """
    from packager.data.images import open_photo, view

    classifier = Classifier(model, normalisation)
    predictions = []
    for number, path in enumerate(photos):
        image = open_photo(path)
        scale = min(1.0, _LONGEST / max(image.size))
        image = image.resize([max(1, round(side * scale)) for side in image.size])
        content = io.BytesIO()
        image.save(content, "PNG", optimize=True)
        name = f"{number:02}.png"
        files.write_bytes(folder / "photos" / name, content.getvalue())
        scores = classifier.scores(view(image, "stretch", classifier.size[0]))
        best = int(scores.argmax())
        predictions.append(
            {"file": name, "label": labels[best], "index": best, "score": float(scores[best])}
        )
    record = {"format": 1, "models": {hashlib.sha256(model).hexdigest(): predictions}}
    files.write_text(folder / "predictions.json", as_json(record))
    return len(photos) + 1
