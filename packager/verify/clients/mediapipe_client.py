"""Classifies photos with MediaPipe Tasks; run by the Python of its environment."""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

from pathlib import Path
from typing import Any

from protocol import serve


def start(model: str) -> tuple[dict[str, Any], Any, Any]:
    import mediapipe
    from mediapipe.tasks.python import BaseOptions
    from mediapipe.tasks.python.vision import ImageClassifier, ImageClassifierOptions

    base = BaseOptions(model_asset_buffer=Path(model).read_bytes())
    # All answers count here, those below the threshold in the metadata too.
    options = ImageClassifierOptions(base_options=base, score_threshold=1e-6)
    classifier = ImageClassifier.create_from_options(options)

    def make_image(pixels: Any) -> Any:
        return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)

    def classify(image: Any) -> list[tuple[int, str, float]]:
        scores = classifier.classify(image).classifications[0].categories
        return [(score.index, score.category_name or "", score.score) for score in scores]

    return {"version": mediapipe.__version__}, make_image, classify


serve(start)
