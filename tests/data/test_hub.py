from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from packager.data.hub import hub_name, hub_photos
from packager.errors import DataError, SettingsError
from tests.conftest import save_photo


@pytest.fixture
def datasets() -> Any:
    """Takes a second to import."""
    return pytest.importorskip("datasets")


@pytest.fixture
def owner(tmp_path: Path, datasets: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `datasets` takes for an owner of the Hub: it looks into the folder first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    return tmp_path / "owner"


def rows(table: Path) -> list[list[str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_folders_of_images_become_a_table(owner: Path, tmp_path: Path, heard: Any) -> None:
    for number, name in enumerate(("train/a/1.jpg", "train/b/2.png", "test/a/3.jpg")):
        save_photo(owner / "set" / name, (200, 40 * number, 0), number)
    table = hub_photos("hf:owner/set", cache=tmp_path / "cache", progress=heard)
    head, *body = rows(table)
    assert head == ["path", "label", "split"]
    assert sorted(row[1:] for row in body) == [["a", "test"], ["a", "train"], ["b", "train"]]
    originals = {path.read_bytes() for path in owner.rglob("*.*g")}
    assert {(table.parent / row[0]).read_bytes() for row in body} == originals
    stamp = table.stat().st_mtime_ns
    assert hub_photos("hf:owner/set", cache=tmp_path / "cache") == table
    assert table.stat().st_mtime_ns == stamp


def parquet(folder: Path, columns: dict[str, list[Any]], features: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    import datasets

    made = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    made.to_parquet(str(folder / "train-00000-of-00001.parquet"))


def test_one_split_of_class_labels_and_photos_without(
    owner: Path, datasets: Any, tmp_path: Path
) -> None:
    image = str(save_photo(tmp_path / "x.jpg", (1, 2, 3), 1))
    parquet(
        owner / "set",
        {"pixels": [image] * 3, "label": [1, 0, -1]},
        {"pixels": datasets.Image(), "label": datasets.ClassLabel(names=["cat/kitten", "dog"])},
    )
    table = hub_photos("hf:owner/set", cache=tmp_path / "cache")
    assert [row[1:] for row in rows(table)[1:]] == [["dog", ""], ["cat/kitten", ""]]


def test_datasets_of_other_things_are_told(owner: Path, datasets: Any, tmp_path: Path) -> None:
    kinds = {"text": datasets.Value("string"), "label": datasets.Value("string")}
    parquet(owner / "words", {"text": ["a"], "label": ["b"]}, kinds)
    with pytest.raises(DataError, match="one column of images.*its columns are text, label"):
        hub_photos("hf:owner/words", cache=tmp_path / "cache")


@pytest.mark.parametrize("name", ["hf:", "hf:beans", "hf:a/b/c", "hf:../x", "hf:a/../b"])
def test_names_that_are_none(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a dataset name. Write hf:OWNER/NAME"):
        hub_photos(name, cache=tmp_path)


def test_without_a_network_it_is_told(owner: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="hf:owner/none: the dataset can't be loaded"):
        hub_photos("hf:owner/none", cache=tmp_path / "cache")


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from packager import extras

    monkeypatch.setattr(extras, "has_extra", lambda _: False)
    with pytest.raises(SettingsError, match=r"pip install .tflite-packager\[hf\]"):
        hub_photos("hf:owner/set", cache=tmp_path)


def test_names_for_folders() -> None:
    assert hub_name("hf:AI-Lab/beans@main") == "beans"
