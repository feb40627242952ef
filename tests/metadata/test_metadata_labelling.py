import pytest

from packager.errors import MetadataError, SettingsError
from packager.metadata.labelling import label_model
from packager.progress import Progress
from tests.metadata.tiny_models import tiny_model


class Heard(Progress):
    def __init__(self):
        self.warnings = []

    def warn(self, message):
        self.warnings.append(message)


@pytest.fixture
def write(tmp_path):
    model, labels = tmp_path / "m.tflite", tmp_path / "labels.txt"
    model.write_bytes(tiny_model())

    def run(content, **options):
        labels.write_bytes(content)
        heard = Heard()
        options = {"mean": "127", "std": "128", **options}
        found = label_model(model, labels, tmp_path / "out.tflite", progress=heard, **options)
        return found.labels, heard.warnings

    return run


def test_twins_are_written_with_a_warning(write):
    labels, warnings = write(b"crane\nred\ncrane\n")
    assert labels == ("crane", "red", "crane")
    (warning,) = warnings
    assert "several classes have the same label: 'crane' (0, 2)" in warning


def test_what_editors_leave_is_cleaned(write):
    assert write(b"\xef\xbb\xbfred \r\n green\r\nblue\r\n\r\n") == (("red", "green", "blue"), [])


def test_numbers_before_labels_are_told_and_left_out_on_demand(write):
    labels, (warning,) = write(b"0 Cat\n1 Dog\n2 Cow\n")
    assert labels == ("0 Cat", "1 Dog", "2 Cow")
    assert "begin with their numbers" in warning
    assert "--strip-index" in warning
    assert write(b"0 Cat\n1 Dog\n2 Cow\n", strip_index=True) == (("Cat", "Dog", "Cow"), [])
    with pytest.raises(MetadataError, match=r"labels\.txt: the labels don't begin"):
        write(b"Cat\nDog\nCow\n", strip_index=True)


def test_the_list_of_labels_is_not_overwritten(tmp_path):
    model, labels = tmp_path / "m.tflite", tmp_path / "labels.txt"
    model.write_bytes(tiny_model())
    labels.write_text("a\nb\nc\n")
    with pytest.raises(SettingsError, match="--out: this is the label file"):
        label_model(model, labels, tmp_path / "." / "labels.txt", mean="127", std="128")
    assert labels.read_text() == "a\nb\nc\n"


def test_labels_that_are_no_file(tmp_path):
    model = tmp_path / "m.tflite"
    model.write_bytes(tiny_model())
    with pytest.raises(MetadataError, match="it is a folder"):
        label_model(model, tmp_path)
