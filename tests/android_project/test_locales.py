"""Names of the classes by locale, in the generated project."""

import hashlib
import json
from pathlib import Path

import pytest

from packager.android.project import ASSETS, generate_project
from packager.contract import with_locales
from packager.errors import SettingsError
from tests.test_classifier_file import IDS, ROWS, color_model

ENGLISH, GERMAN = "red\ngreen\nblue\n", "rot\ngr\u00fcn\nblau\n"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return color_model(tmp_path / "m.tflite", IDS, ROWS, en=ENGLISH, de=GERMAN)


def test_a_list_of_labels_for_each_language(model: Path, tmp_path: Path) -> None:
    made = generate_project(model, tmp_path / "app")
    assert made.labels == ("red", "green", "blue")
    assets = made.folder / ASSETS
    assert (assets / "labels.txt").read_text("utf-8") == ENGLISH
    assert (assets / "labels-de.txt").read_text("utf-8") == GERMAN
    labels = json.loads((assets / "model_spec.json").read_text("utf-8"))["labels"]
    assert labels["sha256"] == hashlib.sha256(ENGLISH.encode()).hexdigest()
    assert labels["locales"] == {
        "en": {"file": "labels.txt", "sha256": labels["sha256"]},
        "de": {"file": "labels-de.txt", "sha256": hashlib.sha256(GERMAN.encode()).hexdigest()},
    }
    assert made.files == sum(path.is_file() for path in made.folder.rglob("*"))


def test_one_language_on_demand(model: Path, tmp_path: Path) -> None:
    assets = generate_project(model, tmp_path / "app", locale="de").folder / ASSETS
    assert (assets / "labels.txt").read_text("utf-8") == GERMAN
    assert not (assets / "labels-de.txt").exists()
    assert "locales" not in json.loads((assets / "model_spec.json").read_text("utf-8"))["labels"]
    with pytest.raises(SettingsError, match="no names for the locale 'it'"):
        generate_project(model, tmp_path / "other", locale="it")


def test_locales_never_lead_out_of_the_assets() -> None:
    names = {"../x": "a", "de/de": "b", "": "c", "DE": "d", "de": "e", "pt_BR": "f"}
    spec, texts = with_locales({"labels": {}}, ["a"], {tag: [name] for tag, name in names.items()})
    assert texts == {"labels.txt": "a\n", "labels-de.txt": "d\n", "labels-pt-br.txt": "f\n"}
    assert list(spec["labels"]["locales"]) == ["DE", "pt-BR"]
