from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from packager.classifier_file import open_classifier
from packager.errors import DataError, OutputError, SettingsError
from packager.explain import run
from packager.explain.run import demand_all_explained, explain_open, explain_photos
from packager.metadata.writer import ClassifierMetadata, write_metadata
from tests.conftest import save_photo
from tests.metadata.tiny_models import tiny_model

pytestmark = pytest.mark.usefixtures("same_process")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.tflite"
    metadata = ClassifierMetadata(labels=("dark", "grey", "bright"), mean=(127.5,), std=(127.5,))
    path.write_bytes(write_metadata(tiny_model(), metadata))
    return path


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_photo(tmp_path_factory.mktemp("photo") / "one.png", (200, 200, 60), 1)


def test_each_photo_has_its_picture(model: Path, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    again = Path(shutil.copy(photo, tmp_path / "other" / "ONE.png"))
    found = explain_photos(model, [photo, again], tmp_path / "out")
    assert [each.picture.name for each in found if each.picture] == ["one.png", "ONE-2.png"]
    for each in found:
        assert each.picture is not None
        with Image.open(each.picture) as picture, Image.open(photo) as plain:
            assert picture.size == (2 * plain.width, plain.height)
        assert each.method == "class activation map"
        assert each.label == each.answer
    demand_all_explained(found)


def test_another_class_can_be_looked_for(model: Path, photo: Path, tmp_path: Path) -> None:
    (found,) = explain_photos(model, [photo], tmp_path / "out", label="dark")
    assert found.label == "dark"
    assert found.answer != "dark"
    assert found.score < 0.5


def test_a_class_that_the_model_lacks_is_refused(model: Path, photo: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no class called 'blue'.*dark, grey, bright"):
        explain_photos(model, [photo], tmp_path / "out", label="blue")


def test_an_older_folder_is_replaced_when_told_so(model: Path, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    explain_photos(model, [photo], out)
    with pytest.raises(OutputError, match="--force to replace an older folder of explanations"):
        explain_photos(model, [photo], out)
    explain_photos(model, [photo], out, force=True)


def test_a_photo_that_cannot_be_read_is_told_and_the_others_are_drawn(
    model: Path, photo: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    found = explain_photos(model, [broken, photo], tmp_path / "out")
    assert found[0].picture is None
    assert found[1].picture is not None
    with pytest.raises(DataError, match=r"broken\.jpg"):
        demand_all_explained(found)


def test_without_a_linear_head_patches_are_hidden(
    model: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "linear_head", lambda _: None)
    ((found, png),) = explain_open(open_classifier(model), [photo], None)
    assert found.method == "occlusion"
    assert png.startswith(b"\x89PNG")
    values = run.Explainer(open_classifier(model)).heat(np.zeros((8, 8, 3), np.uint8)).values
    assert values.shape == (9, 9)
