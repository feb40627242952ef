from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from packager.errors import ModelFileError
from packager.export import flatbuffer
from packager.export.quantize import quantize
from packager.export.unknown import UnknownRule, attach_unknown
from packager.training.unknown import nearness
from tests.conftest import images
from tests.export.networks import INPUT_RANGE, pictures
from tests.export.test_head import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rule(tiny_backbone: bytes) -> UnknownRule:
    """Knows half of the pictures. Its directions are those that a random network tells apart."""
    features = np.stack([run(tiny_backbone, each) for each in pictures(60, seed=3)])
    main = np.linalg.svd(features - features.mean(0), full_matrices=False)[2][:2]
    directions = np.concatenate([main, -main]).astype(np.float32)
    near = nearness(features, directions)
    return UnknownRule(directions, float(np.median(near)), 3 / float(near.std()))


def scores(model: bytes, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    from packager.inference import Classifier, Normalisation

    return Classifier(model, Normalisation((127,), (128,))).scores(pixels)


def test_the_last_score_is_of_the_rule_and_the_others_stay_in_proportion(
    tiny_classifier: bytes, tiny_backbone: bytes, rule: UnknownRule
) -> None:
    model = attach_unknown(tiny_classifier, rule)
    unknown = 0
    for image in pictures(20, seed=5):
        before, after = run(tiny_classifier, image), run(model, image)
        near = nearness(run(tiny_backbone, image), rule.directions)
        logit = np.log(before.max()) + rule.slope * (rule.threshold - near)
        assert after[-1] == pytest.approx(np.exp(logit) / (np.exp(logit) + 1), rel=1e-3, abs=1e-6)
        np.testing.assert_allclose(after[:-1] / (1 - after[-1]), before, rtol=1e-3, atol=1e-5)
        assert (after.argmax() == 3) == (near < rule.threshold)
        unknown += int(near < rule.threshold)
    assert 0 < unknown < 20


@pytest.mark.parametrize("quantization", ["fp16", "dynamic", "int8", "int16x8"])
def test_quantized_files_say_unknown_where_the_float_file_does(
    tiny_classifier: bytes, rule: UnknownRule, quantization: str
) -> None:
    io = "uint8" if quantization == "int8" else "float32"
    plain = attach_unknown(tiny_classifier, rule)
    model = attach_unknown(
        quantize(
            tiny_classifier, quantization, io=io, input_range=INPUT_RANGE,
            representative=lambda: pictures(40, seed=1),
        ),
        rule,
    )  # fmt: skip
    agreed = clear = 0
    for pixels in images(40, seed=5):
        expected, given = scores(plain, pixels), scores(model, pixels)
        assert given.shape == (4,)
        assert given.sum() == pytest.approx(1, abs=0.02)
        if abs(expected[3] - expected[:3].max()) > 0.3:  # not on the edge
            clear += 1
            agreed += int(expected.argmax() == given.argmax())
    assert clear > 15
    assert agreed >= clear - 1


def test_an_int8_file_stays_int8_throughout(tiny_classifier: bytes, rule: UnknownRule) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = attach_unknown(
        quantize(
            tiny_classifier, "int8", io="uint8", input_range=INPUT_RANGE,
            representative=lambda: pictures(10, seed=1),
        ),
        rule,
    )  # fmt: skip
    parsed = flatbuffer.unpack(model)
    types = {tensor.type for tensor in parsed.subgraphs[0].tensors}
    assert schema.TensorType.FLOAT32 not in types
    names = {number: name for name, number in vars(schema.BuiltinOperator).items()}
    last = [
        names[flatbuffer.builtin_of(parsed, each)] for each in parsed.subgraphs[0].operators[-9:]
    ]
    assert last == [
        "FULLY_CONNECTED", "L2_NORMALIZATION", "FULLY_CONNECTED", "REDUCE_MIN", "REDUCE_MAX",
        "ADD", "CONCATENATION", "SOFTMAX", "QUANTIZE",
    ]  # fmt: skip


def test_what_is_far_from_everything_is_unknown_in_int8_however_sure_the_head_was(
    tiny_classifier: bytes, rule: UnknownRule
) -> None:
    strict = UnknownRule(rule.directions, 1.2, rule.slope * 10)
    model = attach_unknown(
        quantize(
            tiny_classifier, "int8", io="uint8", input_range=INPUT_RANGE,
            representative=lambda: pictures(20, seed=1),
        ),
        strict,
    )  # fmt: skip
    for pixels in images(20, seed=6):
        given = scores(model, pixels)
        assert given.argmax() == 3
        assert given[3] > 0.9


def test_a_model_without_a_head_is_refused(tiny_backbone: bytes, rule: UnknownRule) -> None:
    with pytest.raises(ModelFileError, match="doesn't end in a fully connected layer"):
        attach_unknown(tiny_backbone, rule)


def test_long_feature_vectors_are_compared_as_exactly_in_int8() -> None:
    import keras

    from packager.export.convert import convert
    from packager.export.head import attach_head

    keras.utils.set_random_seed(5)
    image = keras.Input((32, 32, 3))
    hidden = keras.layers.Conv2D(1280, 4, strides=4, activation="relu")(image)
    backbone = convert(keras.Model(image, keras.layers.GlobalAveragePooling2D()(hidden)))
    samples = pictures(20, seed=1)
    features = np.stack([run(backbone, each) for each in samples])
    lengths = np.linalg.norm(features, axis=1)
    assert ((lengths / (features.max() / 255)) ** 2 > 2**21).any()  # what LiteRT makes too long
    directions = features[:3] / lengths[:3, None]
    kernel = np.random.default_rng(0).normal(0, 0.1, (1280, 3)).astype(np.float32)
    plain = attach_head(backbone, kernel, np.zeros(3, np.float32))
    threshold = float(np.median(nearness(features[3:], directions)))
    rule = UnknownRule(directions, threshold, 40.0, length=float(lengths.max()))
    whole = quantize(
        plain, "int8", io="uint8", input_range=INPUT_RANGE, representative=lambda: samples
    )
    expected = [run(attach_unknown(plain, rule), each)[-1] for each in samples[3:]]

    def error(rule: UnknownRule) -> float:
        model = attach_unknown(whole, rule)
        given = [scores(model, pixels)[-1] for pixels in list(images(20, seed=1))[3:]]
        return float(np.abs(np.subtract(given, expected)).mean())

    assert error(rule) < 0.1
    assert error(rule) < error(replace(rule, length=0.0)) / 2
