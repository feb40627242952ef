"""APKs with manifests that aapt2 linked, and files that are none."""

from __future__ import annotations

import random
import struct
import zipfile
from pathlib import Path

import pytest

from packager.bench.apk import _strings, read_apk
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
    assert _strings(head + struct.pack(f"<{len(texts)}I", *offsets) + pool) == texts


@pytest.mark.parametrize(
    "content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)], ids=["empty", "text", "empty zip"]
)
def test_no_apk(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.apk"
    path.write_bytes(content)
    with pytest.raises(DeviceError, match="no APK that can be read"):
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
