import io
import os
import shutil
import stat
import subprocess
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from packager.errors import MetadataError, ModelFileError, OutputError
from packager.metadata import schema
from packager.metadata.container import open_model
from packager.metadata.flatbuffer import encode
from packager.metadata.reader import metadata_tree, read_metadata
from packager.metadata.writer import (
    ClassifierMetadata,
    add_metadata_to_file,
    minimum_parser_version,
    write_metadata,
)
from tests.metadata.tiny_models import T, add_entry, pack, probabilities, tiny_model, unpack

LABELS = ("daisy", "Löwenzahn 向日葵", "🌹👩‍🌾 rose")
METADATA = ClassifierMetadata(
    LABELS, "flowers", "Five flowers.", "1.2.3", "Ann", "Apache-2.0", mean=(127.0,), std=(128.0,)
)

FOREIGN = {
    "name": "theirs",
    "author": "Bob",
    "subgraph_metadata": [
        {
            "name": "graph",
            "input_tensor_metadata": [
                {
                    "name": "photo",
                    "content": {
                        "content_properties": (
                            "ImageProperties",
                            {"color_space": 2, "default_size": {"width": 8, "height": 8}},
                        )
                    },
                    "process_units": [
                        {"options": ("NormalizationOptions", {"mean": [5.0], "std": [6.0]})},
                        {"options": ("RegexTokenizerOptions", {"delim_regex_pattern": "x"})},
                    ],
                }
            ],
            "output_tensor_metadata": [
                {
                    "process_units": [
                        {"options": ("ScoreThresholdingOptions", {"global_score_threshold": 0.25})}
                    ],
                    "associated_files": [
                        {"name": "old.txt", "type": 2},
                        {"name": "fr.txt", "type": 2, "locale": "fr"},
                        {"name": "it.txt", "type": 2, "locale": "it"},
                        {"name": "scores.csv", "type": 4},
                    ],
                }
            ],
            "custom_metadata": [{"name": "mine", "data": [1, 2, 3]}],
        }
    ],
    "associated_files": [{"name": "readme.txt", "type": 1, "version": "2"}],
}
FOREIGN_FILES = {
    "old.txt": b"secret\nb\nc",
    "fr.txt": "a\nb\nç\n".encode(),
    "it.txt": b"only one",
    "scores.csv": b"1,2,3\n\n\n",
    "readme.txt": b"read me" * 100,
    "unnamed.bin": b"\0\1",
}


def foreign_model(tree=FOREIGN, files=FOREIGN_FILES, compression=zipfile.ZIP_DEFLATED):
    payload = encode(tree, schema.TABLES, "ModelMetadata", b"M001")
    content = io.BytesIO(
        tiny_model(change=lambda model: add_entry(model, "TFLITE_METADATA", payload))
    )
    with zipfile.ZipFile(content, "a", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def entries(content):
    model = unpack(content)
    return [(e.name, bytes(model.buffers[e.buffer].data)) for e in model.metadata]


def test_reads_back_what_was_written():
    found = read_metadata(write_metadata(tiny_model(), METADATA))
    assert (found.name, found.description, found.version) == ("flowers", "Five flowers.", "1.2.3")
    assert (found.author, found.license) == ("Ann", "Apache-2.0")
    assert found.min_parser_version == "1.0.0"
    assert found.associated_files == ("labels.txt",)
    (image,), (scores,) = found.inputs, found.outputs
    assert (image.name, image.content, image.color_space) == ("image", "image", "RGB")
    assert (image.mean, image.std) == ((127.0,), (128.0,))
    assert (image.minimum, image.maximum) == ((-127 / 128,), (1.0,))
    assert (scores.name, scores.content) == ("probability", "feature")
    assert (scores.minimum, scores.maximum) == ((0.0,), (1.0,))
    assert scores.labels == found.labels == LABELS


@pytest.mark.parametrize(("io_type", "ends"), [(T.UINT8, (0.0, 255.0)), (T.INT8, (-128.0, 127.0))])
def test_integer_inputs_keep_the_float_normalization_and_give_raw_ends(io_type, ends):
    found = read_metadata(write_metadata(tiny_model(io=io_type, weights=T.INT8), METADATA))
    image = found.inputs[0]
    assert (image.mean, image.std) == ((127.0,), (128.0,))
    assert (image.minimum[0], image.maximum[0]) == ends


def test_three_equal_channels_become_one_and_others_stay():
    equal = replace(METADATA, mean=(1.0, 1.0, 1.0), std=(2.0, 2.0, 2.0))
    assert read_metadata(write_metadata(tiny_model(), equal)).inputs[0].mean == (1.0,)
    other = replace(METADATA, mean=(0.0, 2.0, 4.0), std=(2.0, 2.0, 4.0))
    image = read_metadata(write_metadata(tiny_model(), other)).inputs[0]
    assert (image.mean, image.std) == ((0.0, 2.0, 4.0), (2.0, 2.0, 4.0))
    assert image.minimum == (0.0, -1.0, -1.0)


def test_the_model_stays_byte_for_byte_and_answers_the_same():
    model = tiny_model()
    written = write_metadata(model, METADATA)
    assert written.count(model) == 1
    assert written.index(model) % 16 == 0  # so the weights keep their alignment
    pixels = np.random.default_rng(1).random((1, 8, 8, 3), np.float32)
    assert np.array_equal(probabilities(model, pixels), probabilities(written, pixels))


def test_other_metadata_entries_stay():
    written = write_metadata(tiny_model(), METADATA)
    assert [name for name, _ in entries(written)] == [b"min_runtime_version", b"TFLITE_METADATA"]
    assert entries(written)[0][1] == b"1.5.0\0\0\0"


def test_writing_is_deterministic_and_replaces():
    model = tiny_model()
    once = write_metadata(model, METADATA)
    assert write_metadata(model, METADATA) == once
    assert write_metadata(once, METADATA) == once
    renamed = write_metadata(once, replace(METADATA, name="a much longer name " * 50))
    assert len(unpack(renamed).buffers) == len(unpack(model).buffers) + 1
    assert renamed.count(b"TFLITE_METADATA") == renamed.count(b"M001") == 1
    assert renamed.count(b"PK\x05\x06") == 1
    assert write_metadata(renamed, METADATA) == once


def test_empty_texts_and_normalization_keep_what_is_there():
    once = write_metadata(tiny_model(), METADATA)
    again = read_metadata(write_metadata(once, ClassifierMetadata(("a", "b", "c"), author="Eve")))
    assert (again.name, again.author, again.labels) == ("flowers", "Eve", ("a", "b", "c"))
    assert again.inputs[0].mean == (127.0,)


def test_foreign_metadata_is_kept_where_nothing_replaces_it():
    written = write_metadata(foreign_model(), METADATA)
    tree = metadata_tree(open_model(written))
    assert (tree["name"], tree["author"]) == ("flowers", "Ann")
    assert tree["associated_files"] == FOREIGN["associated_files"]
    graph = tree["subgraph_metadata"][0]
    assert (graph["name"], graph["custom_metadata"]) == (
        "graph",
        [{"name": "mine", "data": [1, 2, 3]}],
    )
    image, scores = graph["input_tensor_metadata"][0], graph["output_tensor_metadata"][0]
    assert image["name"] == "photo"
    assert image["content"]["content_properties"][1] == {
        "color_space": 1,
        "default_size": {"width": 8, "height": 8},
    }
    assert [unit["options"] for unit in image["process_units"]] == [
        ("NormalizationOptions", {"mean": [127.0], "std": [128.0]}),
        ("RegexTokenizerOptions", {"delim_regex_pattern": "x"}),
    ]
    assert (
        scores["process_units"]
        == FOREIGN["subgraph_metadata"][0]["output_tensor_metadata"][0]["process_units"]
    )
    assert [e["name"] for e in scores["associated_files"]] == ["labels.txt", "fr.txt", "scores.csv"]
    assert tree["min_parser_version"] == "1.5.0"


def test_foreign_files_stay_except_replaced_label_lists():
    written = write_metadata(foreign_model(), METADATA)
    files = open_model(written).files
    gone = {"old.txt", "it.txt"}
    for name, content in FOREIGN_FILES.items():
        assert files.get(name) == (None if name in gone else content)
    assert b"secret" not in written
    assert written.count(b"M001") == 1  # the old flatbuffer is wiped, not only unlinked
    assert b"theirs" not in written
    assert len(unpack(written).buffers) == len(unpack(foreign_model()).buffers)
    assert write_metadata(written, METADATA) == written


def test_keep_false_starts_afresh_even_from_damaged_metadata():
    model = foreign_model(tree={"name": "x"}, files={"junk": b""})
    damaged = model.replace(b"M001", b"M009")
    with pytest.raises(MetadataError, match="lacks the identifier M001"):
        write_metadata(damaged, METADATA)
    found = read_metadata(write_metadata(damaged, METADATA, keep=False))
    assert (found.author, found.associated_files) == ("Ann", ("labels.txt",))


def test_metadata_in_the_buffer_of_weights_leaves_the_weights():
    def share(model):
        add_entry(model, "TFLITE_METADATA", b"")
        kernel = next(t for t in model.subgraphs[0].tensors if t.name == "kernel")
        model.metadata[-1].buffer = kernel.buffer

    model = tiny_model(change=share)
    written = write_metadata(model, METADATA, keep=False)
    pixels = np.ones((1, 8, 8, 3), np.float32)
    assert np.array_equal(probabilities(written, pixels), probabilities(model, pixels))
    assert read_metadata(written).labels == LABELS


def test_another_writer_may_repack_the_file_and_we_its_result():
    once = write_metadata(tiny_model(), METADATA)
    repacked = pack(unpack(once)) + once[len(open_model(once).model) :]
    with pytest.raises(ValueError, match="not found"):
        repacked.index(b"pkg1")
    again = write_metadata(repacked, METADATA)
    assert read_metadata(again) == read_metadata(once)
    assert len(unpack(again).buffers) == len(unpack(once).buffers)


def test_the_packed_files_are_a_zip_that_is_stored_and_counts_from_the_start(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(write_metadata(foreign_model(), METADATA))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("labels.txt").decode() == "".join(f"{label}\n" for label in LABELS)
        content = path.read_bytes()
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        record = content.rindex(b"PK\x05\x06")
        directory = int.from_bytes(content[record + 16 : record + 20], "little")
        assert content[directory : directory + 4] == b"PK\x01\x02"
    if unzip := shutil.which("unzip"):
        done = subprocess.run([unzip, "-t", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        assert "warning" not in done.stdout + done.stderr


def test_two_outputs_are_refused_as_everywhere():
    def two_outputs(model):
        graph = model.subgraphs[0]
        graph.outputs = [3 - 1, graph.outputs[0]]

    with pytest.raises(ModelFileError, match="not an image classifier: it has 2 outputs"):
        write_metadata(
            tiny_model(classes=4, change=two_outputs),
            replace(METADATA, labels=("a", "b", "c", "d")),
        )


def test_writes_to_a_file_in_place_or_elsewhere(tmp_path):
    model, out = tmp_path / "m.tflite", tmp_path / "new" / "o.tflite"
    model.write_bytes(tiny_model())
    assert add_metadata_to_file(model, METADATA, out) == out
    assert model.read_bytes() == tiny_model()
    assert add_metadata_to_file(model, METADATA) == model
    assert model.read_bytes() == out.read_bytes() == write_metadata(tiny_model(), METADATA)
    assert [path.name for path in out.parent.iterdir()] == ["o.tflite"]


def test_labels_are_written_clean_and_can_have_the_same_name():
    labels = (" crane", "Lo\u0308we\r", "\ufeffcrane ")
    written = write_metadata(tiny_model(), replace(METADATA, labels=labels))
    assert open_model(written).files["labels.txt"].decode() == "crane\nL\u00f6we\ncrane\n"
    assert read_metadata(written).labels == ("crane", "L\u00f6we", "crane")


@pytest.mark.skipif(os.name == "nt", reason="links and modes")
def test_links_and_modes_stay(tmp_path):
    model, link = tmp_path / "kept" / "m.tflite", tmp_path / "link.tflite"
    model.parent.mkdir()
    model.write_bytes(tiny_model())
    model.chmod(0o640)
    link.symlink_to(model)
    for options in ((), (link,)):  # the model itself, and as --out
        assert add_metadata_to_file(link, METADATA, *options) == link
        assert link.is_symlink()
        assert read_metadata(model).labels == LABELS
        assert stat.S_IMODE(model.stat().st_mode) == 0o640
        assert [path.name for path in model.parent.iterdir()] == ["m.tflite"]


def test_places_that_cannot_be_written(tmp_path):
    model, other = tmp_path / "m.tflite", tmp_path / "photo.jpg"
    model.write_bytes(tiny_model())
    other.write_bytes(b"a photo")
    (tmp_path / "folder").mkdir()
    for out, message in (
        (other, "exists already, and is not a .tflite model"),
        (tmp_path / "folder", "can't be written .*it is a folder"),
        (other / "below.tflite", "can't be written"),
        (tmp_path / ("x" * 300), "can't be written"),
        (tmp_path / "a\0b", "can't be written"),
    ):
        with pytest.raises(OutputError, match=message):
            add_metadata_to_file(model, METADATA, out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "m.tflite", "photo.jpg"]
    assert other.read_bytes() == b"a photo"


def test_an_absurd_normalisation_of_another_writer_is_replaced_or_refused():
    unit = {"options": ("NormalizationOptions", {"mean": [127.0], "std": [1e-41]})}
    tree = {"subgraph_metadata": [{"input_tensor_metadata": [{"process_units": [unit]}]}]}
    model = foreign_model(tree, {})
    with pytest.raises(MetadataError, match="needs mean and std"):
        write_metadata(model, ClassifierMetadata(LABELS))
    assert read_metadata(write_metadata(model, METADATA)).inputs[0].std == (128.0,)


def test_offsets_beyond_the_file_are_damage():
    def far(model):
        model.metadata = None

    content = bytearray(tiny_model(change=far))
    table = int.from_bytes(content[:4], "little")
    vtable = table - int.from_bytes(content[table : table + 4], "little", signed=True)
    slot = int.from_bytes(content[vtable + 4 + 2 * 3 : vtable + 6 + 2 * 3], "little")
    content[table + slot : table + slot + 4] = (0xFFFFFF00).to_bytes(4, "little")  # description
    with pytest.raises(ModelFileError, match="damaged|can't be added"):
        write_metadata(bytes(content), METADATA)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (("a", "", "c"), "label 2 is blank"),
        (("a", " \t", "c"), "label 2 is blank"),
        (("a", "b\nc", "d"), "label 2 .* holds a line break"),
        (("a", "b\u2028c", "d"), "label 2 .* holds a line break"),
        (("a", "b" * 1001, "d"), "label 2 .* has 1,001 letters"),
        (("a", "b\u202ec", "d"), "label 2 .* direction"),
        (("a", "b\0", "d"), "label 2 .* control character"),
        (("a", "b\ud800", "d"), "label 2 .* isn't valid Unicode"),
        (("a", "b"), "the model gives 3 scores and there are 2 labels"),
        ((), "the model gives 3 scores and there are 0 labels"),
    ],
)
def test_bad_labels_are_refused(labels, message):
    with pytest.raises(MetadataError, match=message):
        write_metadata(tiny_model(), replace(METADATA, labels=labels))


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        ((1.0,), (), "one finite number each"),
        ((1.0, 2.0), (1.0, 2.0), "one finite number each"),
        ((float("nan"),), (1.0,), "one finite number each"),
        ((1.0,), (float("inf"),), "one finite number each"),
        ((1.0,), (0.0,), "std must be above zero"),
        ((1.0,), (-1.0,), "std must be above zero"),
        ((), (), "a model with float input needs mean and std"),
    ],
)
def test_bad_normalization_is_refused(mean, std, message):
    with pytest.raises(MetadataError, match=message):
        write_metadata(tiny_model(), replace(METADATA, mean=mean, std=std))


def test_text_that_is_no_unicode_is_refused():
    with pytest.raises(MetadataError, match="text of the metadata isn't valid Unicode"):
        write_metadata(tiny_model(), replace(METADATA, author="\udcff"))


@pytest.mark.parametrize(
    "model",
    [tiny_model(input_shape=(1, 8, 8, 1)), tiny_model(inputs=2)],
    ids=["gray", "two inputs"],
)
def test_a_model_that_takes_no_rgb_image_is_refused(model):
    with pytest.raises(ModelFileError, match="this is not an image classifier"):
        write_metadata(model, METADATA)


def test_weights_outside_of_the_flatbuffer_are_refused():
    def outside(model):
        model.buffers[1].offset, model.buffers[1].size = 4096, 8

    with pytest.raises(ModelFileError, match="keeps weights behind its flatbuffer"):
        write_metadata(tiny_model(change=outside), METADATA)


BERT = {"options": ("BertTokenizerOptions", {})}
AUDIO = {"content_properties": ("AudioProperties", {})}


@pytest.mark.parametrize(
    ("graph", "version"),
    [
        ({}, (1, 0, 0)),
        ({"associated_files": [{"type": 5}]}, (1, 0, 1)),
        ({"input_process_units": []}, (1, 1, 0)),
        ({"output_process_units": []}, (1, 1, 0)),
        ({"input_tensor_metadata": [{"process_units": [BERT]}]}, (1, 1, 0)),
        ({"input_tensor_groups": []}, (1, 2, 0)),
        ({"output_process_units": [{"options": ("RegexTokenizerOptions", {})}]}, (1, 2, 1)),
        ({"input_tensor_metadata": [{"content": AUDIO}]}, (1, 3, 0)),
        ({"output_tensor_metadata": [{"associated_files": [{"type": 6}]}]}, (1, 4, 0)),
        ({"associated_files": [{"version": ""}]}, (1, 4, 1)),
        ({"custom_metadata": []}, (1, 5, 0)),
    ],
)  # fmt: skip
def test_minimum_parser_version(graph, version):
    assert minimum_parser_version({"subgraph_metadata": [graph]}) == version


def test_vocabularies_of_tokenizers_do_not_raise_the_version():
    units = [{"options": ("BertTokenizerOptions", {"vocab_file": [{"type": 6, "version": "2"}]})}]
    graph = {"input_tensor_metadata": [{"process_units": units}]}
    assert minimum_parser_version({"subgraph_metadata": [graph]}) == (1, 1, 0)
