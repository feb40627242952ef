"""`--npu`: LiteRT's libraries for one maker's NPUs, and what they need of the app."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from packager.android.npu import VENDORS
from packager.android.project import generate_project
from packager.android.update import update_project
from packager.errors import SettingsError
from tests.android_project.test_gradle import accessor, scripts, tomllib


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(model: Path, tmp_path: Path, vendor: str) -> Path:
    return generate_project(model, tmp_path / "out", npu=vendor).folder


def test_the_runtime_is_a_library_of_the_same_litert(folder: Path, vendor: str) -> None:
    libraries = tomllib.loads((folder / "gradle" / "libs.versions.toml").read_text())["libraries"]
    runtime = libraries["litert-npu-runtime"]
    assert runtime["module"] == f"com.google.ai.edge.litert:litert-npu-runtime-{vendor}"
    assert runtime["version"] == libraries["litert"]["version"]
    assert ("qnn-runtime" in libraries) == (vendor == "qualcomm")
    text = "".join(scripts(folder).values())
    assert {accessor(name) for name in libraries} == set(
        re.findall(r"\blibs\.(?!plugins)([\w.]*\w)", text)
    )


def test_the_app_is_made_for_the_phones_that_have_one(folder: Path) -> None:
    texts = scripts(folder)
    assert re.findall(r"minSdk = (\d+)", "".join(texts.values())) == ["31"] * 3
    assert re.findall(r"abiFilters \+= (.+) }", texts["app/build.gradle.kts"]) == ['"arm64-v8a"']
    for name in ("app", "benchmark"):
        assert "useLegacyPackaging = true" in texts[f"{name}/build.gradle.kts"]
    assert "(Android 12 or newer)" in (folder / "README.md").read_text("utf-8")


def test_an_update_keeps_it(model: Path, folder: Path) -> None:
    before = scripts(folder)
    update_project(model, folder)
    assert scripts(folder) == before


def test_an_update_brings_it(model: Path, tmp_path: Path, vendor: str, folder: Path) -> None:
    plain = generate_project(model, tmp_path / "plain").folder
    update_project(model, plain, npu=vendor)
    assert scripts(plain) == scripts(folder)


def test_another_vendor_is_an_error(model: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--npu: 'acme' is not .*google-tensor, mediatek"):
        generate_project(model, tmp_path / "out", npu="acme")
    assert not (tmp_path / "out").exists()
