from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from packager.data.folder import PhotoFolder, scan_folder
from packager.data.negatives import scan_negatives
from packager.errors import DataError
from tests.conftest import save_photo

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(scope="module")
def own(photos: Path) -> PhotoFolder:
    return scan_folder(photos)


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Thirty photos, in the folder itself and in others within it."""
    for number in range(30):
        color = (number * 83 % 256, number * 47 % 256, number * 131 % 256)
        below = ("", "a", "a/b")[number % 3]
        save_photo(tmp_path / "others" / below / f"{number}.png", color, 100 + number)
    return tmp_path / "others"


def test_photos_at_any_depth_are_halved_the_same_whatever_else_there_is(
    others: Path, own: PhotoFolder, heard: Any
) -> None:
    found = scan_negatives(others, own, progress=heard)
    assert len({each.path for each in (*found.learnt, *found.held_out)}) == 30
    assert min(len(found.learnt), len(found.held_out)) >= 5
    assert scan_negatives(others, own, seed=1) != found
    save_photo(others / "new.png", (9, 9, 9), 500)
    again = scan_negatives(others, own)
    assert set(found.learnt) <= set(again.learnt)
    assert set(found.held_out) <= set(again.held_out)


def test_own_photos_among_them_are_left_out_and_counted(
    others: Path, own: PhotoFolder, heard: Any
) -> None:
    for number, photo in enumerate(own.photos[:2]):
        shutil.copy(photo.path, others / f"own{number}.png")
    (others / "broken.jpg").write_bytes(b"no photo")
    (others / "notes.txt").write_text("no photo either")
    found = scan_negatives(others, own, progress=heard)
    assert len(found.learnt) + len(found.held_out) == 30
    told = " ".join(heard.warnings)
    assert "2 of the counter-examples left out: they are photos of your classes" in told
    assert "broken.jpg" in told
    assert "1 text file" in told


def test_a_zip_and_a_table_are_taken_too(others: Path, own: PhotoFolder, tmp_path: Path) -> None:
    rows = [f"{path.relative_to(tmp_path)},thing{n % 2}" for n, path in
            enumerate(sorted(others.rglob("*.png")))]  # fmt: skip
    (tmp_path / "others.csv").write_text("path,label\n" + "\n".join(rows))
    with zipfile.ZipFile(tmp_path / "others.zip", "w") as archive:
        for path in others.rglob("*.png"):
            archive.write(path, path.relative_to(tmp_path))
    shas = {
        name: {each.sha256 for each in scan_negatives(tmp_path / name, own).held_out}
        for name in ("others", "others.csv", "others.zip")
    }
    assert shas["others"] == shas["others.csv"] == shas["others.zip"]


def test_what_can_t_be_counter_examples_is_refused(
    photos: Path, own: PhotoFolder, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    save_photo(tmp_path / "one/1.png", (1, 2, 3), 1)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/1.jpg").write_bytes(b"")
    shutil.copytree(photos / "blue", tmp_path / "copies")
    for bad, message in (
        (photos, "contains photos of your classes"),
        (photos / "blue", "contains photos of your classes"),
        (photos.parent, "contains photos of your classes"),
        (tmp_path / "none", "there is no such folder"),
        (tmp_path / "one/1.png", "it is a photo .* not a folder"),
        (tmp_path / "empty", "it contains no photo"),
        (tmp_path / "broken", "none of its 1 photo can be used"),
        (tmp_path / "one", "1 counter-example is too few"),
        (tmp_path / "copies", "0 of them are too few"),
    ):
        with pytest.raises(DataError, match=message):
            scan_negatives(bad, own)
