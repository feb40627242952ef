from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from packager.explain.activation_maps import ActivationMaps, linear_head
from packager.inference import Normalisation
from tests.conftest import images
from tests.metadata.tiny_models import T, tiny_model

PLAIN = Normalisation((0.0,), (1.0,))
KERNEL = np.arange(9, dtype=np.float32).reshape(3, 3) / 10  # tiny_model's own


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)


def test_the_maps_mean_is_the_logit_less_that_of_all_classes() -> None:
    head = linear_head(tiny_model())
    assert head is not None
    np.testing.assert_allclose(head.weights, KERNEL, atol=1e-6)
    pixels = picture()
    scores, maps = ActivationMaps(head, PLAIN).run(pixels)
    logits = KERNEL @ pixels.mean((0, 1))
    assert maps.shape == (3, 8, 8)
    np.testing.assert_allclose(maps.mean((1, 2)), logits - logits.mean(), atol=1e-3)
    assert scores.sum() == pytest.approx(1)


def test_the_heat_is_where_the_thing_is() -> None:
    head = linear_head(tiny_model())
    assert head is not None
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[1, 6] = 255
    _, maps = ActivationMaps(head, PLAIN).run(pixels)
    assert np.unravel_index(maps[2].argmax(), (8, 8)) == (1, 6)
    assert maps[0, 1, 6] < 0


def test_weights_of_an_int8_file_are_read_with_the_scale_of_each_class() -> None:
    def scaled(model: object) -> None:
        kernel = next(t for t in model.subgraphs[0].tensors if t.name == "kernel")  # type: ignore[attr-defined]
        kernel.quantization.scale = [0.5, 0.25, 0.125]

    head = linear_head(tiny_model(weights=T.INT8, io=T.UINT8, change=scaled))
    assert head is not None
    whole = np.trunc(KERNEL).reshape(3, 3)
    np.testing.assert_allclose(head.weights, whole * np.array([[0.5], [0.25], [0.125]]))


@pytest.mark.slow
def test_a_quantized_file_has_the_maps_of_the_float_file(tiny_classifier: bytes) -> None:
    from packager.export.quantize import quantize
    from packager.export.unknown import UnknownRule, attach_unknown
    from tests.export.networks import INPUT_RANGE, pictures

    rule = UnknownRule(np.eye(16, dtype=np.float32)[:4], 0.1, 20.0)
    quantized = quantize(
        tiny_classifier, "int8", io="uint8", input_range=INPUT_RANGE,
        representative=lambda: pictures(30, seed=1),
    )  # fmt: skip
    plain = linear_head(tiny_classifier)
    assert plain is not None
    expected = ActivationMaps(plain, Normalisation((127,), (128,)))
    for model in (quantized, attach_unknown(quantized, rule)):
        head = linear_head(model)
        assert head is not None
        small = ActivationMaps(head, Normalisation((127,), (128,)))
        assert small.classes == 3
        for pixels in images(5, seed=8):
            _, first = expected.run(pixels)
            _, second = small.run(pixels)
            assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.98


def test_a_file_without_such_a_head_has_none() -> None:
    def other(model: object) -> None:
        model.operatorCodes[0].builtinCode = schema.BuiltinOperator.REDUCE_MAX  # type: ignore[attr-defined]
        model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.REDUCE_MAX  # type: ignore[attr-defined]

    assert linear_head(tiny_model(change=other)) is None
    assert linear_head(b"no model at all, but some bytes") is None
