from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from packager.data.folder import PhotoFolder, scan_folder
from packager.data.source import listed_paths, photo_place, scan_photos, source_name
from packager.errors import DataError
from tests.conftest import save_photo


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    for number in range(6):
        save_photo(tmp_path / f"photos/{'ab'[number % 2]}/{number}.png", (50, 0, 0), number)
    return tmp_path / "photos"


def told(found: PhotoFolder) -> list[tuple[str, str]]:
    return [
        (p.path.relative_to(found.root).as_posix(), found.classes[p.label]) for p in found.photos
    ]


def test_the_same_photos_from_folder_archive_and_table(photos: Path, tmp_path: Path) -> None:
    known = told(scan_folder(photos))
    assert told(scan_photos(photos)) == told(scan_photos(str(photos))) == known
    for kind in ("zip", "gztar"):
        archive = shutil.make_archive(str(tmp_path / "made"), kind, tmp_path, "photos")
        assert told(scan_photos(archive)) == known
    lines = [f"{path},{label}" for path, label in known]
    (photos / "list.csv").write_text("path,label\n" + "\n".join(lines))
    assert told(scan_photos(photos / "list.csv")) == known
    elsewhere = tmp_path / "list.tsv"
    elsewhere.write_text("path\tlabel\n" + "\n".join(lines).replace(",", "\t"))
    assert told(scan_photos(elsewhere, images=photos)) == known


def test_an_archive_with_a_table_is_read_by_it(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    photos.rename(tmp_path / "set/images")
    (tmp_path / "set/train.csv").write_text("id,breed\n0,pug\n1,collie\n")
    for number in (0, 1):
        (tmp_path / f"set/images/{'ab'[number]}/{number}.png").rename(
            tmp_path / f"set/images/{number}.png"
        )
    archive = shutil.make_archive(str(tmp_path / "made"), "zip", tmp_path / "set")
    found = scan_photos(archive)
    assert [(Path(name).name, label) for name, label in told(found)] == [
        ("1.png", "collie"),
        ("0.png", "pug"),
    ]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a/0.png\n\nb/1.png\n", 4),
        ("./a/0.png\n", 5),
        ("label,path\na,a/0.png\na,a/0.png\n", 5),
        ("a\\0.png", 5),
        ("", 6),
    ],
)
def test_photos_that_are_left_out(
    photos: Path, tmp_path: Path, heard: Any, text: str, left: int
) -> None:
    (tmp_path / "out.csv").write_text(text)
    found = scan_photos(photos, exclude=tmp_path / "out.csv", progress=heard)
    assert len(found.photos) == left
    assert heard.said == [f"{6 - left} of 6 photos are left out, as {tmp_path}/out.csv says."]
    (tmp_path / "out.csv").write_text(str(photos / "a/0.png"))
    assert len(scan_photos(photos, exclude=tmp_path / "out.csv").photos) == 5


def test_photos_to_leave_out_that_arent_there_are_an_error(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("a/0.png\na/none.png\n")
    with pytest.raises(DataError, match="1 of its photos is not among those of .*: a/none.png"):
        scan_photos(photos, exclude=tmp_path / "out.txt")
    with pytest.raises(DataError, match="none.txt: the file can't be read"):
        scan_photos(photos, exclude=tmp_path / "none.txt")
    (tmp_path / "out.txt").write_text("a/0.png\na/2.png\na/4.png\n")
    with pytest.raises(DataError, match="the class 'a' is empty"):
        scan_photos(photos, exclude=tmp_path / "out.txt")


def test_images_are_for_tables_only(photos: Path) -> None:
    with pytest.raises(DataError, match="--images only applies to a CSV file"):
        scan_photos(photos, images=photos)


def test_what_isnt_there_or_is_something_else(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        scan_photos(tmp_path / "none.zip")
    with pytest.raises(DataError, match="a photo .PNG., not a folder"):
        scan_photos(photos / "a/0.png")
    with pytest.raises(DataError, match="not a dataset name"):
        scan_photos("hf:none")


def test_names(tmp_path: Path, photos: Path) -> None:
    assert source_name(photos) == "photos"
    assert source_name(tmp_path / "x.y.tar.gz") == "x.y"
    assert source_name("hf:owner/beans") == "beans"
    assert source_name("demo") == "demo"
    (tmp_path / "list.csv").touch()
    assert source_name(tmp_path / "list.csv") == "list"


def test_the_demo_set_by_its_name(
    photos: Path, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from packager.data import demo

    monkeypatch.setattr(demo, "demo_photos", lambda **_: photos)
    assert photo_place("demo", heard) == photos


def test_lists_of_paths(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a, b.jpg\n\nc.jpg\na, b.jpg\n")
    assert listed_paths(tmp_path / "x") == ["a, b.jpg", "c.jpg"]
