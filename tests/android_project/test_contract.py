"""The contract of models that packager didn't build."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from packager.contract import describe_model
from packager.errors import MetadataError, ModelFileError, RecordError
from packager.metadata.container import join_model, open_model
from packager.metadata.writer import ClassifierMetadata, write_metadata
from packager.record import as_json
from tests.android_project.conftest import save_model
from tests.metadata.tiny_models import T, tfl, tiny_model

pytestmark = pytest.mark.usefixtures("same_process")


def without_softmax(model) -> None:
    graph = model.subgraphs[0]
    graph.operators.pop()
    graph.outputs = [len(graph.tensors) - 2]


def ending_in(code: int, name: str):
    """Puts another operator in softmax's place."""

    def change(model) -> None:
        model.operatorCodes[-1].builtinCode = model.operatorCodes[-1].deprecatedBuiltinCode = code
        last = model.subgraphs[0].operators[-1]
        last.builtinOptionsType, last.builtinOptions = getattr(tfl.BuiltinOptions, name, 0), None

    return change


def carried_by_reshape(model) -> None:
    graph = model.subgraphs[0]
    code, operator, tensor = tfl.OperatorCodeT(), tfl.OperatorT(), tfl.TensorT()
    code.builtinCode = code.deprecatedBuiltinCode = tfl.BuiltinOperator.RESHAPE
    code.version = 1
    model.operatorCodes.append(code)
    last = graph.tensors[graph.outputs[0]]
    tensor.name, tensor.shape, tensor.type, tensor.buffer = "flat", list(last.shape), last.type, 0
    tensor.quantization = last.quantization
    graph.tensors.append(tensor)
    operator.opcodeIndex, operator.inputs = len(model.operatorCodes) - 1, list(graph.outputs)
    operator.outputs = [len(graph.tensors) - 1]
    operator.builtinOptionsType = tfl.BuiltinOptions.ReshapeOptions
    operator.builtinOptions = tfl.ReshapeOptionsT()
    operator.builtinOptions.newShape = list(last.shape)
    graph.operators.append(operator)
    graph.outputs = operator.outputs


def scaled(which: str, scale: float | None, zero_point: int = 0):
    def change(model) -> None:
        graph = model.subgraphs[0]
        tensor = graph.tensors[getattr(graph, which)[0]]
        tensor.quantization = tfl.QuantizationParametersT()
        if scale is not None:
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero_point]

    return change


def test_describes_a_float_model(tmp_path: Path) -> None:
    described = describe_model(save_model(tmp_path))
    spec = described.spec
    assert described.labels == ("daisy", "rose", "tulip")
    assert spec["model"] == {
        "name": "flowers", "file": "model.tflite", "bytes": len(described.model),
        "sha256": spec["model"]["sha256"], "spec": None, "quantization": "float32",
    }  # fmt: skip
    assert spec["input"] == {
        "name": "image0", "shape": [1, 8, 8, 3], "dtype": "float32", "scale": None,
        "zero_point": None, "color_space": "RGB", "mean": [127.0], "std": [128.0],
    }  # fmt: skip
    assert spec["output"] == {
        "name": "scores", "shape": [1, 3], "dtype": "float32", "scale": None, "zero_point": None,
        "semantics": "probabilities", "threshold": None,
    }  # fmt: skip
    assert spec["resize"]["rule"] == "stretch"
    assert spec["accuracy"] is None


@pytest.mark.parametrize(
    ("change", "semantics"),
    [
        (None, "probabilities"),
        (carried_by_reshape, "probabilities"),
        (ending_in(tfl.BuiltinOperator.LOGISTIC, "NONE"), "probabilities"),
        (ending_in(tfl.BuiltinOperator.RELU, "NONE"), "logits"),
        (without_softmax, "logits"),
    ],
)
def test_tells_probabilities_from_logits(change, semantics: str, tmp_path: Path) -> None:
    content = tiny_model(change=change)
    assert describe_model(save_model(tmp_path, content)).spec["output"]["semantics"] == semantics


def test_scores_that_add_up_are_probabilities_however_they_are_made(tmp_path: Path) -> None:
    def constant_shares(model) -> None:
        """No softmax: weights of 0, and a bias of 0.2, 0.3, 0.5."""
        without_softmax(model)
        graph = model.subgraphs[0]
        kernel, bias, buffer = graph.tensors[3], tfl.TensorT(), tfl.BufferT()
        model.buffers[kernel.buffer].data = np.zeros(9, np.float32).view(np.uint8)
        buffer.data = np.array([0.2, 0.3, 0.5], np.float32).view(np.uint8)
        model.buffers.append(buffer)
        bias.name, bias.shape, bias.type = "bias", [3], T.FLOAT32
        bias.buffer = len(model.buffers) - 1
        graph.tensors.append(bias)
        graph.operators[1].inputs[2] = len(graph.tensors) - 1

    path = save_model(tmp_path, tiny_model(change=constant_shares))
    assert describe_model(path).spec["output"]["semantics"] == "probabilities"


def test_steps_of_1_256_are_probabilities(tmp_path: Path) -> None:
    def change(model) -> None:
        without_softmax(model)
        scaled("outputs", 1 / 256, -128)(model)

    path = save_model(tmp_path, tiny_model(io=T.INT8, weights=T.INT8, change=change))
    assert describe_model(path).spec["output"] == {
        "name": "logits", "shape": [1, 3], "dtype": "int8", "scale": 1 / 256, "zero_point": -128,
        "semantics": "probabilities", "threshold": None,
    }  # fmt: skip


def test_describes_an_int8_model(tmp_path: Path) -> None:
    path = save_model(
        tmp_path, tiny_model(io=T.INT8, weights=T.INT8, change=scaled("outputs", 1 / 256, -128))
    )
    spec = describe_model(path).spec
    assert spec["model"]["quantization"].startswith("int8 full integer")
    assert (spec["input"]["dtype"], spec["input"]["scale"]) == ("int8", 1 / 128)
    assert (spec["input"]["zero_point"], spec["input"]["mean"]) == (0, [127.0])


def test_a_uint8_models_normalisation_is_that_of_its_own_numbers(tmp_path: Path) -> None:
    path = save_model(tmp_path, quantized_uint8(), mean=(), std=())
    spec = describe_model(path).spec
    assert spec["input"]["dtype"] == "uint8"
    assert (spec["input"]["mean"], spec["input"]["std"]) == ([127.0], [128.0])


def quantized_uint8() -> bytes:
    """int8 inside, uint8 outside: QUANTIZE in front."""

    def change(model) -> None:
        graph = model.subgraphs[0]
        inner = graph.inputs[0]
        outer, code, operator = tfl.TensorT(), tfl.OperatorCodeT(), tfl.OperatorT()
        outer.name, outer.shape, outer.type, outer.buffer = "image", [1, 8, 8, 3], T.UINT8, 0
        outer.quantization = tfl.QuantizationParametersT()
        outer.quantization.scale, outer.quantization.zeroPoint = [1 / 128], [127]
        graph.tensors[inner].quantization.zeroPoint = [-1]
        graph.tensors.append(outer)
        code.builtinCode = code.deprecatedBuiltinCode = tfl.BuiltinOperator.QUANTIZE
        code.version = 1
        model.operatorCodes.append(code)
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.inputs, operator.outputs = [len(graph.tensors) - 1], [inner]
        operator.builtinOptionsType = tfl.BuiltinOptions.QuantizeOptions
        operator.builtinOptions = tfl.QuantizeOptionsT()
        graph.operators.insert(0, operator)
        graph.inputs = operator.inputs
        scaled("outputs", 1 / 256, -128)(model)

    return tiny_model(io=T.INT8, weights=T.INT8, change=change)


def test_takes_the_spec_beside_the_file_only_when_it_is_of_this_file(tmp_path: Path) -> None:
    path = save_model(tmp_path)
    spec = describe_model(path).spec
    known = {**spec, "accuracy": {"photos": 7}}
    known["model"] = {**spec["model"], "file": "flowers.tflite", "spec": "lite0"}
    (tmp_path / "model_spec.json").write_text(as_json(known), "utf-8")
    found = describe_model(path).spec
    assert found["accuracy"] == {"photos": 7}
    assert (found["model"]["file"], found["model"]["spec"]) == ("model.tflite", "lite0")
    assert describe_model(path, known).spec == found

    save_model(tmp_path, labels=("a", "b", "c"))  # the same path, another file
    assert describe_model(path).spec["accuracy"] is None
    (tmp_path / "model_spec.json").write_text('{"format": 1}', "utf-8")
    assert describe_model(path).spec["accuracy"] is None


def test_a_damaged_spec_beside_the_file_is_told(tmp_path: Path) -> None:
    path = save_model(tmp_path)
    known = describe_model(path).spec
    for content, said in (
        ("{", "it isn't valid JSON"),
        ("[]", "Expected `object`, got `array`"),
        (
            json.dumps({**known, "resize": {"rule": "magic"}}),
            "`resize.rule` has an unexpected value",
        ),
        (json.dumps({**known, "input": {}}), "`input.shape` is missing"),
        (json.dumps({**known, "format": 9}), "format 9, but this packager reads 1"),
    ):
        (tmp_path / "model_spec.json").write_text(content, "utf-8")
        with pytest.raises(RecordError, match=f"model_spec.json: .*{said}"):
            describe_model(path)


def test_names_the_command_that_writes_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "bare.tflite"
    path.write_bytes(tiny_model())
    with pytest.raises(MetadataError, match="no labels.*packager metadata write MODEL --labels"):
        describe_model(path)
    path.write_bytes(labelled(tiny_model(), donor=quantized_uint8(), mean=(), std=()))
    with pytest.raises(MetadataError, match="normalisation.*--mean M --std S"):
        describe_model(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (tiny_model(input_shape=(1, 1, 1, 3)), "no fixed height and width"),
        (tiny_model(input_shape=(1, 8, 8, 1)), "its input is grayscale"),
        (tiny_model(inputs=2), "2 inputs"),
        (tiny_model(io=T.INT8, weights=T.INT8, change=scaled("inputs", None)), "without a scale"),
    ],
)
def test_refuses_what_an_app_could_not_feed(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(labelled(content))
    with pytest.raises(ModelFileError, match=problem):
        describe_model(path)


def test_refuses_labels_of_another_number(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(labelled(tiny_model(classes=4)))
    with pytest.raises(MetadataError, match="4 scores and there are 3 labels"):
        describe_model(path)


def labelled(content: bytes, donor: bytes | None = None, mean=(127.0,), std=(128.0,)) -> bytes:
    """With the metadata of another model, which our own writer would not put there."""
    metadata = ClassifierMetadata(("a", "b", "c"), mean=mean, std=std)
    other = open_model(write_metadata(donor or tiny_model(), metadata))
    assert other.metadata is not None
    return join_model(open_model(content), other.metadata, other.files)
