"""APKs with bytes changed: of the archive, and of the manifest inside."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from packager.bench.apk import read_apk
from tests.bench_device.conftest import MANIFESTS
from tests.fuzz.mutation import check, mutated_bytes


def _archive(manifest: bytes, kind: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", kind) as archive:
        archive.writestr("AndroidManifest.xml", manifest)
        archive.writestr("lib/arm64-v8a/libtensorflowlite_jni.so", b"code")
    return content.getvalue()


def test_fuzz_apk(tmp_path: Path) -> None:
    path = tmp_path / "some.apk"
    manifests = [each.read_bytes() for each in sorted(MANIFESTS.glob("*.bin"))]

    def read(content: bytes) -> None:
        path.write_bytes(content)
        read_apk(path)

    kinds = (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)
    check(read, mutated_bytes([_archive(each, kind) for each in manifests for kind in kinds]))
    check(read, (_archive(each, zipfile.ZIP_STORED) for each in mutated_bytes(manifests)))
