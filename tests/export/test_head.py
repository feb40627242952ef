from __future__ import annotations

import numpy as np
import pytest

from packager.errors import ModelFileError
from packager.export import flatbuffer
from packager.export.head import attach_head
from tests.conftest import images

pytestmark = pytest.mark.slow


def run(model: bytes, image: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


def test_scores_are_the_softmax_of_features_and_head(
    tiny_backbone: bytes, tiny_head: tuple[np.ndarray, np.ndarray]
) -> None:
    kernel, bias = tiny_head
    model = attach_head(tiny_backbone, kernel, bias)
    for pixels in images(5):
        image = (pixels[None].astype(np.float32) - 127) / 128
        logits = run(tiny_backbone, image) @ kernel + bias
        expected = np.exp(logits - logits.max())
        np.testing.assert_allclose(run(model, image), expected / expected.sum(), atol=1e-6)


def test_tensors_have_names_and_a_signature(tiny_classifier: bytes) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=tiny_classifier)
    assert interpreter.get_input_details()[0]["name"] == "image"
    assert interpreter.get_output_details()[0]["name"] == "scores"
    signature = interpreter.get_signature_list()["serving_default"]
    assert signature == {"inputs": ["image"], "outputs": ["scores"]}


def test_attaching_twice_gives_the_same_bytes(
    tiny_backbone: bytes, tiny_head: tuple[np.ndarray, np.ndarray]
) -> None:
    assert attach_head(tiny_backbone, *tiny_head) == attach_head(tiny_backbone, *tiny_head)


def test_head_of_another_width_is_refused(tiny_backbone: bytes) -> None:
    with pytest.raises(ModelFileError, match="gives 16 features and the head reads 8"):
        attach_head(tiny_backbone, np.zeros((8, 3), np.float32), np.zeros(3, np.float32))


def test_conversion_leaves_no_variables(tiny_backbone: bytes) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = flatbuffer.unpack(tiny_backbone)
    used = {flatbuffer.builtin_of(model, operator) for operator in model.subgraphs[0].operators}
    operators = schema.BuiltinOperator
    assert used == {operators.CONV_2D, operators.DEPTHWISE_CONV_2D, operators.MEAN}
