import hashlib
import io
import json
import random
from contextlib import suppress

import pytest

from packager.errors import MetadataError, ModelFileError
from packager.inspection import inspect_model
from packager.metadata.writer import ClassifierMetadata, write_metadata
from packager.record import as_json
from tests.metadata.tiny_models import T, tiny_model, unpack


@pytest.fixture
def inspected(tmp_path):
    def look(content):
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        return inspect_model(path)

    return look


def test_reports_file_tensors_operators_and_parameters(inspected):
    content = tiny_model(classes=4, io=T.UINT8, weights=T.INT8)
    report = inspected(content)
    assert (report.size, report.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert report.description == "tiny"
    assert report.operators == {"MEAN": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1}
    (image,), (scores,) = report.inputs, report.outputs
    assert (image.name, image.shape, image.dtype) == ("image0", (1, 8, 8, 3), "uint8")
    assert (image.scale, image.zero_point) == ((1 / 128,), (0,))
    assert (scores.shape, scores.dtype) == ((1, 4), "uint8")
    assert report.parameters == 12  # the axes of MEAN are none
    assert report.metadata is None
    assert report.labels == ()


def test_reports_metadata_and_labels_as_json(inspected):
    metadata = ClassifierMetadata(("ä", "b", "🌹"), name="n", mean=(0.0,), std=(255.0,))
    report = inspected(write_metadata(tiny_model(), metadata))
    found = json.loads(as_json(report))
    assert found["labels"] == ["ä", "b", "🌹"]
    assert found["metadata"]["inputs"][0]["std"] == [255.0]
    assert found["operators"] == {"MEAN": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1}


def retype(**types):
    """Changes dtypes of tensors by name; the data stays."""

    def change(model):
        for tensor in model.subgraphs[0].tensors:
            if tensor.name in types:
                tensor.type = types[tensor.name]

    return change


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (tiny_model(), "float32"),
        (tiny_model(io=T.UINT8, weights=T.INT8), "int8 full integer, per channel"),
        (tiny_model(weights=T.INT8, change=retype(mean=T.FLOAT32)), "dynamic range"),
        (tiny_model(change=retype(kernel=T.FLOAT16)), "float16 weights"),
        (
            tiny_model(weights=T.INT8, change=retype(mean=T.INT16, logits=T.INT16, scores=T.INT16)),
            "int16x8, per channel",
        ),
        (
            tiny_model(io=T.INT8, weights=T.INT8, change=retype(scores=T.FLOAT32)),
            "mixed: int8, but SOFTMAX in float",
        ),
        (tiny_model(change=retype(kernel=T.INT4)), "float32 activations, int4 weights"),
        (tiny_model(change=lambda m: m.subgraphs[0].operators.pop(1)), "unknown"),
    ],
)
def test_says_how_it_is_quantized(inspected, model, says):
    assert inspected(model).quantization == says


def test_custom_and_unknown_operators_have_names(inspected):
    def change(model):
        model.operatorCodes[0].builtinCode = 32  # CUSTOM
        model.operatorCodes[0].deprecatedBuiltinCode = 32
        model.operatorCodes[0].customCode = "Mine"
        model.operatorCodes[2].builtinCode = 9999

    assert set(inspected(tiny_model(change=change)).operators) == {
        "Mine",
        "FULLY_CONNECTED",
        "BUILTIN_9999",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: setattr(m.subgraphs[0], "inputs", [99]), "a tensor that it doesn't have"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "buffer", 99), "a buffer that it doesn't"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "inputs", [-2]), "an operator uses"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "opcodeIndex", 9), "operator has no code"),
        (lambda m: setattr(m, "subgraphs", []), "it has no subgraph"),
    ],
)
def test_indices_that_lead_nowhere_are_refused(inspected, change, message):
    with pytest.raises(ModelFileError, match=message):
        inspected(tiny_model(change=change))


def test_hostile_files_are_refused_never_crash(inspected):
    content, picks = tiny_model(io=T.INT8, weights=T.INT8), random.Random(3)
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(picks.choice((1, 3))):
            damaged[picks.randrange(8, len(damaged))] = picks.choice((0, 1, 0x7F, 0x80, 0xFF))
        with suppress(ModelFileError, MetadataError):
            as_json(inspected(bytes(damaged[: picks.choice((None, -9))])))
    with pytest.raises(ModelFileError, match="lacks the identifier TFL3"):
        inspected(b"GIF89a")


def test_what_it_reads_is_what_the_schema_library_reads(inspected):
    content = tiny_model(classes=7, weights=T.INT8)
    report, model = inspected(content), unpack(content)
    graph = model.subgraphs[0]
    assert sum(report.operators.values()) == len(graph.operators)
    assert report.inputs[0].shape == tuple(graph.tensors[graph.inputs[0]].shape)


@pytest.mark.shared
def test_a_published_model(inspected, shared):
    content = (shared / "weights" / "efficientnet_lite3.tflite").read_bytes()
    report = inspected(content)
    assert report.quantization == "int8 full integer, per channel"
    assert report.parameters == 8_158_760
    assert report.inputs[0].shape == (1, 280, 280, 3)
    assert (len(report.labels), report.labels[0]) == (1000, "tench")
    assert report.metadata.inputs[0].mean == (127.0,)
    labels = tuple(f"Klasse {number}" for number in range(1000))
    again = inspected(write_metadata(content, ClassifierMetadata(labels)))
    assert again.labels == labels
    assert again.metadata.associated_files == ("labels.txt",)
    assert again.metadata.author == report.metadata.author
    assert again.operators == report.operators


def test_what_the_metadata_lacks_is_shown_as_lacking():
    from rich.console import Console

    from packager.cli import models_tables
    from packager.metadata.reader import ModelMetadata

    console = Console(record=True, width=100, file=io.StringIO())
    console.print(*models_tables.metadata(ModelMetadata(name="n")))
    shown = console.export_text()
    assert "or newer" not in shown
    assert ["parser", "-"] in [line.split() for line in shown.splitlines()]


def test_says_what_the_model_is(inspected):
    kind = inspected(tiny_model(input_shape=(1, 6, 10, 3))).kind
    assert kind == "image classifier, 3 scores, input 6 x 10 (height x width)"
    assert "it has 2 inputs" in inspected(tiny_model(inputs=2)).kind
