from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.data import flowers
from packager.data.flowers import FLOWERS_SHA256, FLOWERS_SIZE, FLOWERS_URL, flower_photos
from packager.errors import DownloadError

CLOSED = "http://127.0.0.1:9/flower_photos.tgz"
FILES = {
    "flower_photos/LICENSE.txt": b"free",
    "flower_photos/daisy/one.jpg": b"white" * 100,
    "flower_photos/tulips/two.jpg": b"red" * 100,
}


def archive(files: dict[str, bytes], *extra: tarfile.TarInfo) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o000
            tar.addfile(member, io.BytesIO(content))
        for member in extra:
            tar.addfile(member)
    content = buffer.getvalue()
    return content, hashlib.sha256(content).hexdigest()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.fixture
def tgz(server: Any) -> tuple[str, str]:
    server.files["f.tgz"], sha = archive(FILES, special("flower_photos/", tarfile.DIRTYPE))
    return server.url("f.tgz"), sha


def test_the_real_archive_is_pinned() -> None:
    assert FLOWERS_URL.startswith("https://storage.googleapis.com/download.tensorflow.org/")
    assert len(bytes.fromhex(FLOWERS_SHA256)) == 32
    assert FLOWERS_SIZE == 228_813_984


def test_photos_are_unpacked_and_the_archive_deleted(
    tgz: tuple[str, str], heard: Any, tmp_path: Path
) -> None:
    url, sha = tgz
    photos = flower_photos(url=url, sha256=sha, cache=tmp_path, progress=heard)
    assert {path.name for path in photos.iterdir()} == {"LICENSE.txt", "daisy", "tulips"}
    assert (photos / "daisy" / "one.jpg").read_bytes() == FILES["flower_photos/daisy/one.jpg"]
    assert [path.name for path in tmp_path.iterdir()] == [f"flowers-{sha[:12]}"]
    assert heard.phases == ["Downloading flower photos", "Unpacking flower photos"]


def test_second_call_needs_no_server(tgz: tuple[str, str], server: Any, tmp_path: Path) -> None:
    url, sha = tgz
    first = flower_photos(url=url, sha256=sha, cache=tmp_path)
    assert flower_photos(url=CLOSED, sha256=sha, cache=tmp_path) == first
    assert len(server.requests) == 1


def test_cache_folder_is_the_default(
    tgz: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    url, sha = tgz
    assert flower_photos(url=url, sha256=sha).is_relative_to(tmp_path / "cache")


@pytest.mark.parametrize("damage", ["deleted", "cut short", "listing lost", "listing nonsense"])
def test_damaged_copy_is_made_anew(tgz: tuple[str, str], tmp_path: Path, damage: str) -> None:
    url, sha = tgz
    photos = flower_photos(url=url, sha256=sha, cache=tmp_path)
    one, listing = photos / "daisy" / "one.jpg", photos.parent / "complete.json"
    match damage:
        case "deleted":
            one.unlink()
        case "cut short":
            os.truncate(one, 7)
        case "listing lost":
            listing.unlink()
        case _:
            listing.write_text('{"sizes": []}')
    again = flower_photos(url=url, sha256=sha, cache=tmp_path)
    assert (again / "daisy" / "one.jpg").read_bytes() == FILES["flower_photos/daisy/one.jpg"]


def test_broken_download_goes_on(server: Any, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(1_000_000)
    server.files["f.tgz"], sha = archive({"flower_photos/daisy/one.jpg": noise})
    server.cut = [700_000]
    photos = flower_photos(url=server.url("f.tgz"), sha256=sha, cache=tmp_path)
    assert (photos / "daisy" / "one.jpg").read_bytes() == noise
    assert server.requests[1][1].startswith("bytes=")


def test_wrong_digest(tgz: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"expected SHA-256 {'0' * 64}, got {tgz[1]}"):
        flower_photos(url=tgz[0], sha256="0" * 64, cache=tmp_path)


def test_missing_on_the_server(server: Any, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="404 Not Found"):
        flower_photos(url=server.url("gone"), sha256="0" * 64, cache=tmp_path)


@pytest.mark.slow
def test_offline_says_what_else_to_do(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"no connection.*--data DIR.*--data demo"):
        flower_photos(url=CLOSED, cache=tmp_path)


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("flower_photos/../../out.jpg", tarfile.REGTYPE, "leads out of its folder"),
        ("/flower_photos/daisy/out.jpg", tarfile.REGTYPE, "leads out of its folder"),
        ("flower_photos\\..\\out.jpg", tarfile.REGTYPE, "leads out of its folder"),
        ("flower_photos/daisy/out", tarfile.SYMTYPE, "neither a file nor a folder"),
        ("flower_photos/daisy/out", tarfile.LNKTYPE, "neither a file nor a folder"),
        ("flower_photos/daisy/out", tarfile.FIFOTYPE, "neither a file nor a folder"),
    ],
)
def test_hostile_archive_leaves_nothing(
    server: Any, tmp_path: Path, name: str, kind: bytes, why: str
) -> None:
    server.files["f.tgz"], sha = archive(FILES, special(name, kind, "/etc/passwd"))
    cache = tmp_path / "a" / "b"
    with pytest.raises(DownloadError, match=why):
        flower_photos(url=server.url("f.tgz"), sha256=sha, cache=cache)
    assert [path.suffix for path in cache.iterdir()] == [".tgz"]
    assert [path.name for path in tmp_path.rglob("out*")] == []


@pytest.mark.parametrize("content", [b"no archive", b"\x1f\x8b\x08 damaged", b""])
def test_file_that_is_no_archive(server: Any, tmp_path: Path, content: bytes) -> None:
    server.files["f.tgz"] = content
    with pytest.raises(DownloadError, match="unpack"):
        flower_photos(
            url=server.url("f.tgz"), sha256=hashlib.sha256(content).hexdigest(), cache=tmp_path
        )


def test_archive_of_two_folders(server: Any, tmp_path: Path) -> None:
    server.files["f.tgz"], sha = archive({"a/x.jpg": b"1", "b/x.jpg": b"2"})
    with pytest.raises(DownloadError, match="should hold one folder, not 2"):
        flower_photos(url=server.url("f.tgz"), sha256=sha, cache=tmp_path)


def test_full_disk(tgz: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(flowers, "_unpack", full)
    with pytest.raises(DownloadError, match=r"No space left.*They need 250 MB"):
        flower_photos(url=tgz[0], sha256=tgz[1], cache=tmp_path)
