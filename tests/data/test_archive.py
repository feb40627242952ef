from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from packager.data import archive
from packager.data.archive import archive_name, is_archive, unpacked
from packager.errors import DataError

FILES = {"set/cat/1.jpg": b"one", "set/dog/2.jpg": b"two"}


def zipped(path: Path, files: dict[str, bytes] = FILES) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes] = FILES, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as packed:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return path


def inside(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "zip without"])
def test_archives_are_unpacked_once(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"My photos.{ending}"
    path = zipped(path) if "zip" in ending else tarred(path, mode=f"w:{ending[4:]}")
    assert is_archive(path)
    folder = unpacked(path, cache=tmp_path / "cache")
    assert folder.name == "set"
    assert inside(folder) == {"cat/1.jpg": b"one", "dog/2.jpg": b"two"}
    stamp = (folder / "cat/1.jpg").stat().st_mtime_ns
    assert unpacked(path, cache=tmp_path / "cache") == folder
    assert (folder / "cat/1.jpg").stat().st_mtime_ns == stamp
    (folder / "cat/1.jpg").unlink()
    assert inside(unpacked(path, cache=tmp_path / "cache")) == inside(folder)
    assert (folder / "cat/1.jpg").exists()


def test_names_of_archives() -> None:
    names = ["a.zip", "b.tar.gz", "c.tgz", "d", "e.f.TAR"]
    assert [archive_name(Path(name)) for name in names] == ["a", "b", "c", "d", "e.f"]


@pytest.mark.parametrize(
    "name", ["../out.jpg", "a/../../out.jpg", "/out.jpg", "..\\out.jpg", "C:\\out.jpg"]
)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_nothing_is_written_outside(tmp_path: Path, name: str, make: Any) -> None:
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in" / "x.a", {"cat/1.jpg": b"1", name: b"2"})
    with pytest.raises(DataError, match="leads out of its folder; nothing was unpacked"):
        unpacked(path, cache=tmp_path / "cache")
    assert not list(tmp_path.rglob("*.jpg"))


def test_links_and_devices_are_passed_over_and_told(tmp_path: Path, heard: Any) -> None:
    path = tarred(tmp_path / "x.tar")
    with tarfile.open(path, "a") as packed:
        for name, kind in (("set/cat/l.jpg", tarfile.SYMTYPE), ("set/dev", tarfile.CHRTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            packed.addfile(member)
    with zipfile.ZipFile(zipped(tmp_path / "x.zip"), "a") as packed:
        link = zipfile.ZipInfo("set/cat/l.jpg")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    for name, count in (("x.tar", 2), ("x.zip", 1)):
        folder = unpacked(tmp_path / name, cache=tmp_path / "cache", progress=heard)
        assert inside(folder) == {"cat/1.jpg": b"one", "dog/2.jpg": b"two"}
        assert heard.warnings[-1].startswith(f"{count} links, devices or files of more than 256")
        assert heard.warnings[-1].endswith("such as set/cat/l.jpg")


def test_of_one_name_the_last_counts(tmp_path: Path, heard: Any) -> None:
    path = tarred(tmp_path / "x.tar")
    with tarfile.open(path, "a") as packed:
        member = tarfile.TarInfo("set/cat/1.jpg")
        member.size = 5
        packed.addfile(member, io.BytesIO(b"three"))
    folder = unpacked(path, cache=tmp_path / "cache", progress=heard)
    assert inside(folder)["cat/1.jpg"] == b"three"
    assert heard.warnings == [
        "1 files of the archive have the same name as another; the last is used"
    ]


def test_a_file_that_is_a_folder_too_is_refused(tmp_path: Path) -> None:
    for number, files in enumerate([{"a": b"1", "a/b.jpg": b"2"}, {"a/b.jpg": b"2", "a": b"1"}]):
        with pytest.raises(DataError, match="as a file and as a folder"):
            unpacked(tarred(tmp_path / f"{number}.tar", files), cache=tmp_path / "cache")


def test_bombs_are_refused_before_they_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: Any
) -> None:
    monkeypatch.setattr(archive, "_MOST_BEYOND", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(4):
            packed.writestr(f"set/cat/{number}.bmp", bytes(1 << 19))
    with pytest.raises(DataError, match="unpacks to far more data than photos would"):
        unpacked(tmp_path / "bomb.zip", cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.bmp"))
    monkeypatch.setattr(archive, "PHOTO_BYTES", 3)
    folder = unpacked(
        zipped(tmp_path / "x.zip", FILES | {"set/cat/long.jpg": b"four"}),
        cache=tmp_path / "cache", progress=heard,
    )  # fmt: skip
    assert sorted(inside(folder)) == ["cat/1.jpg", "dog/2.jpg"]
    assert "such as set/cat/long.jpg" in heard.warnings[0]


def test_damaged_archives_are_told(tmp_path: Path) -> None:
    good = zipped(tmp_path / "x.zip").read_bytes()
    whole = tarred(tmp_path / "x.tar.gz", {"a/1.jpg": bytes(range(256)) * 40}, "w:gz").read_bytes()
    cases = {
        "a.zip": good.replace(b"one", b"two"),  # the checksum is another's
        "b.zip": good[:60],
        "c.tar.gz": whole[: len(whole) // 2],
        "d.zip": b"PK\3\4 and no more",
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match="damaged or has an unsupported format"):
            unpacked(tmp_path / name, cache=tmp_path / "cache")
    with pytest.raises(DataError, match="the archive can't be read .No such file"):
        unpacked(tmp_path / "none.zip", cache=tmp_path / "cache")


def test_an_encrypted_archive_is_told(tmp_path: Path) -> None:
    content = bytearray(zipped(tmp_path / "x.zip").read_bytes())
    for start, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flag in both headers
        at = -1
        while (at := content.find(start, at + 1)) >= 0:
            content[at + place] |= 1
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(DataError, match="can't be opened .*password"):
        unpacked(tmp_path / "x.zip", cache=tmp_path / "cache")
