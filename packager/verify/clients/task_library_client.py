"""Classifies photos with the TFLite Task Library; run by the Python of its environment."""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

from pathlib import Path
from typing import Any

from protocol import serve


def start(model: str) -> tuple[dict[str, Any], Any, Any]:
    from importlib.metadata import version

    from tflite_support import metadata
    from tflite_support.task.core import BaseOptions
    from tflite_support.task.processor import ClassificationOptions
    from tflite_support.task.vision import ImageClassifier, ImageClassifierOptions, TensorImage

    content = Path(model).read_bytes()
    facts: dict[str, Any] = {"version": version("tflite-support")}
    try:
        displayer = metadata.MetadataDisplayer.with_model_buffer(content)
        facts["metadata"] = displayer.get_metadata_json()
        facts["files"] = displayer.get_packed_associated_file_list()
    except ValueError:  # no metadata
        facts["metadata"] = ""
    options = ImageClassifierOptions(
        base_options=BaseOptions(file_content=content),
        # All answers count here, those below the threshold in the metadata too.
        classification_options=ClassificationOptions(score_threshold=0.0),
    )
    classifier = ImageClassifier.create_from_options(options)

    def classify(image: Any) -> list[tuple[int, str, float]]:
        scores = classifier.classify(image).classifications[0].categories
        return [(score.index, score.category_name or "", score.score) for score in scores]

    return facts, TensorImage.create_from_array, classify


serve(start)
