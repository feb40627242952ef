"""What `--backbone`, `--input-size`, `--mean` and `--std` may say; no file is opened for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from packager.backbones.custom import custom_spec
from packager.errors import SettingsError, WeightsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "my net (v2).keras").write_bytes(b"")
    return tmp_path / "my net (v2).keras"


def test_one_mean_and_std_are_the_specs_own(file: Path) -> None:
    spec = custom_spec(file, 160, "127.5", "127.5")
    assert (spec.name, spec.title, spec.input_size) == ("my_net_v2_", "my net (v2)", 160)
    assert (spec.mean, spec.std, spec.feature_size) == (127.5, 127.5, 0)
    assert spec.source is not None
    assert spec.source.path == file
    assert custom_spec(file, 160, "3,3,3", "2") == custom_spec(file, 160, "3", "2,2,2")
    assert custom_spec(file, 160, "0", "255").std == 255


def test_several_are_kept_for_the_graph(file: Path) -> None:
    spec = custom_spec(file, 160, "123.7, 116.3,103.5", "58")
    assert (spec.mean, spec.std) == (127.5, 127.5)
    assert spec.source is not None
    assert (spec.source.mean, spec.source.std) == ((123.7, 116.3, 103.5), (58, 58, 58))


@pytest.mark.parametrize(
    ("size", "mean", "std", "flag", "words"),
    [
        (None, "0", "1", "--input-size", "needs the side"),
        (0, "0", "1", "--input-size", "0 pixels"),
        (224, "", "1", "--mean", "--mean 127.5 --std 127.5"),
        (224, "0", "", "--std", "--mean 0 --std 255"),
        (224, "a", "1", "--mean", "'a' is not a number"),
        (224, "1,2", "1", "--mean", "three with commas"),
        (224, "1,2,3,4", "1", "--mean", "three with commas"),
        (224, "256", "1", "--mean", "0 to 255"),
        (224, "nan", "1", "--mean", "out of range"),
        (224, "0", "0", "--std", "out of range"),
        (224, "0", "inf", "--std", "out of range"),
        (224, "0.485,0.456,0.406", "0.229,0.224,0.225", "--std", "times 255"),
    ],
)
def test_what_cannot_be_meant(
    file: Path, size: int | None, mean: str, std: str, flag: str, words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        custom_spec(file, size, mean, std)
    assert caught.value.where == flag
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.keras", "photo.jpg", "."])
def test_what_is_no_backbone(tmp_path: Path, name: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(WeightsError, match="no such backbone|not a backbone") as caught:
        custom_spec(tmp_path / name, 224, "0", "1")
    assert "saved_model.pb" in caught.value.fix


def test_a_folder_with_a_graph_is_one(tmp_path: Path) -> None:
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "saved_model.pb").write_bytes(b"")
    assert custom_spec(tmp_path / "module", 224, "0", "1").name == "module"
