from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter

from packager.audit.run import audit_photos
from packager.data.settings import PhotoSettings
from packager.data.source import scan_photos
from packager.errors import DataError, SettingsError
from tests.cli.commands import packager_here


@pytest.fixture(scope="module")
def photos(flowers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real photos, with a copy, a contradiction, a blurred one and one that can't be read."""
    folder = tmp_path_factory.mktemp("audit") / "photos"
    for label in ("daisy", "roses", "sunflowers"):
        shutil.copytree(flowers / label, folder / label)
    daisy, other, *_ = sorted((folder / "daisy").iterdir())
    rose = min((folder / "roses").iterdir())
    with Image.open(daisy) as photo:
        photo.resize((150, 150 * photo.height // photo.width)).save(folder / "daisy/z-small.jpg")
    with Image.open(rose) as photo:
        photo.save(folder / "sunflowers/z-again.png")
    with Image.open(other) as photo:
        photo.filter(ImageFilter.GaussianBlur(8)).save(folder / "roses/z-blurred.jpg")
    (folder / "roses/z.jpg").write_bytes(b"<html>")
    return folder


def test_planted_faults_are_found(photos: Path, heard: Any) -> None:
    found = audit_photos(PhotoSettings(photos), progress=heard)
    named = {(each.problem, each.path): each for each in found.findings}
    assert ("near duplicate", "daisy/z-small.jpg") in named
    twice = named["contradiction", "sunflowers/z-again.png"]
    assert twice.detail == "in roses, sunflowers"
    assert len(found.groups[twice.group - 1]) == 2
    assert ("blurred", "roses/z-blurred.jpg") in named
    assert ("unusable", "roses/z.jpg") in named
    assert sum(found.photos) == len(list(photos.rglob("*.*"))) - 1
    assert found.labels_checked
    problems = [each.problem for each in found.findings]
    assert problems == sorted(problems, key=list(dict.fromkeys(problems)).index)


def test_the_command_writes_page_and_list(photos: Path, tmp_path: Path) -> None:
    html, found = tmp_path / "page.html", tmp_path / "found.csv"
    result = packager_here("photos", photos, "--html", html, "--list", found, "--json", "-q")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["classes"] == ["daisy", "roses", "sunflowers"]
    assert "z-again.png" in html.read_text()
    assert "daisy/z-small.jpg,near duplicate" in found.read_text()
    left = scan_photos(photos, exclude=found)
    assert not left.rejects
    assert not {"z-small.jpg", "z-again.png"} & {photo.path.name for photo in left.photos}


@pytest.mark.parametrize(
    ("settings", "spec", "error", "message"),
    [
        ({"data": "none"}, "lite0", DataError, "there is no such folder"),
        ({"exclude": Path("none.csv")}, "lite0", DataError, "can't be read"),
        ({"images": Path()}, "lite0", DataError, "--images only applies to a CSV file"),
        ({}, "lite9", SettingsError, "lite9"),
    ],
)
def test_bad_input(
    photos: Path, settings: dict[str, Any], spec: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        audit_photos(PhotoSettings(**{"data": photos, **settings}), spec)
    with pytest.raises(SettingsError, match="seed"):
        audit_photos(PhotoSettings(photos), seed=-1)


def test_outputs_are_looked_at_before_any_work(photos: Path, tmp_path: Path) -> None:
    written, photo_list = str(tmp_path / "x"), str(tmp_path / "in.csv")
    for arguments, problem in (
        (["--html", str(tmp_path)], "it is a folder"),
        (["--list", written, "--html", written], "overwrite"),
        (["--list", photo_list, "--exclude", photo_list], "overwrite"),
    ):
        (tmp_path / "in.csv").write_text("path\n")
        result = packager_here("photos", photos, *arguments, "-q")
        assert result.exit_code != 0
        assert problem in result.output
