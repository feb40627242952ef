from __future__ import annotations

import numpy as np
import pytest

from packager.errors import ModelFileError
from packager.export import aware, flatbuffer
from packager.export.aware import train_tail
from packager.export.calibration import activation_ranges
from packager.export.full_integer import quantize_in_ranges
from packager.export.quantize import quantize_weights
from packager.export.sensitivity import LogitNoise, logits, values_of
from tests.export.networks import (
    INPUT_RANGE,
    excited_classifier,
    pictures,
    residual_classifier,
    unequalised,
)

pytestmark = pytest.mark.slow

TRAIN = pictures(100, seed=5)
UNSEEN = pictures(40, seed=6)
RANGES = dict[int, tuple[float, float]]


@pytest.fixture(scope="module")
def model() -> bytes:
    return unequalised(residual_classifier(), [1, 4, 5, 8, 9], 8.0)


@pytest.fixture(scope="module")
def ranges(model: bytes) -> RANGES:
    return activation_ranges(model, TRAIN)


def int8(model: bytes, ranges: RANGES) -> bytes:
    return quantize_in_ranges(model, ranges, io="float32", input_range=INPUT_RANGE)


def test_tail_computes_what_the_int8_file_does(model: bytes, ranges: RANGES) -> None:
    quantized = int8(model, ranges)
    graph = aware._Graph(model, quantized)
    start = graph.tail()
    assert start == 1  # all but the first convolution: the model is small
    tail = aware._Tail(graph, start)
    inputs = np.concatenate(list(values_of(quantized, graph.twin(start - 1), UNSEEN)))
    ours, theirs = tail(inputs).numpy(), logits(quantized, UNSEEN)
    assert np.abs(ours - theirs).mean() < 0.05 * np.abs(logits(model, UNSEEN) - theirs).mean()
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).all()


def test_tail_computes_squeeze_and_excitation_as_the_int8_file_does() -> None:
    model = excited_classifier()
    quantized = int8(model, activation_ranges(model, TRAIN))
    graph = aware._Graph(model, quantized)
    start = graph.tail()
    kinds = {graph.name(number) for number in range(start, len(graph.operators))}
    assert {"MUL", "HARD_SWISH", "LOGISTIC"} <= kinds
    inputs = np.concatenate(list(values_of(quantized, graph.twin(start - 1), UNSEEN)))
    ours, theirs = aware._Tail(graph, start)(inputs).numpy(), logits(quantized, UNSEEN)
    # LiteRT's hard-swish rounds once more on the way: a step or two of the logits.
    assert np.abs(ours - theirs).mean() < 0.5 * np.abs(logits(model, UNSEEN) - theirs).mean()


def test_training_lessens_the_noise_over_unseen_pictures(
    model: bytes, ranges: RANGES, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aware, "_STEPS", 120)
    quantized = int8(model, ranges)
    trained = train_tail(model, quantized, lambda: TRAIN, seed=1)
    assert trained is not None
    assert trained.after_db > trained.before_db
    noise = LogitNoise(model, UNSEEN)
    assert noise.sqnr_db(int8(trained.model, ranges)) > noise.sqnr_db(quantized) + 1


def test_training_that_gives_nothing_is_told(model: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aware, "_STEPS", 1)
    monkeypatch.setattr(aware, "_RATE", 10.0)
    assert train_tail(model, quantize_weights(model), lambda: TRAIN[:20], seed=1) is None


def test_same_seed_same_constants(
    model: bytes, ranges: RANGES, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aware, "_STEPS", 10)
    quantized = int8(model, ranges)
    one, two = (train_tail(model, quantized, lambda: TRAIN[:30], seed=1) for _ in range(2))
    assert one is not None
    assert two is not None
    values = [
        [
            flatbuffer.constant(parsed, tensor)
            for tensor in parsed.subgraphs[0].tensors
            if flatbuffer.constant(parsed, tensor) is not None
        ]
        for parsed in (flatbuffer.unpack(one.model), flatbuffer.unpack(two.model))
    ]
    for first, second in zip(*values, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-6)


def test_unknown_operator_at_the_end_is_refused() -> None:
    import keras

    from packager.export.convert import convert

    keras.utils.set_random_seed(1)
    image = keras.Input((32, 32, 3))
    hidden = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    model = convert(keras.Model(image, keras.layers.Activation("tanh")(hidden)))
    with pytest.raises(ModelFileError, match="can't train a tail that ends in TANH"):
        train_tail(model, model, lambda: TRAIN[:4], seed=1)
