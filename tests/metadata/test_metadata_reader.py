import random
import tracemalloc
import zipfile
from contextlib import suppress

import pytest

from packager.errors import MetadataError, ModelFileError, SettingsError
from packager.metadata.reader import read_metadata
from packager.metadata.writer import write_metadata
from tests.fuzz.mutation import COUNT
from tests.metadata.test_metadata_writer import LABELS, METADATA, foreign_model
from tests.metadata.tiny_models import add_entry, tiny_model

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


def localized(**lists):
    """A model of three classes whose output has `plain` and lists by locale (en, pt_BR)."""
    named = [
        {"name": f"{locale}.txt", "type": 2, **({} if locale == "plain" else {"locale": locale})}
        for locale in lists
    ]
    tree = {"subgraph_metadata": [{"output_tensor_metadata": [{"associated_files": named}]}]}
    files = {f"{locale}.txt": content.encode() for locale, content in lists.items()}
    return read_metadata(foreign_model(tree, files))


IDS, ENGLISH = "/m/a\n/m/b\n/m/c\n", "red\n\nblue"


def test_names_by_locale():
    found = localized(plain=IDS, en=ENGLISH, pt_BR="vermelho\nverde\nazul\n", fr="rouge\nvert\n")
    assert found.labels == ("/m/a", "/m/b", "/m/c")
    # A class without a name is shown by its label; a list of another length isn't one of names.
    assert found.display_names == {
        "en": ("red", "/m/b", "blue"),
        "pt_BR": ("vermelho", "verde", "azul"),
    }
    assert found.names() == found.names("en-GB") == found.display_names["en"]
    for locale in ("pt-br", "pt"):
        assert found.names(locale) == found.display_names["pt_BR"]
    with pytest.raises(SettingsError, match="no names for the locale 'fr'. Use one of: en, pt_BR"):
        found.names("fr")


def test_without_english_names_the_labels_are_shown():
    assert localized(plain=IDS, de=ENGLISH).names() == ("/m/a", "/m/b", "/m/c")
    with pytest.raises(SettingsError, match="it has labels only"):
        localized(plain=IDS).names("de")


def test_a_class_without_a_name_is_called_by_its_place():
    found = localized(plain="red\n\nblue\n")
    assert found.labels == ("red", "", "blue")
    assert found.names() == ("red", "class 1", "blue")


def test_labels_are_read_clean():
    plain = "\ufeffred \r\n Lo\u0308wenzahn\r\nblue\n\n\n"
    assert localized(plain=plain).labels == ("red", "L\u00f6wenzahn", "blue")


@pytest.mark.parametrize(
    ("method", "content", "message"),
    [
        (zipfile.ZIP_DEFLATED, b"\n" * 5_000_000, "more than 1,000,000 lines"),
        (zipfile.ZIP_DEFLATED, b"x" * 5_000_000, "5,000,000 letters"),
        (zipfile.ZIP_DEFLATED, bytes(70 << 20), "unpack to more than 64 MB"),
        (zipfile.ZIP_BZIP2, b"\n" * 5_000_000, "packed in a way"),
        (zipfile.ZIP_LZMA, b"\n" * 5_000_000, "packed in a way"),
    ],
)
def test_small_files_of_endless_labels_are_refused(method, content, message):
    lists = [{"name": "labels.txt", "type": 2}]
    tree = {"subgraph_metadata": [{"output_tensor_metadata": [{"associated_files": lists}]}]}
    model = foreign_model(tree, {"labels.txt": content}, method)
    tracemalloc.start()
    try:
        with pytest.raises(MetadataError, match=message):
            read_metadata(model)
        assert tracemalloc.get_traced_memory()[1] < 300_000_000
    finally:
        tracemalloc.stop()


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
    bomb = foreign_model({}, {str(n): bytes(1 << 25) for n in range(3)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(MetadataError, match="unpack to more than 64 MB"):
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
    for _ in range(5 * COUNT):
        damaged = bytearray(content)
        for _ in range(picks.choice((1, 1, 2, 8))):
            damaged[picks.randrange(len(damaged))] = picks.choice((0, 1, 0x7F, 0x80, 0xFF))
        for function in (read_metadata, lambda data: write_metadata(data, METADATA)):
            with suppress(ModelFileError, MetadataError):
                function(bytes(damaged))
