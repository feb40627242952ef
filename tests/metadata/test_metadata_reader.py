import random
import zipfile
from contextlib import suppress

import pytest
from test_metadata_writer import LABELS, METADATA, foreign_model
from tiny_models import add_entry, tiny_model

from packager.errors import MetadataError, ModelFileError
from packager.metadata.reader import read_labels, read_metadata
from packager.metadata.writer import write_metadata

WRITTEN = write_metadata(tiny_model(), METADATA)


def test_a_model_without_metadata_gives_none(tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(tiny_model())
    assert read_metadata(path) is None
    assert read_metadata(tiny_model()) is None


def test_of_several_label_files_the_one_without_a_locale_counts():
    files = {"de.txt": b"x\ny\nz\n", "plain.txt": b"a\r\nb\r\nc"}
    lists = [{"name": "de.txt", "type": 2, "locale": "de"}, {"name": "plain.txt", "type": 2}]
    tree = {"subgraph_metadata": [{"output_tensor_metadata": [{"associated_files": lists}]}]}
    assert read_metadata(foreign_model(tree, files)).labels == ("a", "b", "c")


@pytest.mark.parametrize(
    ("content", "labels"),
    [(b"", ()), (b"a", ("a",)), (b"a\nb\n", ("a", "b")), (b"a\n\nb", ("a", "", "b"))],
)
def test_label_files_are_split_as_clients_do(content, labels):
    assert read_labels(content) == labels


@pytest.mark.parametrize(
    "content", [b"", b"TFL3", b"not a model at all", b"\0\0\0\0TFL3", b"\xff" * 99]
)
def test_what_is_no_model_is_refused(content, tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        read_metadata(path)
    assert str(path) in str(caught.value)


def test_no_such_file(tmp_path):
    with pytest.raises(ModelFileError, match="can't be read"):
        read_metadata(tmp_path / "none.tflite")
    with pytest.raises(ModelFileError, match="can't be read"):
        read_metadata(tmp_path)


def test_labels_that_are_named_but_not_there():
    with pytest.raises(MetadataError, match=r"names the label file 'labels.txt'"):
        read_metadata(WRITTEN[: WRITTEN.rindex(b"PK\x03\x04")])


def test_labels_that_are_not_text():
    tree = {
        "subgraph_metadata": [
            {"output_tensor_metadata": [{"associated_files": [{"name": "l", "type": 2}]}]}
        ]
    }
    with pytest.raises(MetadataError, match="isn't UTF-8"):
        read_metadata(foreign_model(tree, {"l": b"\xff\xfe"}))


def test_damaged_and_endless_zips():
    start = WRITTEN.index(LABELS[0].encode())
    damaged = WRITTEN[:start] + b"X" + WRITTEN[start + 1 :]
    with pytest.raises(MetadataError, match="can't be unpacked"):
        read_metadata(damaged)
    assert write_metadata(damaged, METADATA, keep=False) == WRITTEN
    bomb = foreign_model({}, {str(n): bytes(1 << 25) for n in range(9)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(MetadataError, match="unpack to more than 256 MB"):
        read_metadata(bomb)


def test_weights_that_look_like_the_end_of_a_zip_are_weights():
    def lookalike(model):
        add_entry(model, "x", b"PK\x05\x06" + bytes(18))

    model = tiny_model(change=lookalike)
    assert read_metadata(model) is None
    assert read_metadata(write_metadata(model, METADATA)).labels == LABELS


@pytest.mark.parametrize("content", [WRITTEN, foreign_model()], ids=["ours", "theirs"])
def test_truncated_files_never_pass_as_labelled(content):
    step = max(len(content) // 400, 1)
    for length in range(0, len(content), step):
        try:
            found = read_metadata(content[:length])
        except (ModelFileError, MetadataError):
            continue
        assert found is None or not found.labels


@pytest.mark.parametrize("content", [WRITTEN, foreign_model()], ids=["ours", "theirs"])
def test_flipped_bytes_are_read_or_refused_never_crash(content):
    picks = random.Random(7)
    for _ in range(1500):
        damaged = bytearray(content)
        for _ in range(picks.choice((1, 1, 2, 8))):
            damaged[picks.randrange(len(damaged))] = picks.choice((0, 1, 0x7F, 0x80, 0xFF))
        for function in (read_metadata, lambda data: write_metadata(data, METADATA)):
            with suppress(ModelFileError, MetadataError):
                function(bytes(damaged))
