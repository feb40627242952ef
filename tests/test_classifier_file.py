"""A stranger's model and folders of photos: which class a folder is, and what is said of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.classifier_file import evaluate_file, predict_photos
from packager.errors import DataError, SettingsError
from packager.metadata import schema
from packager.metadata.container import join_model, open_model
from packager.metadata.flatbuffer import encode
from packager.metadata.reader import metadata_tree
from packager.metadata.writer import ClassifierMetadata, write_metadata
from tests.conftest import Heard, save_photo
from tests.metadata.tiny_models import tiny_model

pytestmark = pytest.mark.usefixtures("same_process")

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def color_model(path: Path, labels: list[str], rows: list[tuple[float, ...]], **lists: str) -> Path:
    """Its classes' scores are `rows` times the mean colour; `lists` are label files by locale."""

    def set_kernel(model: Any) -> None:
        kernel = 4 * np.array(rows, np.float32)
        model.buffers[2].data = np.frombuffer(kernel.tobytes(), np.uint8)

    content = write_metadata(
        tiny_model(classes=len(rows), change=set_kernel),
        ClassifierMetadata(tuple(f"x{n}" for n in range(len(rows))), mean=(127.0,), std=(128.0,)),
    )
    file = open_model(content)
    tree = metadata_tree(file)
    assert tree is not None
    output = tree["subgraph_metadata"][0]["output_tensor_metadata"][0]
    files = {"labels.txt": "\n".join(labels).encode()}
    for locale, text in lists.items():
        files[f"{locale}.txt"] = text.encode()
        named = {"name": f"{locale}.txt", "type": schema.TENSOR_AXIS_LABELS, "locale": locale}
        output["associated_files"].append(named)
    packed = encode(tree, schema.TABLES, "ModelMetadata", schema.IDENTIFIER)
    path.write_bytes(join_model(file, packed, files))
    return path


ROWS = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]


def folders(root: Path, **colors: tuple[int, int, int]) -> Path:
    for number, (name, color) in enumerate(colors.items()):
        for photo in range(2):
            save_photo(root / name / f"{photo}.png", color, seed=10 * number + photo)
    return root


def test_a_folder_that_could_be_either_of_two_classes(tmp_path: Path, heard: Heard) -> None:
    labels = ["crane", "peacock", "crane", "a", "b", "c", "d"]
    rows = [*ROWS, *[(0.0, 0.0, 0.0)] * 4]
    model = color_model(tmp_path / "m.tflite", labels, rows)
    data = folders(tmp_path / "photos", crane=RED, peacock=GREEN)
    save_photo(data / "crane" / "other.png", BLUE, seed=99)
    found = evaluate_file(model, data, progress=heard)
    assert found.alike == ((0, 2),)
    view = found.evaluation.view("stretch")
    assert (view.top1, view.top5) == (1.0, 1.0)
    assert sorted(view.predictions) == [0, 0, 1, 1, 2]  # the very classes
    assert view.confusion == ((0, 0, 3), (1, 1, 2))
    assert [(row.label, row.precision, row.recall, row.photos) for row in view.per_class] == [
        ("crane", 1.0, 1.0, 3),
        ("peacock", 1.0, 1.0, 2),
    ]
    assert view.true_scores == view.confidences
    assert any("crane is the name of 2 classes (0, 2, counted from 0)" in w for w in heard.warnings)


def test_photos_of_a_table_and_of_an_archive_are_measured_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    model = color_model(tmp_path / "m.tflite", ["red", "green", "blue"], ROWS)
    data = folders(tmp_path / "photos", red=RED, green=GREEN, blue=BLUE)
    (tmp_path / "t.csv").write_text(
        "path,label\nred/0.png,red\ngreen/0.png,green\nred/1.png,blue\n"
    )
    table = evaluate_file(model, tmp_path / "t.csv", images=data).evaluation
    assert [photo.path.parent.name for photo in table.photos] == ["red", "green", "red"]
    assert table.top1("stretch") == pytest.approx(2 / 3)
    archive = shutil.make_archive(str(tmp_path / "photos"), "zip", data)
    assert evaluate_file(model, archive).evaluation.top1("stretch") == 1.0


def test_a_twin_taken_for_another_class_is_a_mistake_of_the_first(tmp_path: Path) -> None:
    model = color_model(tmp_path / "m.tflite", ["crane", "peacock", "crane"], ROWS)
    data = folders(tmp_path / "photos", crane=GREEN, peacock=BLUE)
    view = evaluate_file(model, data).evaluation.view("stretch")
    assert view.top1 == 0.0
    assert view.confusion == ((0, 1, 2), (1, 0, 2))


IDS, ENGLISH, GERMAN = ["/m/r", "/m/g", "/m/b"], "red\ngreen\nblue\n", "rot\ngrün\nblau\n"


def test_ids_with_names_by_locale(tmp_path: Path) -> None:
    model = color_model(tmp_path / "m.tflite", IDS, ROWS, en=ENGLISH, de=GERMAN)
    # By name in any language, or by id as far as a folder can be called so.
    data = folders(tmp_path / "photos", **{"red": RED, "_m_g": GREEN, "blau": BLUE})
    found = evaluate_file(model, data)
    assert found.labels == tuple(IDS)
    view = found.evaluation.view("stretch")
    assert view.top1 == 1.0
    assert [row.label for row in view.per_class] == ["red", "green", "blue"]
    german = evaluate_file(model, data, locale="de").evaluation.view("stretch")
    assert [row.label for row in german.per_class] == ["rot", "grün", "blau"]
    (prediction,) = predict_photos(model, [data / "blau" / "0.png"], top=1)
    assert prediction.top[0][0] == "blue"
    (prediction,) = predict_photos(model, [data / "blau" / "0.png"], top=1, locale="de-AT")
    assert prediction.top[0][0] == "blau"
    with pytest.raises(SettingsError, match="--locale: the model has no names .* 'fr'"):
        evaluate_file(model, data, locale="fr")


def test_names_near_a_label_are_told(tmp_path: Path, heard: Heard) -> None:
    model = color_model(tmp_path / "m.tflite", ["\ufeffred ", "green/lime", "Blue"], ROWS)
    data = folders(tmp_path / "photos", **{"red": RED, "green_lime": GREEN, "blue": BLUE})
    assert evaluate_file(model, data, progress=heard).evaluation.top1("stretch") == 1.0
    assert heard.warnings == [
        "matched with the nearest label: blue for Blue, green_lime for green/lime"
    ]


def test_numbered_labels_are_found_and_explained(tmp_path: Path, heard: Heard) -> None:
    model = color_model(tmp_path / "m.tflite", ["0 red", "1 green", "2 blue"], ROWS)
    data = folders(tmp_path / "photos", **{"red": RED, "1 green": GREEN})
    assert evaluate_file(model, data, progress=heard).evaluation.top1("stretch") == 1.0
    assert any("--strip-index" in warning for warning in heard.warnings)


def test_strange_folders_are_named_with_what_they_could_be(tmp_path: Path) -> None:
    model = color_model(tmp_path / "m.tflite", ["a/b", "a-b", "c"], ROWS, en="x\ny\nz\n")
    data = folders(tmp_path / "photos", **{"a_b": RED, "tree": GREEN})
    with pytest.raises(DataError) as caught:
        evaluate_file(model, data)
    assert "no label for a_b (is it a/b or a-b?), tree" in str(caught.value)
    assert "a/b, a-b, c, or in other words x, y, z" in str(caught.value)
