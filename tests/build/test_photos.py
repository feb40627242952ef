from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from packager.build.photos import Photos, look_at_photos
from packager.clock import Clock, SharedWork
from packager.data.settings import PhotoSettings
from packager.errors import DataError, SettingsError


@pytest.fixture
def photos(tmp_path: Path, flowers: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Real photos, and one of them saved again in the other class."""
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    for label in ("daisy", "roses"):
        shutil.copytree(flowers / label, tmp_path / "photos" / label)
    first = min((tmp_path / "photos/daisy").iterdir())
    Image.open(first).save(tmp_path / "photos/roses/again.png")
    return tmp_path / "photos"


def look(settings: PhotoSettings, out: Path, heard: Any) -> Photos:
    return look_at_photos(
        settings, 0, out, shared=SharedWork(), clock=Clock(), progress=heard
    )  # fmt: skip


def test_near_duplicates_stay_together_and_are_told(
    photos: Path, tmp_path: Path, heard: Any
) -> None:
    found = look(PhotoSettings(photos), tmp_path / "out", heard)
    pairs = [p for p in found.folder.photos if p.sha256 in found.groups.of]
    assert len(pairs) == 2
    assert sum(set(pairs) <= set(part) for part in vars(found.split).values()) == 1
    assert any(
        "near duplicates are in different classes" in told and "again.png" in told
        for told in heard.warnings
    )
    assert any("2 photos look much like others, in 1 groups" in told for told in heard.said)


def test_a_table_and_photos_left_out(photos: Path, tmp_path: Path, heard: Any) -> None:
    rows = [
        f"{path.relative_to(photos).as_posix()},{path.parent.name}" for path in photos.rglob("*.*")
    ]
    (tmp_path / "photos.csv").write_text("path,label\n" + "\n".join(rows))
    (tmp_path / "bad.txt").write_text("roses/again.png\n")
    settings = PhotoSettings(tmp_path / "photos.csv", images=photos, exclude=tmp_path / "bad.txt")
    found = look(settings, tmp_path / "out", heard)
    assert len(found.folder.photos) == len(rows) - 1
    assert not found.groups.of
    with pytest.raises(DataError, match="none.txt"):
        look(PhotoSettings(photos, exclude=tmp_path / "none.txt"), tmp_path / "out", heard)


def test_the_output_must_not_lie_among_the_photos(photos: Path, tmp_path: Path, heard: Any) -> None:
    with pytest.raises(SettingsError, match="is among the photos"):
        look(PhotoSettings(photos), photos / "out", heard)
