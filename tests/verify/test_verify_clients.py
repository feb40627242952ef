"""The real clients run real models. Needs the network once: the environments are then kept."""

import json
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from packager.errors import ClientError
from packager.metadata.container import open_model
from packager.metadata.reader import metadata_tree, read_metadata
from packager.metadata.writer import ClassifierMetadata, write_metadata
from packager.verify import CLIENTS, verify_model
from packager.verify.environment import environment_python
from tests.metadata.tiny_models import tiny_model

pytestmark = pytest.mark.slow

LABELS = ("daisy", "Löwenzahn", "🌹👩‍🌾 rose", "向日葵", "tulip")
METADATA = ClassifierMetadata(
    LABELS, "flowers", "Five kinds.", "1.0", "Ann", "Apache-2.0", mean=(127.0,), std=(128.0,)
)

CONVERT = """
import sys
import numpy as np
import tensorflow as tf

layers = tf.keras.layers
model = tf.keras.Sequential([
    tf.keras.Input((32, 32, 3), batch_size=1),
    layers.Conv2D(5, 1),
    layers.GlobalAveragePooling2D(),
    layers.Softmax(),
])
# A class is a colour: red, green, blue, dark, yellow.
colors = [[1, -1, -1], [-1, 1, -1], [-1, -1, 1], [-1, -1, -1], [1, 1, -1]]
model.layers[0].set_weights([2 * np.array(colors, np.float32).T.reshape(1, 1, 3, 5), np.zeros(5)])
random = np.random.default_rng(1)

def samples():
    yield [np.full((1, 32, 32, 3), -127 / 128, np.float32)]
    yield [np.full((1, 32, 32, 3), 1, np.float32)]
    for _ in range(30):
        pixels = random.integers(0, 256, (1, 1, 1, 3)).repeat(32, 1).repeat(32, 2)
        yield [((pixels - 127) / 128).astype(np.float32)]

for name in ("float32", "uint8", "int8"):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if name != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = getattr(tf, name)
    with open(f"{sys.argv[1]}/{name}.tflite", "wb") as file:
        file.write(converter.convert())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three forms of one small model, and photos for it."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([sys.executable, "-c", CONVERT, folder], check=True, capture_output=True)
    for name in ("float32", "uint8", "int8"):
        path = folder / f"{name}.tflite"
        path.write_bytes(write_metadata(path.read_bytes(), METADATA))
    random = np.random.default_rng(2)
    for number in range(24):
        # Of one colour, so that the size (large: a client may point to freed memory) is no matter.
        pixels = random.integers(0, 256, (1, 1, 3)).repeat(700, 0).repeat(900, 1)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number:02}.png")
    return folder


def photos(folder):
    return [(path, number % 5) for number, path in enumerate(sorted(folder.glob("*.png")))]


def ours(model, folder):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model))
    interpreter.allocate_tensors()
    image, scores = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    answers = []
    for path, _ in photos(folder):
        pixels = np.asarray(Image.open(path).resize((32, 32)))[None]
        if image["dtype"] == np.float32:
            pixels = ((pixels.astype(np.float32) - 127) / 128).astype(np.float32)
        interpreter.set_tensor(image["index"], pixels)
        interpreter.invoke()
        answers.append(int(interpreter.get_tensor(scores["index"])[0].argmax()))
    return answers


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", ["float32", "uint8"])
def test_clients_read_our_labels_and_answer_as_we_do(folder, client, name):
    model = folder / f"{name}.tflite"
    mine = ours(model, folder)
    assert len(set(mine)) == 5
    found = verify_model(model, photos(folder), LABELS, client=client, expected=mine)
    assert found.labels == LABELS
    assert found.disagreements == ()
    assert (found.version, found.photos) == (CLIENTS[client].version, 24)
    right = sum(answer == number for answer, (_, number) in zip(mine, photos(folder), strict=True))
    assert abs(found.correct - right) <= 2  # ties of integer scores


@pytest.mark.parametrize("client", CLIENTS)
def test_the_normalization_counts_for_float_input_only(folder, client, tmp_path):
    for name, matters in (("float32", True), ("uint8", False)):
        content = (folder / f"{name}.tflite").read_bytes()
        wrong = tmp_path / f"{name}.tflite"
        wrong.write_bytes(write_metadata(content, replace(METADATA, mean=(0.0,), std=(10000.0,))))
        right = verify_model(folder / wrong.name, photos(folder), LABELS, client=client)
        found = verify_model(wrong, photos(folder), LABELS, client=client)
        assert (found.predictions != right.predictions) == matters


@pytest.mark.parametrize("client", CLIENTS)
def test_int8_input_is_refused_with_a_remedy(folder, client):
    with pytest.raises(ClientError, match="got INT8") as caught:
        verify_model(folder / "int8.tflite", photos(folder), LABELS, client=client)
    assert "--io uint8" in caught.value.fix


@pytest.mark.parametrize("client", CLIENTS)
def test_a_model_without_normalization_is_refused_with_a_remedy(folder, client, tmp_path):
    path = tmp_path / "bare.tflite"
    path.write_bytes(tiny_model())
    with pytest.raises(ClientError) as caught:
        verify_model(path, photos(folder), LABELS, client=client)
    assert "packager metadata write" in caught.value.fix


def test_the_displayer_of_tflite_support_shows_our_metadata(folder):
    found = verify_model(folder / "uint8.tflite", photos(folder)[:1], LABELS, client="task-library")
    assert found.associated_files == ("labels.txt",)
    shown = json.loads(found.metadata_display)
    assert (shown["name"], shown["author"], shown["license"]) == ("flowers", "Ann", "Apache-2.0")
    assert shown["min_parser_version"] == "1.0.0"
    graph = shown["subgraph_metadata"][0]
    image, scores = graph["input_tensor_metadata"][0], graph["output_tensor_metadata"][0]
    assert image["content"]["content_properties"] == {"color_space": "RGB"}
    assert image["process_units"][0]["options"] == {"mean": [127.0], "std": [128.0]}
    assert image["stats"] == {"min": [0.0], "max": [255.0]}
    assert scores["stats"] == {"min": [0.0], "max": [1.0]}
    assert scores["content"]["content_properties_type"] == "FeatureProperties"
    assert scores["associated_files"][0]["type"] == "TENSOR_AXIS_LABELS"


def tflite_support(script, *arguments):
    """Runs a script in the environment of TensorFlow Lite Support; gives what it prints."""
    python = environment_python(CLIENTS["task-library"])
    command = [python, "-X", "utf8", "-c", textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_tflite_support_writes_we_keep_and_the_other_way_round(tmp_path):
    """Their writer over a bare model, ours over theirs, their populator over ours."""
    bare, theirs = tmp_path / "bare.tflite", tmp_path / "theirs.tflite"
    both, repacked = tmp_path / "both.tflite", tmp_path / "repacked.tflite"
    bare.write_bytes(tiny_model())
    (tmp_path / "old.txt").write_text("x\ny\nz\n")
    script = """
        import sys
        from tflite_support.metadata_writers import image_classifier, writer_utils
        model, labels, out = sys.argv[1:]
        content = writer_utils.load_file(model)
        create = image_classifier.MetadataWriter.create_for_inference
        writer_utils.save_file(create(content, [1.0], [2.0], [labels]).populate(), out)
    """
    tflite_support(script, bare, tmp_path / "old.txt", theirs)
    found = read_metadata(theirs)
    assert (found.labels, found.inputs[0].mean) == (("x", "y", "z"), (1.0,))
    both.write_bytes(
        write_metadata(theirs.read_bytes(), ClassifierMetadata(("ä", "🌹", "c"), author="Ann"))
    )
    mixed = read_metadata(both)
    assert (mixed.labels, mixed.author, mixed.name) == (("ä", "🌹", "c"), "Ann", found.name)
    assert mixed.inputs == found.inputs
    assert mixed.associated_files == ("labels.txt",)
    script = """
        import sys
        from tflite_support import metadata
        source, target, out = sys.argv[1:]
        content = open(source, "rb").read()
        populator = metadata.MetadataPopulator.with_model_buffer(open(target, "rb").read())
        populator.load_metadata_and_associated_files(content)
        populator.populate()
        open(out, "wb").write(populator.get_model_buffer())
    """
    tflite_support(script, both, bare, repacked)
    assert read_metadata(repacked) == mixed


def test_the_minimum_parser_version_is_the_reference_s(tmp_path):
    from packager.metadata import schema
    from packager.metadata.flatbuffer import encode
    from packager.metadata.writer import minimum_parser_version
    from tests.metadata.test_metadata_writer import FOREIGN

    units = [{"options": ("BertTokenizerOptions", {"vocab_file": [{"type": 6, "version": "2"}]})}]
    audio = {"content": {"content_properties": ("AudioProperties", {})}}
    graphs = [
        {},
        {"associated_files": [{"type": 5}]},
        {"input_process_units": []},
        {"output_process_units": units},
        {"input_tensor_metadata": [{"process_units": units}]},
        {"output_tensor_groups": []},
        {"input_process_units": [{"options": ("RegexTokenizerOptions", {})}]},
        {"input_tensor_metadata": [audio]},
        {"output_tensor_metadata": [{"associated_files": [{"type": 6}]}]},
        {"associated_files": [{"version": ""}]},
        {"custom_metadata": []},
    ]
    trees = [FOREIGN, *({"subgraph_metadata": [graph]} for graph in graphs)]
    for number, tree in enumerate(trees):
        (tmp_path / f"{number:02}").write_bytes(
            encode(tree, schema.TABLES, "ModelMetadata", schema.IDENTIFIER)
        )
    script = """
        import pathlib, sys
        from tensorflow_lite_support.metadata.cc.python import _pywrap_metadata_version as reference
        for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
            print(reference.GetMinimumMetadataParserVersion(path.read_bytes()))
    """
    expected = [".".join(map(str, minimum_parser_version(tree))) for tree in trees]
    assert tflite_support(script, tmp_path).split() == expected


def test_metadata_of_ours_passes_the_flatbuffer_verifier_of_the_clients(folder):
    """The Task Library verifies the whole model; so does MediaPipe, on a rewritten one too."""
    model = folder / "again.tflite"
    once = (folder / "float32.tflite").read_bytes()
    model.write_bytes(write_metadata(once, replace(METADATA, description="long " * 999)))
    for client in CLIENTS:
        assert verify_model(model, photos(folder)[:2], LABELS, client=client).labels == LABELS
    assert metadata_tree(open_model(model))["description"] == "long " * 999
