from __future__ import annotations

import numpy as np
import pytest

from packager.errors import MetadataError, ModelFileError
from packager.inference import Classifier, Normalisation
from tests.conftest import images

NORMALISATION = Normalisation((127.0,), (128.0,))


def test_garbage_is_no_model() -> None:
    with pytest.raises(ModelFileError, match="the model is damaged"):
        Classifier(b"\x18\0\0\0TFL3" + b"garbage" * 40, NORMALISATION)


@pytest.mark.slow
def test_float_model_without_normalisation_is_refused(tiny_classifier: bytes) -> None:
    with pytest.raises(MetadataError, match="float32 input, and its metadata has no normalisation"):
        Classifier(tiny_classifier)


@pytest.mark.slow
def test_normalisation_by_channel(tiny_classifier: bytes) -> None:
    image = next(images(1))
    same = Classifier(tiny_classifier, Normalisation((127.0,) * 3, (128.0,) * 3))
    other = Classifier(tiny_classifier, Normalisation((127.0, 127.0, 10.0), (128.0, 128.0, 30.0)))
    one = Classifier(tiny_classifier, NORMALISATION)
    np.testing.assert_array_equal(one.scores(image), same.scores(image))
    assert np.abs(one.scores(image) - other.scores(image)).max() > 1e-3


@pytest.mark.slow
def test_backbone_is_no_classifier_of_one_image(tiny_backbone: bytes) -> None:
    """Features come out of it, in the shape of scores: it runs, with 16 of them."""
    classifier = Classifier(tiny_backbone, NORMALISATION)
    assert classifier.classes == 16
    assert classifier.size == (32, 32)


@pytest.mark.slow
def test_models_of_other_shapes_are_refused() -> None:
    import keras

    from packager.export.convert import convert

    gray = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    with pytest.raises(ModelFileError, match="not an image classifier: its input is grayscale"):
        Classifier(convert(gray), NORMALISATION)
    dense = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 1)])
    with pytest.raises(ModelFileError, match="its output is a map over the picture"):
        Classifier(convert(dense), NORMALISATION)
