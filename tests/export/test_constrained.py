from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import BuiltinOperator, TensorType

from packager.export import aware, constrained, flatbuffer
from packager.export.calibration import Calibration
from packager.export.constrained import Constrained, quantize_within
from packager.inference import Classifier, Normalisation
from packager.progress import Phase
from tests.conftest import Heard, images
from tests.export.networks import (
    INPUT_RANGE,
    disagreement,
    pictures,
    residual_classifier,
    unequalised,
)

pytestmark = pytest.mark.slow

TRAIN = pictures(200, seed=1)
UNSEEN = pictures(150, seed=2)
STREAM = [1, 4, 5, 8, 9]  # what the residual blocks add up


@pytest.fixture(scope="module")
def classifier() -> bytes:
    return residual_classifier()


def quantized(
    model: bytes,
    max_drop: float,
    heard: Heard,
    *,
    quantization: str = "int8",
    io: str = "float32",
    train: list[np.ndarray] = TRAIN,
    evaluate: Callable[[bytes], float] | None = None,
) -> Constrained:
    def samples(count: int, phase: Phase) -> Iterator[np.ndarray]:
        return iter(train[:count])

    return quantize_within(
        model,
        quantization,
        io=io,
        input_range=INPUT_RANGE,
        calibration=Calibration(len(train), samples),
        evaluate=evaluate or (lambda quantized: disagreement(model, quantized, UNSEEN)),
        max_drop=max_drop,
        progress=heard,
    )


def scripted(*drops: float) -> Callable[[bytes], float]:
    left = iter(drops)
    return lambda _: next(left)


def test_first_strategy_that_costs_no_more_than_allowed_is_taken(
    classifier: bytes, heard: Heard
) -> None:
    result = quantized(classifier, 1.0, heard, evaluate=scripted(5.0, 3.0, 0.5, 0.0))
    assert [(each.strategy, each.drop_points, each.photos) for each in result.attempts] == [
        ("default", 5.0, 50), ("more photos", 3.0, 200), ("bias correction", 0.5, 200),
    ]  # fmt: skip
    assert (result.strategy, result.met) == ("bias correction", True)
    assert [line for line in heard.said if "allowed" not in line] == [
        "Trying ranges from 200 photos instead of 50.",
        "Trying bias correction.",
    ]
    assert heard.said[0] == "int8, default: 5.0 points of top-1 lost, 1 allowed."


def test_exactly_what_is_allowed_is_allowed(classifier: bytes, heard: Heard) -> None:
    drop = 100 * (0.93 - 0.92)
    assert drop > 1
    assert quantized(classifier, 1.0, heard, evaluate=scripted(drop)).met


def test_best_is_told_when_none_is_good_enough(
    classifier: bytes, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constrained, "_FLOAT_LAYERS", 2)
    monkeypatch.setattr(constrained, "train_tail", lambda *_, **__: None)
    result = quantized(classifier, 1.0, heard, evaluate=scripted(9.0, 9.0, 8.0, 7.0, 4.0, 6.0))
    assert (result.strategy, result.met) == ("1 layer in float", False)
    assert [attempt.strategy for attempt in result.attempts][-2:] == [
        "1 layer in float",
        "2 layers in float",
    ]
    assert "Skipped: training didn't reduce the noise." in heard.said


def test_all_photos_are_used_but_once(classifier: bytes, heard: Heard) -> None:
    result = quantized(classifier, 1.0, heard, train=TRAIN[:40], evaluate=scripted(9.0, 0.0))
    assert [(each.strategy, each.photos) for each in result.attempts] == [
        ("default", 40), ("bias correction", 40),
    ]  # fmt: skip
    assert "There are no more training photos for calibration." in heard.said


@pytest.mark.parametrize(
    ("quantization", "strategies"),
    [
        ("fp16", ["default"]),
        ("int16x8", ["default", "more photos", "bias correction"]),
        ("dynamic", ["default", "1 layer in float", "2 layers in float"]),
    ],
)
def test_strategies_of_other_quantizations(
    classifier: bytes,
    heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
    quantization: str,
    strategies: list[str],
) -> None:
    monkeypatch.setattr(constrained, "_FLOAT_LAYERS", 2)
    monkeypatch.setattr(constrained, "train_tail", lambda *_, **__: None)
    result = quantized(classifier, 1.0, heard, quantization=quantization, evaluate=lambda _: 2.0)
    assert [attempt.strategy for attempt in result.attempts] == strategies


def test_more_photos_mend_ranges_of_unusual_ones(classifier: bytes, heard: Heard) -> None:
    dark = [sample * 0.02 - 0.9 for sample in TRAIN[:50]]
    result = quantized(classifier, 6.0, heard, train=dark + TRAIN[50:])
    assert result.strategy == "more photos"
    assert result.attempts[0].drop_points > 6


def test_corrected_bias_mends_errors_that_all_photos_share(classifier: bytes, heard: Heard) -> None:
    result = quantized(unequalised(classifier, STREAM, 16.0), 5.0, heard)
    assert result.strategy == "bias correction"
    assert min(each.drop_points for each in result.attempts[:-1]) > 5


def test_clipping_mends_ranges_that_glaring_pixels_widened(classifier: bytes, heard: Heard) -> None:
    glaring = TRAIN[0].copy()
    glaring[0, [5, 20, 12], [5, 20, 25], [0, 1, 2]] = 400, -400, 400
    result = quantized(classifier, 3.0, heard, train=[glaring, *TRAIN[1:]])
    assert result.strategy == "clipped ranges"
    assert min(each.drop_points for each in result.attempts[:-1]) > 3


def test_float_layers_mend_channels_of_unequal_size(classifier: bytes, heard: Heard) -> None:
    model = unequalised(classifier, STREAM, 16.0)
    result = quantized(model, 3.0, heard)
    assert result.strategy in ("2 layers in float", "3 layers in float", "4 layers in float")
    assert min(each.drop_points for each in result.attempts[:-1]) > 3


def test_float_layers_leave_the_ends_and_the_versions_alone(
    classifier: bytes, heard: Heard
) -> None:
    usual = quantized(classifier, 1.0, heard, io="uint8", evaluate=scripted(0.0)).model
    result = quantized(
        classifier, 1.0, heard, io="uint8", evaluate=scripted(9.0, 9.0, 9.0, 9.0, 9.0, 0.0)
    )
    assert result.strategy == "2 layers in float"
    mixed, whole = (flatbuffer.unpack(model) for model in (result.model, usual))
    for model in (mixed, whole):
        graph = model.subgraphs[0]
        ends = (graph.inputs[0], graph.outputs[0])
        assert [graph.tensors[end].type for end in ends] == [TensorType.UINT8] * 2
    newest = {code.builtinCode: code.version for code in whole.operatorCodes}
    newest[BuiltinOperator.DEQUANTIZE] = 2  # as in a file with float32 output
    for code in mixed.operatorCodes:
        assert code.version <= newest[code.builtinCode]
    normalisation = Normalisation((127.0,), (128.0,))
    plain, small = (Classifier(model, normalisation) for model in (classifier, result.model))
    for picture in images(10, seed=3):
        np.testing.assert_allclose(small.scores(picture), plain.scores(picture), atol=0.1)


def test_training_mends_what_is_left(
    classifier: bytes, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constrained, "_FLOAT_LAYERS", 0)
    monkeypatch.setattr(aware, "_STEPS", 200)
    result = quantized(unequalised(classifier, STREAM, 64.0), 9.0, heard)
    assert result.strategy == "quantization-aware training"
    assert min(each.drop_points for each in result.attempts[:-1]) > 9
    assert result.met
