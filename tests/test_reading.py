"""Only regular files up to a size are read."""

from __future__ import annotations

import os
import socket
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from packager.reading import open_file, read_entry, read_file

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFOs")


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    assert read_file(tmp_path / "a", 5) == b"hello"
    with open_file(tmp_path / "a", 5) as file:
        assert file.read(2) == b"he"


def test_a_larger_one(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(1 << 40)  # sparse: it takes no space
    with pytest.raises(OSError, match="1,099,512 MB, and at most 1 are read"):
        read_file(tmp_path / "a", 10**6)


@posix
@pytest.mark.timeout(20)
def test_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tmp_path)  # a socket's path may not be long
        listening.bind("socket")
        (tmp_path / "loop").symlink_to("loop")
        for name in ("pipe", "socket", "loop", ".", "nothing", "/dev/zero", "/dev/tty", "a\0b"):
            with pytest.raises(OSError, match="."):
                read_file(tmp_path / name, 100)
    with pytest.raises(OSError, match="it is a pipe, not a file"):
        read_file(tmp_path / "pipe", 100)
    with pytest.raises(OSError, match="it is a device, not a file"):
        read_file(Path("/dev/zero"), 100)
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        read_file(tmp_path, 100)


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="Linux has /proc")
def test_a_file_without_a_size() -> None:
    assert read_file(Path("/proc/version"), 10_000).startswith(b"Linux")
    with pytest.raises(OSError, match="it has more than"):
        read_file(Path("/proc/version"), 3)


def test_an_archive_that_unpacks_to_more_than_its_list_says(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(100 << 20))
        archive.writestr("b", b"hello")
    content = path.read_bytes()
    place = content.index(b"PK\x01\x02") + 24
    path.write_bytes(content[:place] + (10).to_bytes(4, "little") + content[place + 4 :])
    with zipfile.ZipFile(path) as archive:
        assert read_entry(archive, archive.getinfo("b")) == b"hello"
        tracemalloc.start()
        try:
            with pytest.raises(zipfile.BadZipFile):
                read_entry(archive, archive.getinfo("a"))
            assert tracemalloc.get_traced_memory()[1] < 10 << 20
        finally:
            tracemalloc.stop()
