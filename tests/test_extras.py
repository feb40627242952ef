from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from packager.backbones.weights import find_weights
from packager.build import build
from packager.errors import SettingsError
from packager.extras import has_extra, require_extra
from packager.specs import SPECS
from tests.conftest import need
from tests.settings import build_settings


@pytest.fixture
def no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorflow" else find(name)
    )


def test_what_is_installed_is_not_imported() -> None:
    need(has_extra("tensorflow"), "the extra `tensorflow`")
    require_extra("tensorflow", "--fine-tune")


def test_the_fix_names_what_to_install(
    no_tensorflow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12))
    with pytest.raises(SettingsError) as caught:
        require_extra("tensorflow", "--fine-tune")
    assert caught.value.where == "--fine-tune"
    assert 'pip install "tflite-packager[tensorflow]"' in caught.value.fix
    monkeypatch.setattr(sys, "version_info", (3, 14))
    with pytest.raises(SettingsError, match=r"Python 3\.10 to 3\.13"):
        require_extra("tensorflow", "--fine-tune")


def test_weights_of_resnet50_say_what_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert find_weights(SPECS["resnet50"], "none").path is None
    with pytest.raises(SettingsError, match="h5py is required, but not installed") as caught:
        find_weights(SPECS["resnet50"])
    assert 'pip install "tflite-packager[resnet50]"' in caught.value.fix


@pytest.mark.parametrize(
    "settings",
    [
        {"fine_tune": "tail"},
        {"fine_tune": "full"},
        {"backbone": Path("own.keras"), "input_size": 32, "mean": "0", "std": "255"},
    ],
)
def test_a_build_says_so_before_it_reads_a_photo(
    no_tensorflow: None, tmp_path: Path, settings: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError, match="TensorFlow is required, but not installed"):
        build(build_settings(data=tmp_path / "none", out=tmp_path / "out", **settings))
