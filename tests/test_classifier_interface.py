"""What a model is, and that every command says the same of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from packager.bench.host import bench_on_host
from packager.classifier_file import demand_all_read, evaluate_file, predict_photos
from packager.classifier_interface import (
    check_operators,
    classifier_interface,
    fix_size,
    parse_size,
)
from packager.contract import describe_model
from packager.errors import DataError, MetadataError, ModelFileError, PackagerError, SettingsError
from packager.inference import Classifier, Normalisation
from packager.inspection import inspect_model
from packager.metadata.container import join_model, open_model
from packager.metadata.writer import ClassifierMetadata, write_metadata
from tests.metadata.tiny_models import T, tfl, tiny_model

pytestmark = pytest.mark.usefixtures("same_process")

METADATA = ClassifierMetadata(("blue", "green", "red"), mean=(127.0,), std=(128.0,))


def shaped(which: str, *shape: int, signature: tuple[int, ...] | None = None, **fields: Any):
    """Another shape of the input or output; nothing that could be run."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        tensor = graph.tensors[getattr(graph, which)[0]]
        tensor.shape, tensor.shapeSignature = list(shape), signature and list(signature)
        for name, value in fields.items():
            setattr(tensor, name, value)

    return change


def outputs(*shapes: tuple[int, ...]):
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.outputs = []
        for number, shape in enumerate(shapes):
            tensor = tfl.TensorT()
            tensor.name, tensor.shape, tensor.type, tensor.buffer = f"o{number}", list(shape), 0, 0
            graph.tensors.append(tensor)
            graph.outputs.append(len(graph.tensors) - 1)

    return change


def custom(name: str, place: int = 0):
    def change(model: Any) -> None:
        code = model.operatorCodes[place]
        code.builtinCode = code.deprecatedBuiltinCode = tfl.BuiltinOperator.CUSTOM
        code.customCode = name
        operator = model.subgraphs[0].operators[place]
        operator.builtinOptionsType, operator.builtinOptions = 0, None

    return change


def ending_in(code: int):
    def change(model: Any) -> None:
        last = model.operatorCodes[-1]
        last.builtinCode = last.deprecatedBuiltinCode = code
        operator = model.subgraphs[0].operators[-1]
        operator.builtinOptionsType, operator.builtinOptions = 0, None

    return change


def unscaled(which: str, scales: list[float] | None = None):
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        tensor = graph.tensors[getattr(graph, which)[0]]
        tensor.quantization = tfl.QuantizationParametersT()
        tensor.quantization.scale = scales
        tensor.quantization.zeroPoint = scales and [0] * len(scales)

    return change


def integers(change: Callable[[Any], None]) -> bytes:
    return tiny_model(io=T.INT8, weights=T.INT8, change=change)


KINDS = {
    "detector": (tiny_model(change=outputs((1, 10, 4), (1, 10), (1, 10), (1,))), "are boxes"),
    "post-processed": (tiny_model(change=custom("TFLite_Detection_PostProcess")), "are boxes"),
    "yolo": (tiny_model(change=outputs((1, 84, 8400))), "a list of candidates"),
    "segmenter": (tiny_model(change=outputs((1, 8, 8, 21))), "a map over the picture"),
    "open segmenter": (
        tiny_model(change=shaped("outputs", 1, 1, 1, 16, signature=(1, -1, -1, 16))),
        "a map over the picture",
    ),
    "pose": (tiny_model(change=outputs((1, 1, 17, 3))), "a list of points"),
    "embedding": (
        tiny_model(change=ending_in(tfl.BuiltinOperator.L2_NORMALIZATION)),
        "an embedding",
    ),
    "text": (tiny_model(change=shaped("inputs", 1, 384, type=T.INT32)), "is text"),
    "sound": (tiny_model(change=shaped("inputs", 1, 15600)), "such as sound"),
    "grayscale": (tiny_model(input_shape=(1, 28, 28, 1)), "is grayscale"),
    "grayscale without channel": (tiny_model(change=shaped("inputs", 1, 28, 28)), "is grayscale"),
    "channels first": (tiny_model(change=shaped("inputs", 1, 3, 8, 8)), "the channels first"),
    "four channels": (tiny_model(input_shape=(1, 8, 8, 4)), r"the shape \[1, 8, 8, 4\]"),
    "batch": (tiny_model(input_shape=(4, 8, 8, 3)), "takes 4 photos at a time"),
    "two inputs": (tiny_model(inputs=2), "it has 2 inputs"),
    "two outputs": (tiny_model(change=outputs((1, 3), (1, 5))), "it has 2 outputs"),
    "int16": (tiny_model(change=shaped("inputs", 1, 8, 8, 3, type=T.INT16)), "its input is int16"),
    "giant": (tiny_model(change=shaped("inputs", 1, 1 << 20, 1 << 20, 3)), "the shape"),
}  # fmt: skip
UNUSABLE = {
    "output without scale": (integers(unscaled("outputs")), "its output is int8 without a scale"),
    "output with scale 0": (integers(unscaled("outputs", [0.0])), "output is int8 without a scale"),
    "input without scale": (integers(unscaled("inputs")), "its input is int8 without a scale"),
    "a tiny scale": (integers(unscaled("outputs", [1e-44])), "a scale that can't be used"),
    "a scale a channel": (integers(unscaled("outputs", [0.1, 0.2, 0.3])), "can't be used"),
    "no number": (integers(unscaled("outputs", [float("nan")])), "a scale that can't be used"),
}
MISSING = {
    "edgetpu-custom-op": "compiled for the Edge TPU",
    "ethos-u": "compiled for an Arm Ethos-U",
    "FlexErf": r"operators of TensorFlow \(FlexErf\)",
    "Convolution2DTransposeBias": "custom operators",
}


@pytest.mark.parametrize("kind", KINDS | UNUSABLE)
def test_every_command_says_the_same(kind: str, tmp_path: Path, photos: Path) -> None:
    content, problem = (KINDS | UNUSABLE)[kind]
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    asked: list[Callable[[], object]] = [
        lambda: predict_photos(path, []),
        lambda: evaluate_file(path, photos),
        lambda: describe_model(path),
        lambda: bench_on_host([path], data=photos),
        lambda: write_metadata(path.read_bytes(), METADATA),
        lambda: Classifier(path.read_bytes(), Normalisation((0.0,), (1.0,))),
    ]
    said = set()
    for command in asked:
        with pytest.raises(ModelFileError, match=problem) as refused:
            command()
        said.add(refused.value.what)
    assert said == {inspect_model(path).kind}
    start = "this classifier can't be used: " if kind in UNUSABLE else "this is not an image"
    assert said.pop().startswith(start)


@pytest.mark.parametrize("operator", MISSING)
def test_operators_that_litert_lacks_are_named(operator: str, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(write_metadata(tiny_model(change=custom(operator)), METADATA))
    for command in (lambda: predict_photos(path, []), lambda: describe_model(path)):
        with pytest.raises(ModelFileError, match=MISSING[operator]):
            command()
    assert operator in inspect_model(path).kind
    with pytest.raises(ModelFileError, match=MISSING[operator]):
        check_operators(open_model(path))


def donated(content: bytes, labels: tuple[str, ...]) -> bytes:
    """With metadata that our own writer would not put there."""
    donor = tiny_model(classes=len(labels))
    other = open_model(write_metadata(donor, ClassifierMetadata(labels, mean=(0.0,), std=(1.0,))))
    assert other.metadata is not None
    return join_model(open_model(content), other.metadata, other.files)


@pytest.mark.parametrize(
    ("classes", "labels", "problem"),
    [
        (3, "abcd", "the model gives 3 scores and there are 4 labels"),
        (3, "a", "the model gives 3 scores and there is 1 label"),
        (1, "ab", r"one score for 2 labels \(a single sigmoid\)"),
    ],
)
def test_another_number_of_labels(
    classes: int, labels: str, problem: str, tmp_path: Path, photos: Path
) -> None:
    path = tmp_path / "m.tflite"
    content = tiny_model(classes=classes)
    path.write_bytes(donated(content, tuple(labels)))
    metadata = ClassifierMetadata(tuple(labels), mean=(0.0,), std=(1.0,))
    for command in (
        lambda: predict_photos(path, []),
        lambda: evaluate_file(path, photos),
        lambda: describe_model(path),
        lambda: write_metadata(content, metadata),
    ):
        with pytest.raises(MetadataError, match=problem):
            command()


def test_a_model_without_labels_is_told_to_get_them_only_when_it_is_a_classifier(
    tmp_path: Path,
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(tiny_model())
    with pytest.raises(MetadataError, match="contains no labels. If its 3 numbers are scores"):
        predict_photos(path, [])


def save(path: Path, color: tuple[int, int, int], size: tuple[int, int]) -> Path:
    Image.new("RGB", size, color).save(path)
    return path


def test_an_input_that_is_not_square(tmp_path: Path, photos: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(write_metadata(tiny_model(input_shape=(1, 6, 10, 3)), METADATA))
    (said,) = predict_photos(path, [photos / "red" / "0.png"], top=1)
    assert len(said.top) == 1
    assert len(evaluate_file(path, photos).evaluation.photos) == 36
    assert describe_model(path).spec["input"]["shape"] == [1, 6, 10, 3]
    assert inspect_model(path).kind.endswith("input 6 x 10 (height x width)")


def open_model_file(path: Path, shape: tuple[int, ...] = (1, 1, 1, 3)) -> Path:
    change = shaped("inputs", *shape, signature=(-1, -1, -1, 3))
    path.write_bytes(write_metadata(tiny_model(input_shape=(1, 8, 8, 3), change=change), METADATA))
    return path


def test_an_input_of_open_size_is_refused_alike_without_a_size(
    tmp_path: Path, photos: Path
) -> None:
    path = open_model_file(tmp_path / "m.tflite")
    for command in (
        lambda: predict_photos(path, []),
        lambda: evaluate_file(path, photos),
        lambda: describe_model(path),
        lambda: bench_on_host([path], data=photos),
    ):
        with pytest.raises(ModelFileError, match=r"no fixed height and width.*--input-size 224"):
            command()
    assert inspect_model(path).kind.endswith("input of open size")


def test_an_input_of_open_size_is_run_at_the_size_that_is_given(
    tmp_path: Path, photos: Path
) -> None:
    fixed, path = tmp_path / "fixed.tflite", open_model_file(tmp_path / "m.tflite")
    fixed.write_bytes(write_metadata(tiny_model(input_shape=(1, 6, 10, 3)), METADATA))
    names = [photos / "red" / "0.png", photos / "blue" / "0.png"]
    own = predict_photos(path, names, input_size=(6, 10))
    assert own == predict_photos(fixed, names)
    described = describe_model(path, input_size=(6, 10))
    assert described.spec["input"]["shape"] == [1, 6, 10, 3]
    again = tmp_path / "app.tflite"
    again.write_bytes(described.model)
    assert predict_photos(again, names) == own
    with pytest.raises(SettingsError, match="6 x 10"):
        predict_photos(again, names, input_size=(8, 8))
    assert predict_photos(again, names, input_size=(6, 10)) == own


def test_the_shape_in_the_file_is_the_size_where_it_is_one(tmp_path: Path) -> None:
    path = open_model_file(tmp_path / "m.tflite", (1, 6, 10, 3))
    file = open_model(path)
    interface = classifier_interface(file)
    assert (interface.size, interface.size_is_open) == ((6, 10), True)
    content, size = fix_size(file, path.read_bytes(), interface, (5, 5))
    assert size == (5, 5)
    assert classifier_interface(open_model(content)).image.shape == (1, 5, 5, 3)
    assert len(content) == path.stat().st_size


def test_an_open_batch_is_normal() -> None:
    for shape in ((1, 8, 8, 3), (4, 8, 8, 3)):
        content = tiny_model(change=shaped("inputs", *shape, signature=(-1, 8, 8, 3)))
        classifier = Classifier(content, Normalisation((0.0,), (255.0,)))
        assert classifier.size == (8, 8)
        assert classifier.scores(np.zeros((8, 8, 3), np.uint8)).shape == (3,)


def test_the_metadatas_default_size_is_taken(tmp_path: Path) -> None:
    from packager.metadata import schema
    from packager.metadata.flatbuffer import encode
    from packager.metadata.reader import metadata_tree

    file = open_model(open_model_file(tmp_path / "m.tflite"))
    tree = metadata_tree(file)
    assert tree is not None
    image = tree["subgraph_metadata"][0]["input_tensor_metadata"][0]
    image["content"]["content_properties"][1]["default_size"] = {"width": 10, "height": 6}
    packed = encode(tree, schema.TABLES, "ModelMetadata", schema.IDENTIFIER)
    sized = open_model(join_model(file, packed, file.files))
    assert classifier_interface(sized).size == (6, 10)


@pytest.mark.parametrize(
    ("text", "size"), [("224", (224, 224)), ("48x64", (48, 64)), (" 48 × 64 ", (48, 64))]
)
def test_sizes_are_height_and_width(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "x", "48x", "-1", "99999x99999", "1.5", "3x3x3"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="--input-size"):
        parse_size(text)


def test_logits_are_shown_as_the_app_shows_them(tmp_path: Path, photos: Path) -> None:
    def without_softmax(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.outputs = [graph.operators.pop().inputs[0]]

    path = tmp_path / "m.tflite"
    path.write_bytes(write_metadata(tiny_model(change=without_softmax), METADATA))
    (said,) = predict_photos(path, [photos / "red" / "0.png"])
    assert said.scores == "softmax of logits"
    assert sum(score for _, score in said.top) == pytest.approx(1, abs=1e-5)
    path.write_bytes(write_metadata(tiny_model(), METADATA))
    (same,) = predict_photos(path, [photos / "red" / "0.png"])
    assert same.scores == "probabilities"
    assert [name for name, _ in same.top] == [name for name, _ in said.top]
    assert [score for _, score in same.top] == pytest.approx([score for _, score in said.top])


def test_sigmoids_are_called_so(tmp_path: Path, photos: Path) -> None:
    path = tmp_path / "m.tflite"
    content = tiny_model(change=ending_in(tfl.BuiltinOperator.LOGISTIC))
    path.write_bytes(write_metadata(content, METADATA))
    (said,) = predict_photos(path, [photos / "red" / "0.png"])
    assert said.scores == "sigmoid"


def test_scores_that_are_no_numbers_are_an_error(tmp_path: Path, photos: Path) -> None:
    def no_numbers(model: Any) -> None:
        kernel = next(t for t in model.subgraphs[0].tensors if t.name == "kernel")
        model.buffers[kernel.buffer].data = np.full(9, np.nan, np.float32).view(np.uint8)

    path = tmp_path / "m.tflite"
    path.write_bytes(write_metadata(tiny_model(change=no_numbers), METADATA))
    for command in (
        lambda: predict_photos(path, [photos / "red" / "0.png"]),
        lambda: evaluate_file(path, photos),
        lambda: describe_model(path),
    ):
        with pytest.raises(PackagerError, match="scores that are not numbers"):
            command()


def test_photos_beside_a_broken_one_get_their_answers(tmp_path: Path, photos: Path) -> None:
    path, cut = tmp_path / "m.tflite", tmp_path / "cut.png"
    path.write_bytes(write_metadata(tiny_model(), METADATA))
    good = photos / "red" / "0.png"
    cut.write_bytes(good.read_bytes()[:200])
    found = predict_photos(path, [good, cut, good], top=1)
    assert [len(each.top) for each in found] == [1, 0, 1]
    assert [bool(each.problem) for each in found] == [False, True, False]
    with pytest.raises(DataError, match=r"cut\.png"):
        demand_all_read(found)
    with pytest.raises(DataError, match="2 of 2 photos can't be read"):
        demand_all_read(predict_photos(path, [cut, tmp_path / "none.png"]))
    demand_all_read(found[:1])
