"""Model files with bytes changed: read without running them, and run by `predict`."""

from __future__ import annotations

from pathlib import Path

import pytest

from packager.classifier_file import open_classifier, predict_photos
from packager.inspection import inspect_model
from packager.metadata.writer import ClassifierMetadata, write_metadata
from packager.record import as_json
from tests.fuzz.mutation import COUNT, check, mutated_bytes
from tests.metadata.tiny_models import T, tiny_model

LABELS = ClassifierMetadata(("a", "b", "c"), name="n", mean=(127.0,), std=(128.0,))


@pytest.fixture(scope="module")
def models() -> list[bytes]:
    quantized = tiny_model(io=T.UINT8, weights=T.INT8)
    return [write_metadata(each, LABELS) for each in (tiny_model(), quantized)]


@pytest.mark.parametrize("function", [inspect_model, open_classifier])
def test_fuzz_tflite(function, models: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        found = function(path)
        if function is inspect_model:
            as_json(found)

    check(read, mutated_bytes(models))


@pytest.mark.slow
def test_fuzz_predict(
    models: list[bytes], tiny_classifier: bytes, flowers: Path, tmp_path: Path
) -> None:
    """A process for each; LiteRT dies of some."""
    path = tmp_path / "model.tflite"
    photo = min(flowers.glob("*/*.jpg"))

    def read(content: bytes) -> None:
        path.write_bytes(content)
        predict_photos(path, [photo])

    convolutions = write_metadata(tiny_classifier, LABELS)
    check(read, mutated_bytes([*models, convolutions], COUNT // 15))
