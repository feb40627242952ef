import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from packager.errors import DataError, ModelFileError, SettingsError
from packager.verify import report, verify_model
from packager.verify.environment import CLIENTS
from packager.verify.session import __file__ as session_file
from tests.metadata.tiny_models import tiny_model

SCRIPT = """
import sys
sys.path.insert(0, {clients!r})
from protocol import serve

def classify(pixels):
    red, green, blue = (int(value) for value in pixels.reshape(-1, 3).mean(axis=0))
    names = {names!r}
    return sorted(zip((0, 1, 2), names, (red, green, blue)), key=lambda s: -s[2])

serve(lambda model: ({{"version": "9", "metadata": "{{}}"}}, lambda pixels: pixels, classify))
"""
COLORS = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200), "gray": (90, 90, 90)}


@pytest.fixture
def photos(tmp_path):
    for name, color in COLORS.items():
        Image.new("RGB", (30, 20), color).save(tmp_path / f"{name}.png")
    return [(tmp_path / f"{name}.png", number) for number, name in enumerate(COLORS) if number < 3]


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(tiny_model())
    return path


@pytest.fixture
def client(tmp_path, monkeypatch):
    """A client whose labels are red, green and blue, and which sees just that."""

    def use(names=("rot", "gru\u0308n", "blau")):
        script = tmp_path / "client.py"
        folder = Path(session_file).parent / "clients"
        script.write_text(SCRIPT.format(clients=str(folder), names=names), encoding="utf-8")
        fake = replace(CLIENTS["mediapipe"], script=str(script))
        monkeypatch.setitem(report.CLIENTS, "mediapipe", fake)
        monkeypatch.setattr(report, "environment_python", lambda *_: Path(sys.executable))

    use()
    return use


def test_labels_as_they_lie_in_the_file_and_classes_that_are_alike(client, model, photos):
    client(names=("\ufeffrot ", "gr\u00fcn", "blau"))
    classes = ("rot", "gr\u00fcn", "blau")
    assert verify_model(model, photos, classes, client="mediapipe").top1 == 1.0
    swapped = [(path, {1: 2, 2: 1}.get(number, number)) for path, number in photos]
    assert verify_model(model, swapped, classes, client="mediapipe").correct == 1
    found = verify_model(model, swapped, classes, client="mediapipe", alike=[(1, 2)])
    assert found.correct == 3


@pytest.mark.usefixtures("client")
def test_counts_right_answers_by_label(model, photos):
    found = verify_model(model, photos, ("rot", "gr\u00fcn", "blau"), client="mediapipe")
    assert (found.photos, found.correct, found.top1) == (3, 3, 1.0)
    assert found.labels == ("rot", "gru\u0308n", "blau")
    assert found.predictions == (0, 1, 2)
    assert found.disagreements == ()
    assert found.metadata_display == "{}"
    assert found.milliseconds_per_photo > 0
    other_order = [(path, (number + 1) % 3) for path, number in photos]
    found = verify_model(model, other_order, ("blau", "rot", "gr\u00fcn"), client="mediapipe")
    assert found.correct == 3


def test_without_labels_the_index_counts(client, model, photos):
    client(("", "", ""))
    found = verify_model(model, [*photos[:2], (photos[2][0], 0)], "abc", client="mediapipe")
    assert (found.correct, found.labels) == (2, ("", "", ""))


@pytest.mark.usefixtures("client")
def test_lists_disagreements_but_not_ties(model, photos, tmp_path):
    photos = [*photos, (tmp_path / "gray.png", 0)]
    found = verify_model(model, photos, "abc", client="mediapipe", expected=[0, 2, 2, 2])
    assert [(d.photo, d.ours, d.theirs) for d in found.disagreements] == [
        (photos[1][0], "blau", "gru\u0308n")
    ]


@pytest.mark.usefixtures("client")
def test_the_client_sees_upright_rgb(model, tmp_path):
    picture = Image.new("L", (4, 4), 255)
    picture.save(tmp_path / "gray.png")
    assert (
        verify_model(
            model, [(tmp_path / "gray.png", 0)], "abc", client="mediapipe", expected=[2]
        ).disagreements
        == ()
    )


@pytest.mark.usefixtures("client")
def test_bad_requests_are_refused_before_a_client_starts(model, photos, tmp_path):
    with pytest.raises(SettingsError, match="unknown client 'x'"):
        verify_model(model, photos, "abc", client="x")
    with pytest.raises(DataError, match="no photos"):
        verify_model(model, [], "abc", client="mediapipe")
    (tmp_path / "not.tflite").write_bytes(b"hello")
    with pytest.raises(ModelFileError, match="not a TFLite model"):
        verify_model(tmp_path / "not.tflite", photos, "abc", client="mediapipe")
