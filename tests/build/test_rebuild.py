"""A build made again of its own report.json."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from packager.build import BuildSettings, HeadSettings, PhotoSettings, build
from packager.options import made
from packager.recipe_file import compose, read_recipe
from tests.settings import build_settings


@pytest.mark.slow
def test_a_reports_recipe_gives_the_same_file_from_anywhere(
    photos: Path, warm_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(photos, tmp_path / "first" / "photos")
    monkeypatch.chdir(tmp_path / "first")
    settings = build_settings(
        data="photos", out=Path("out"), epochs=4, seed=3, author="Ann", split="70/15/15",
        android=False,
    )  # fmt: skip
    settings = made(BuildSettings, {**_values(settings), "head.dropout": 0.2})
    first = (build(settings).out / "model.tflite").read_bytes()
    monkeypatch.chdir(tmp_path)
    again = compose(read_recipe(Path("first/out/report.json")), {"output.folder": Path("again")})
    assert again.build.photos == PhotoSettings(str(tmp_path / "first" / "photos"), "70/15/15")
    assert again.build.head == HeadSettings(epochs=4, dropout=0.2)
    assert build(again.build).model.read_bytes() == first
    reports = [
        json.loads((tmp_path / out / "report.json").read_text()) for out in ("first/out", "again")
    ]
    assert reports[0]["recipe"]["head"] == reports[1]["recipe"]["head"]


def _values(settings: BuildSettings) -> dict[str, object]:
    from packager.options import settings_of

    return {each.key: each.of(settings) for each in settings_of(BuildSettings)}
