from __future__ import annotations

import hashlib
import io
import itertools
import os
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from packager.data import images, look
from packager.data.folder import PhotoFolder, Reject, scan_folder
from packager.data.look import LookStore
from packager.data.split import split_photos
from packager.errors import DataError


def photo(number: int = 0, kind: str = "JPEG") -> bytes:
    """A small photo that differs from one number to the next."""
    pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def make(root: Path, files: dict[str, int | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo(content) if isinstance(content, int) else content)
    return root


GOOD: dict[str, int | bytes] = {"cat/1.jpg": 1, "cat/2.jpg": 2, "dog/3.jpg": 3, "dog/4.jpg": 4}
SPLIT: dict[str, int | bytes] = {
    f"{part}/{name}/1.jpg": number
    for number, (part, name) in enumerate(
        (part, name) for part in ("train", "validation", "test") for name in ("cat", "dog")
    )
}


def listed(found: PhotoFolder) -> list[tuple[str, str]]:
    return [
        (p.path.relative_to(found.root).as_posix(), found.classes[p.label]) for p in found.photos
    ]


def test_a_sub_folder_is_a_class(tmp_path: Path, heard: Any) -> None:
    found = scan_folder(make(tmp_path, GOOD), progress=heard)
    assert found.classes == ("cat", "dog")
    assert listed(found) == [
        ("cat/1.jpg", "cat"),
        ("cat/2.jpg", "cat"),
        ("dog/3.jpg", "dog"),
        ("dog/4.jpg", "dog"),
    ]
    assert found.photos[0].sha256 == hashlib.sha256(photo(1)).hexdigest()
    assert (found.presplit, found.ignored, found.rejects) == (False, 0, ())
    assert (heard.warnings, heard.phases, heard.steps, heard.total) == (
        [],
        ["Checking photos"],
        4,
        4,
    )


def test_extensions_and_content(tmp_path: Path) -> None:
    kinds = {"a.JPG": "JPEG", "b.jpeg": "JPEG", "c.Png": "PNG", "d.webp": "WEBP"}
    kinds |= {"e.bmp": "BMP", "f.gif": "GIF", "g.jpg": "PNG"}
    files = {f"cat/{name}": photo(i, kind) for i, (name, kind) in enumerate(kinds.items())}
    found = scan_folder(make(tmp_path, {**files, "dog/1.jpg": 99}))
    assert [path for path, _ in listed(found)] == [*files, "dog/1.jpg"]


def test_other_files_are_counted(tmp_path: Path, heard: Any) -> None:
    others = (".hidden.jpg", "Thumbs.db", "notes.txt", "README", ".git/x.jpg", "x.cr3", "y.CR3")
    junk: dict[str, int | bytes] = {f"cat/{name}": b"?" for name in others}
    junk |= {"__MACOSX/a/b.jpg": 7, ".cache/b.jpg": 8, "cat/@eaDir/1.jpg": 9, "labels.txt": b"cat"}
    found = scan_folder(make(tmp_path, GOOD | junk), progress=heard)
    assert len(found.photos) == 4
    assert found.ignored == 11
    assert heard.warnings == ["skipped in the class folders: 4 text files"]


def test_photos_beside_the_classes_are_warned_of(tmp_path: Path, heard: Any) -> None:
    found = scan_folder(make(tmp_path, GOOD | {"loose.jpg": 5}), progress=heard)
    assert (len(found.photos), found.ignored) == (4, 1)
    assert heard.warnings == ["1 photo beside the class folders left out, such as loose.jpg"]


def test_nested_folders_belong_to_the_class(tmp_path: Path, heard: Any) -> None:
    found = scan_folder(make(tmp_path, GOOD | {"cat/more/deep/5.jpg": 5}), progress=heard)
    assert ("cat/more/deep/5.jpg", "cat") in listed(found)
    assert heard.warnings == ["1 photo in folders within a class folder taken as that class"]


def test_links_in_circles_end(tmp_path: Path) -> None:
    make(tmp_path, GOOD)
    for name in ("loop", "cat/loop", "cat/self"):
        (tmp_path / name).symlink_to(tmp_path if "loop" in name else tmp_path / "cat")
    (tmp_path / "cat" / "round.jpg").symlink_to("round.jpg")
    found = scan_folder(tmp_path)
    assert found.classes == ("cat", "dog")
    assert len(found.photos) == 4
    assert found.ignored == 3
    assert [reject.path.name for reject in found.rejects] == ["round.jpg"]


def test_linked_folders_and_photos_are_read(tmp_path: Path) -> None:
    make(tmp_path / "real", GOOD)
    root = tmp_path / "links"
    root.mkdir()
    (root / "cat").symlink_to(tmp_path / "real" / "cat")
    (root / "dog").mkdir()
    (root / "dog" / "x.jpg").symlink_to(tmp_path / "real" / "dog" / "3.jpg")
    assert [path for path, _ in listed(scan_folder(root))] == [
        "cat/1.jpg",
        "cat/2.jpg",
        "dog/x.jpg",
    ]


BAD: dict[str, tuple[bytes, str]] = {
    "cat/a.jpg": (b"", r"the file is empty \(zero bytes\)"),
    "cat/b.jpg": (photo(1)[:400], "truncated"),
    "cat/c.png": (
        b"<html>",
        "it is an HTML page, not a JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF or PPM picture",
    ),
}


def test_unusable_photos_are_named_and_left_out(tmp_path: Path, heard: Any) -> None:
    make(tmp_path, {**GOOD, **{name: content for name, (content, _) in BAD.items()}})
    (tmp_path / "cat" / "d.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "cat" / "e.jpg")
    found = scan_folder(tmp_path, progress=heard)
    assert len(found.photos) == 4
    names = [reject.path.name for reject in found.rejects]
    assert names == ["a.jpg", "b.jpg", "c.png", "d.jpg", "e.jpg"]
    assert "cat/a.jpg left out: the file is empty (zero bytes)" in heard.warnings
    assert "truncated" in found.rejects[1].reason
    assert found.rejects[2].reason == BAD["cat/c.png"][1]
    assert found.rejects[3].reason == "a link that leads nowhere"
    assert found.rejects[4].reason == "it is a pipe, not a file"
    assert len(heard.warnings) == 5


def test_many_unusable_photos_are_counted(tmp_path: Path, heard: Any) -> None:
    bad: dict[str, int | bytes] = {f"cat/bad{number:02}.jpg": b"" for number in range(13)}
    found = scan_folder(make(tmp_path, GOOD | bad), progress=heard)
    assert len(found.rejects) == 13
    assert len(heard.warnings) == 11
    assert heard.warnings[-1] == "3 more photos left out"


def test_strict_makes_them_an_error(tmp_path: Path) -> None:
    bad: dict[str, int | bytes] = {f"cat/bad{number:02}.jpg": b"" for number in range(13)}
    with pytest.raises(
        DataError, match=r"13 photos can't be used: cat/bad00\.jpg \(the file is e"
    ) as e:
        scan_folder(make(tmp_path, GOOD | bad), strict=True)
    assert e.value.what.endswith(" and 3 more")
    assert "leave out --strict" in e.value.fix


def test_strict_passes_good_folders(tmp_path: Path) -> None:
    assert len(scan_folder(make(tmp_path, GOOD), strict=True).photos) == 4


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied"), r"can't be read (Permission denied)"),
        (OSError(5, "Input/output error"), r"can't be read (Input/output error)"),
        (FileNotFoundError(2, "gone"), "there is no such file"),
    ],
)
def test_files_that_can_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str
) -> None:
    make(tmp_path, GOOD)
    real = images.read_file

    def read(path: Path, most: int) -> bytes:
        if path.name == "2.jpg":
            raise error
        return real(path, most)

    monkeypatch.setattr(images, "read_file", read)
    assert scan_folder(tmp_path).rejects == (Reject(tmp_path / "cat" / "2.jpg", reason),)


def test_huge_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, GOOD)
    with (tmp_path / "cat" / "big.jpg").open("wb") as file:
        file.truncate(1 << 40)  # takes no space
    assert "and at most 268 are read" in scan_folder(tmp_path).rejects[0].reason


def test_folder_that_can_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, GOOD)
    real = os.scandir

    def scan(path: Any) -> Any:
        if Path(path).name == "dog":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scan)
    with pytest.raises(DataError, match=r"dog: the folder can't be listed \(Permission denied\)"):
        scan_folder(tmp_path)


def test_photos_that_were_looked_at_are_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "photos", GOOD | {"cat/bad.jpg": b"none"})
    store = LookStore(tmp_path / "cache")
    found = scan_folder(tmp_path / "photos", looks=store)
    assert set(found.looks) == {photo.sha256 for photo in found.photos}
    assert [reject.path.name for reject in found.rejects] == ["bad.jpg"]

    def decode(content: bytes, **_: Any) -> None:
        assert content == b"none"
        raise DataError("no photo", fix="")

    monkeypatch.setattr(look, "look_at", decode)
    again = scan_folder(tmp_path / "photos", looks=store)
    assert again.looks == found.looks
    assert again.photos == found.photos


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "there is no subfolder"),
        ({"a.txt": b""}, "there is no subfolder"),
        ({"1.jpg": 1, "2.jpg": 2}, "2 photos directly in the folder, which has no subfolders"),
        ({"cat/1.jpg": 1}, "there is only one class, 'cat'"),
        ({"photos/cat/1.jpg": 1, "photos/dog/2.jpg": 2}, r"Perhaps you mean .*photos\?"),
        (GOOD | {"bird/x.txt": b""}, "class 'bird' is empty: no photo in it, only 1 empty file"),
        (GOOD | {"bird/.x": b""}, r"class 'bird' is empty: no photo in it\. Add"),
        (GOOD | {"bird/x.jpg": b""}, "the class 'bird' is empty: none of its 1 photo can be used"),
        (GOOD | {"Cat/5.jpg": 5}, "the class names 'Cat' and 'cat' differ only in case"),
        (GOOD | {"cat /5.jpg": 5}, "the class names 'cat' and 'cat ' differ only in case"),
        (GOOD | {"Straße/5.jpg": 5, "strasse/6.jpg": 6}, "differ only in case"),
        (GOOD | {"a\u202eb/5.jpg": 5}, r"class name 'a\\u202eb' is blank or has a line break"),
        (GOOD | {"a\nb/5.jpg": 5}, r"class name 'a\\nb' is blank or has a line break"),
        (GOOD | {"a\u2028b/5.jpg": 5}, "has a line break"),
        (GOOD | {" /5.jpg": 5}, "is blank"),
        (GOOD | {os.fsdecode(b"caf\xe9/5.jpg"): 5}, "can't be written"),
        ({"train/cat/1.jpg": 1, "train/dog/2.jpg": 2}, "no validation/ and no test/"),
        (
            {f"{part}/{name}/1.jpg": 1 for part in ("a", "b") for name in ("cat", "dog")},
            r"a and b all hold the same folders \(cat, dog\): they are parts of a split",
        ),
        (
            {f"{part}/{name}/1.jpg": 1 for part in ("val", "test") for name in ("cat", "dog")},
            r"test and val all hold the same folders",
        ),
        ({"p/p/cat/1.jpg": 1, "p/p/dog/2.jpg": 2}, r"Perhaps you mean .*p/p\?"),
        ({"p/train/cat/1.jpg": 1, "p/test/cat/2.jpg": 2}, r"Perhaps you mean .*/p\?"),
        ({"cats.zip": b"PK\3\4...."}, "there is no subfolder, but 1 ZIP archive .unpack it."),
        (
            {"train/cat/1.jpg": 1, "train/dog/2.jpg": 2, "test/3.jpg": 3, "val/4.jpg": 4},
            "its classes differ from those of train: it lacks cat, dog",
        ),
        (SPLIT | {"val/cat/9.jpg": 9}, "both val/ and validation/ hold the part"),
        (SPLIT | {"extra/9.jpg": 9}, "beside train, validation and test there is extra"),
        (SPLIT | {"test/bird/9.jpg": 9}, "test: its classes differ.*it has bird besides"),
        (SPLIT | {"train/bird/9.jpg": 9}, "validation: its classes differ.*it lacks bird"),
        (SPLIT | {"test/dog/1.jpg": b""}, "the class 'dog' in test is empty: none of its 1 photo"),
        (
            {k: v for k, v in SPLIT.items() if "dog" not in k},
            "train: there is only one class, 'cat'",
        ),
    ],
)
def test_unusable_folders(tmp_path: Path, files: dict[str, int | bytes], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        scan_folder(make(tmp_path, files))
    assert caught.value.fix
    str(caught.value).encode()


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: there is no such folder. Give a folder"):
        scan_folder(tmp_path / "nowhere")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="file: it is an empty file, not a folder"):
        scan_folder(tmp_path / "file")
    (tmp_path / "photos.zip").write_bytes(b"PK\3\4....")
    with pytest.raises(DataError, match=r"it is a ZIP archive, not a folder\. Unpack it"):
        scan_folder(tmp_path / "photos.zip")
    (tmp_path / "list.csv").write_text("photo,label\n1.jpg,cat\n")
    with pytest.raises(DataError, match="it is a CSV table, not a folder"):
        scan_folder(tmp_path / "list.csv")
    with pytest.raises(DataError, match="the folder can't be opened"):
        scan_folder(tmp_path / "file" / "below")


def test_names_in_two_unicode_forms(tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "café")
    apart = unicodedata.normalize("NFD", "café")
    make(tmp_path, GOOD | {f"{apart}/5.jpg": 5})
    assert scan_folder(tmp_path).classes == (composed, "cat", "dog")
    make(tmp_path, {f"{composed}/6.jpg": 6})
    with pytest.raises(
        DataError, match=r"'cafe\\u0301' and 'caf\\xe9' differ only in case, Unicode"
    ):
        scan_folder(tmp_path)


def test_spaces_around_a_name_are_dropped(tmp_path: Path) -> None:
    assert scan_folder(make(tmp_path, GOOD | {" bird /5.jpg": 5})).classes == ("bird", "cat", "dog")


def test_photos_with_unprintable_names(tmp_path: Path, heard: Any) -> None:
    odd = os.fsdecode(b"cat/\xff.jpg")
    found = scan_folder(make(tmp_path, GOOD | {odd: b""}), progress=heard)
    assert len(found.rejects) == 1
    assert heard.warnings == ["cat/?.jpg left out: the file is empty (zero bytes)"]


def test_duplicates_and_conflicts(tmp_path: Path, heard: Any) -> None:
    more: dict[str, int | bytes] = {"cat/copy.jpg": 1, "cat/third.jpg": 1, "dog/cat.jpg": 2}
    found = scan_folder(make(tmp_path, GOOD | more), progress=heard)
    cat, dog = tmp_path / "cat", tmp_path / "dog"
    assert found.duplicates == ((cat / "1.jpg", cat / "copy.jpg", cat / "third.jpg"),)
    assert found.conflicts == ((cat / "2.jpg", dog / "cat.jpg"),)
    assert len(found.photos) == 7
    assert heard.warnings == [
        "2 photos the same as another of the class, byte for byte, such as cat/1.jpg and "
        "cat/copy.jpg; copies stay in one part of the split",
        "1 photo in more than one class, byte for byte, such as cat/2.jpg and dog/cat.jpg; "
        "delete the wrong ones",
    ]


@pytest.mark.parametrize(
    "names",
    [
        ("train", "validation", "test"),
        ("Train", "val", "TEST"),
        ("Training", "Validation", "Testing"),
        ("train", "valid", "test"),
        ("Training Set", "dev_set", "test-data"),
        ("seg_train", "seg_val", "seg_test"),
        ("train", "validate", "holdout"),
        ("train", "val", "eval"),
        ("train", "eval", "test"),
        ("entrenamiento", "validación", "pruebas"),
        ("apprentissage", "Validation", "Essai"),
        ("训练集", "验证集", "测试集"),
        ("train/train", "val/val", "test/test"),
    ],
)
def test_folder_that_is_split_already(tmp_path: Path, names: tuple[str, ...]) -> None:
    renamed = dict(zip(("train", "validation", "test"), names, strict=True))
    files = {f"{renamed[n.split('/')[0]]}/{n.split('/', 1)[1]}": c for n, c in SPLIT.items()}
    found = scan_folder(make(tmp_path, files))
    assert found.presplit
    assert found.classes == ("cat", "dog")
    assert [(p.part, p.label) for p in found.photos] == [
        (part, label) for part in ("train", "validation", "test") for label in (0, 1)
    ]


@pytest.mark.parametrize(
    "files",
    [
        {"train/1.jpg": 1, "test/2.jpg": 2},
        {"train/1.jpg": 1, "plane/2.jpg": 2},
        {"train/steam/1.jpg": 1, "plane/2.jpg": 2},
        {"train/steam/1.jpg": 1, "test/2.jpg": 2, "plane/3.jpg": 3},
        {"test/a/1.jpg": 1, "val/a/2.jpg": 2},
        {"train station/1.jpg": 1, "test tube/2.jpg": 2},
        {"train station/old/1.jpg": 1, "test tube/glass/2.jpg": 2},
        {f"{name}/{part}/1.jpg": 1 for name in ("cat", "dog") for part in ("train", "test")},
        {
            **{f"{name}/{side}/1.jpg": 1 for name in ("cat", "dog") for side in ("left", "right")},
            "cat/1.jpg": 2,
        },
    ],
)
def test_classes_named_like_parts(tmp_path: Path, files: dict[str, int | bytes]) -> None:
    found = scan_folder(make(tmp_path, files))
    assert not found.presplit
    assert found.classes == tuple(sorted({name.split("/")[0] for name in files}))


def test_a_photo_in_two_parts_stays_in_the_later_one(tmp_path: Path, heard: Any) -> None:
    more: dict[str, int | bytes] = {
        "train/cat/2.jpg": 20,
        "train/cat/leak.jpg": 4,  # test/cat/1.jpg
        "train/cat/leak2.jpg": 2,  # validation/cat/1.jpg
        "validation/cat/2.jpg": 21,
        "validation/cat/leak.jpg": 4,
    }
    found = scan_folder(make(tmp_path, SPLIT | more), strict=True, progress=heard)
    assert sorted(r.path.relative_to(tmp_path).as_posix() for r in found.rejects) == [
        "train/cat/leak.jpg",
        "train/cat/leak2.jpg",
        "validation/cat/leak.jpg",
    ]
    assert found.rejects[0].reason == "the same photo is in test"
    assert heard.warnings == [
        "2 photos left out of train: the same, byte for byte, in validation or test",
        "1 photo left out of validation: the same, byte for byte, in test",
    ]
    digests = [photo.sha256 for photo in found.photos]
    assert len(set(digests)) == len(digests)


def test_a_class_that_only_leaks_is_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'cat' in train is empty.*in another part too"):
        scan_folder(make(tmp_path, SPLIT | {"train/cat/1.jpg": 4}))


@pytest.mark.parametrize(
    ("photos", "count"),
    [("flowers", 40), pytest.param("many_flowers", 400, marks=pytest.mark.shared)],
)
def test_real_photos(photos: str, count: int, request: pytest.FixtureRequest) -> None:
    found = scan_folder(request.getfixturevalue(photos), strict=True)
    assert found.classes == ("daisy", "dandelion", "roses", "sunflowers", "tulips")
    assert len(found.photos) == count


@pytest.mark.parametrize(
    ("names", "parts", "lacking"),
    [
        (("Training", "Test"), ["train", "test"], "validation"),
        (("train", "eval"), ["train", "test"], "validation"),
        (("train", "dev"), ["train", "validation"], "testing"),
    ],
)
def test_two_parts_are_used_as_they_are(
    tmp_path: Path, heard: Any, names: tuple[str, str], parts: list[str], lacking: str
) -> None:
    numbers = itertools.count()
    files: dict[str, int | bytes] = {
        f"{part}/{name}/{number}.jpg": next(numbers)
        for part in names
        for name in ("cat", "dog")
        for number in range(5)
    }
    found = scan_folder(make(tmp_path, files), progress=heard)
    assert found.classes == ("cat", "dog")
    assert list(dict.fromkeys(photo.part for photo in found.photos)) == parts
    assert f"Photos for {lacking} are split off from the first" in heard.said[0]
    split = split_photos(found)
    assert min(map(len, (split.train, split.validation, split.test))) >= 2
    given = split.test if parts[1] == "test" else split.validation
    assert set(given) == {photo for photo in found.photos if photo.part == parts[1]}


def test_classes_called_as_parts_are_warned_of(tmp_path: Path, heard: Any) -> None:
    scan_folder(make(tmp_path, {"train/1.jpg": 1, "test/2.jpg": 2}), progress=heard)
    assert "the classes are called test and train: if these are parts" in heard.warnings[0]


RAW = b"\0\0\0\x18ftypcrx \0\0\0\0"


def test_what_is_inside_decides(tmp_path: Path, heard: Any) -> None:
    names = ("a.jfif", "b.HEIC", "c.jpg?itok=x", "d.ppm", "e", "f.jpe", "g.tmp", "h.txt")
    files: dict[str, int | bytes] = {f"cat/{name}": 10 + i for i, name in enumerate(names)}
    files |= {"dog/i": photo(30, "PNG"), "dog/j.jpg": photo(31, "PPM")}
    files |= {f"dog/{i}.cr3": RAW for i in range(3)}
    files |= {"dog/clip.mov": b"\0\0\0\x14ftypqt  ", "dog/a.txt": b"one", "dog/b.txt": b"two"}
    found = scan_folder(make(tmp_path, files), progress=heard)
    assert len(found.photos) == len(names) + 2
    assert found.ignored == 6
    assert heard.warnings == [
        "skipped in the class folders: 3 raw photos (save as JPEG or PNG), 2 text files, 1 video"
    ]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (RAW, "a raw photo"),
        (b"\0\0\0\x14ftypisom\0\0\0\0isom", "a video"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b'{"error": 404}', "a JSON file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "a Git LFS pointer"),
        (b"%PDF-1.7", "a PDF document"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "an SVG drawing"),
        (b"II*\0\x08\0\0\0", "a TIFF picture"),
        (b"BMW is a car", "a text file"),
        (b"\0\1\2\3\4\5", "a file of unknown kind"),
    ],
)
def test_files_called_jpg_are_named_as_what_they_are(
    tmp_path: Path, content: bytes, kind: str
) -> None:
    found = scan_folder(make(tmp_path, GOOD | {"cat/x.jpg": content}))
    assert found.rejects[0].reason.startswith(f"it is {kind}, not a JPEG")


def test_pipes_and_devices_are_not_waited_for(tmp_path: Path, heard: Any) -> None:
    make(tmp_path, GOOD)
    os.mkfifo(tmp_path / "cat" / "pipe")
    (tmp_path / "cat" / "zero").symlink_to("/dev/zero")
    (tmp_path / "cat" / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "cat" / "round").symlink_to("round")
    found = scan_folder(tmp_path, progress=heard)
    assert len(found.photos) == 4
    assert found.rejects[0].reason == "it is a device, not a file"
    for kind in ("1 pipe", "1 device", "1 file that can't be read"):
        assert kind in heard.warnings[0]
