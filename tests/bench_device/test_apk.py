"""APKs with manifests that aapt2 linked, and files that are none."""

from __future__ import annotations

import os
import random
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from packager.bench.apk import _Strings, read_apk
from packager.errors import DeviceError
from tests.bench_device.conftest import MANIFESTS, PACKAGE, write_apk


def test_what_a_harness_says(tmp_path: Path) -> None:
    apk = read_apk(write_apk(tmp_path, abis=("arm64-v8a", "x86_64")))
    assert apk.package == apk.target == PACKAGE
    assert apk.runner == "androidx.test.runner.AndroidJUnitRunner"
    assert apk.abis == {"arm64-v8a", "x86_64"}
    assert not apk.debuggable
    assert read_apk(write_apk(tmp_path, manifest="debuggable", abis=())).debuggable
    assert read_apk(write_apk(tmp_path, abis=())).abis == frozenset()


def test_strings_in_utf_8() -> None:
    texts = ["manifest", "Blüte 🌹", "x" * 200]
    pool, offsets = b"", []
    for text in texts:
        offsets.append(len(pool))
        content = text.encode()
        for size in (len(text.encode("utf-16-le")) // 2, len(content)):
            pool += bytes([size]) if size < 0x80 else bytes([0x80 | size >> 8, size & 0xFF])
        pool += content + b"\0"
    start = 28 + 4 * len(texts)
    head = struct.pack("<HHIIIIII", 1, 28, start + len(pool), len(texts), 0, 1 << 8, start, 0)
    strings = _Strings(head + struct.pack(f"<{len(texts)}I", *offsets) + pool)
    assert [strings[number] for number in range(3)] == texts
    with pytest.raises(ValueError, match="a string that isn't there"):
        strings[3]


@pytest.mark.parametrize(
    "content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)], ids=["empty", "text", "empty zip"]
)
def test_no_apk(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.apk"
    path.write_bytes(content)
    with pytest.raises(DeviceError, match="not a readable APK"):
        read_apk(path)


def test_damaged_manifests_are_refused_or_read_but_never_crash(tmp_path: Path) -> None:
    whole = (MANIFESTS / "release.bin").read_bytes()
    source = random.Random(11)
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole[: source.randrange(len(whole))] or b"\0")
        for _ in range(source.randrange(4)):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        path = tmp_path / "damaged.apk"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("AndroidManifest.xml", bytes(damaged))
        try:
            read_apk(path)
        except DeviceError:
            refused += 1
    assert refused > 200


def test_a_manifest_as_text(tmp_path: Path) -> None:
    path = tmp_path / "text.apk"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("AndroidManifest.xml", "<manifest package='a.b'/>")
    with pytest.raises(DeviceError, match="not binary XML"):
        read_apk(path)


def _peak(path: Path, megabytes: int) -> None:
    """Reading it is refused, in little memory and little time."""
    began = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(DeviceError, match="not a readable APK"):
            read_apk(path)
        assert tracemalloc.get_traced_memory()[1] < megabytes * 2**20
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < 20


def test_a_manifest_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "bomb.apk"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("AndroidManifest.xml", "w") as file,
    ):
        for _ in range(200):
            file.write(bytes(1 << 20))
    _peak(path, 20)
    content = path.read_bytes()  # and one that says it is small
    place = content.rindex(b"PK\x01\x02") + 24
    path.write_bytes(content[:place] + (1000).to_bytes(4, "little") + content[place + 4 :])
    _peak(path, 20)


def test_strings_and_attributes_that_share_their_bytes(tmp_path: Path) -> None:
    path, count = tmp_path / "shared.apk", 100_000
    pool = struct.pack(
        "<HHIIIIII", 1, 28, 28 + 4 * count + 40_000, count, 0, 1 << 8, 28 + 4 * count, 0
    )
    pool += bytes(4 * count) + b"\xff\xff\xff\xff" + b"x" * 39_996
    attributes = b"".join(
        struct.pack("<IIIHxBI", 0, number, 0, 8, 3, number) for number in range(2, count // 2)
    )
    body = struct.pack("<IIHHHHHH", 0, 0, 20, 20, min(count // 2 - 2, 65535), 0, 0, 0) + attributes
    for number in (0, 20):  # the attributes' width
        element = bytearray(struct.pack("<HHIII", 0x0102, 16, 16 + len(body), 0, 0) + body)
        struct.pack_into("<H", element, 16 + 10, number)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("AndroidManifest.xml", struct.pack("<HHI", 3, 8, 0) + pool + element)
        _peak(path, 80)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.apk")
    with pytest.raises(DeviceError, match="it is a pipe, not a file"):
        read_apk(tmp_path / "pipe.apk")
    with pytest.raises(DeviceError, match="it is a folder"):
        read_apk(tmp_path)
