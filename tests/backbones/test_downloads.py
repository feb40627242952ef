"""Each model's weights from a publisher on this machine, under the real names, into the model."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.backbones.pretrained import build_backbone
from packager.backbones.weights import PLACES, Places, find_weights
from packager.errors import DownloadError, WeightsError
from packager.specs import SPECS
from tests.backbones import torch_files
from tests.backbones.torch_files import safetensors

Shapes = dict[str, tuple[int, ...]]

# Of each stage in the published files: channels, then blocks.
LITE = {
    "lite0": ((16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1)),
    "lite1": ((16, 24, 40, 80, 112, 192, 320), (1, 3, 3, 4, 4, 5, 1)),
    "lite2": ((16, 24, 48, 88, 120, 208, 352), (1, 3, 3, 4, 4, 5, 1)),
    "lite3": ((24, 32, 48, 96, 136, 232, 384), (1, 3, 3, 5, 5, 6, 1)),
    "lite4": ((24, 32, 56, 112, 160, 272, 448), (1, 4, 4, 6, 6, 8, 1)),
}
KERNELS = (3, 3, 5, 3, 5, 5, 3)


def norm(name: str, channels: int) -> Shapes:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (channels,) for part in parts}


def timm_lite(name: str) -> Shapes:
    """The tensors of timm's tf_efficientnet_lite*.pth."""
    shapes: Shapes = {"conv_stem.weight": (32, 3, 3, 3), **norm("bn1", 32)}
    width = 32
    for stage, (channels, blocks) in enumerate(zip(*LITE[name], strict=True)):
        kernel = KERNELS[stage]
        for block in range(blocks):
            at, inner = f"blocks.{stage}.{block}", width if stage == 0 else 6 * width
            convolutions = [("conv_dw", (inner, 1, kernel, kernel))]
            if stage:
                convolutions.insert(0, ("conv_pw", (inner, width, 1, 1)))
            last = "conv_pwl" if stage else "conv_pw"
            convolutions.append((last, (channels, inner, 1, 1)))
            for number, (part, shape) in enumerate(convolutions, start=1):
                shapes[f"{at}.{part}.weight"] = shape
                shapes |= norm(f"{at}.bn{number}", shape[0])
            width = channels
    shapes |= {"conv_head.weight": (1280, width, 1, 1), **norm("bn2", 1280)}
    return shapes | {"classifier.weight": (1000, 1280), "classifier.bias": (1000,)}


def torchvision_mobilenet() -> Shapes:
    """The tensors of torchvision's mobilenet_v2-*.pth."""
    shapes: Shapes = {"features.0.0.weight": (32, 3, 3, 3), **norm("features.0.1", 32)}
    width, number = 32, 0
    for expand, channels, blocks in (
        (1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1),
    ):  # fmt: skip
        for _ in range(blocks):
            number += 1
            at, inner, place = f"features.{number}.conv", width * expand, 0
            if expand > 1:
                shapes |= {f"{at}.0.0.weight": (inner, width, 1, 1), **norm(f"{at}.0.1", inner)}
                place = 1
            shapes |= {f"{at}.{place}.0.weight": (inner, 1, 3, 3)}
            shapes |= norm(f"{at}.{place}.1", inner)
            shapes |= {f"{at}.{place + 1}.weight": (channels, inner, 1, 1)}
            shapes |= norm(f"{at}.{place + 2}", channels)
            width = channels
    shapes |= {"features.18.0.weight": (1280, width, 1, 1), **norm("features.18.1", 1280)}
    return shapes | {"classifier.1.weight": (1000, 1280), "classifier.1.bias": (1000,)}


def values(shape: tuple[int, ...], name: str, seed: np.random.Generator) -> np.ndarray:
    """Random numbers that keep features within a sensible range."""
    if len(shape) == 1:
        low, high = (0.5, 1.5) if "var" in name or name.endswith(("weight", "gamma")) else (-1, 1)
        return seed.uniform(low, high, shape).astype(np.float32)
    fan_in = np.prod(shape) / (shape[0] if "." in name else shape[-1])
    return seed.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)


def keras_file(path: Path, seed: np.random.Generator, top: bool = False) -> dict[str, np.ndarray]:
    """A weights file as Keras 2 wrote it, which is what keras.applications publishes."""
    import h5py
    import keras

    model = keras.applications.ResNet50(weights=None, include_top=top, pooling="avg")
    written = {}
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.2.4-tf"
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                written[name] = values(weight.shape, name, seed)
                group[name] = written[name]
    return written


class Publisher(ThreadingHTTPServer):
    folder: Path


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    folder = tmp_path / "published"
    folder.mkdir()
    with Publisher(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        server.folder = folder
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def places_at(publisher: Publisher, name: str) -> dict[str, Places]:
    """The real place, at this publisher and with its file's digest."""
    published = PLACES[name].published
    filename = published.path.name
    content = (publisher.folder / filename).read_bytes()
    url = f"http://127.0.0.1:{publisher.server_port}/{filename}"
    digest = hashlib.sha256(content).hexdigest()[: len(published.sha256)]
    md5 = hashlib.md5(content).hexdigest() if published.md5 else ""
    return {name: Places(replace(published, url=url, sha256=digest, md5=md5))}


def run(model: Any) -> np.ndarray:
    image = np.random.default_rng(1).uniform(-1, 1, (1, *model.input_shape[1:]))
    return np.asarray(model(image.astype(np.float32), training=False))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LITE, "mobilenet_v2", "resnet50"])
def test_published_weights_are_fetched_checked_and_loaded(
    name: str, publisher: Publisher, cache: Path
) -> None:
    spec, seed = SPECS[name], np.random.default_rng(7)
    path = publisher.folder / PLACES[name].published.path.name
    if name == "resnet50":
        stem = keras_file(path, seed)["conv1_conv/kernel:0"]
    else:
        shapes = torchvision_mobilenet() if name == "mobilenet_v2" else timm_lite(name)
        tensors = {each: values(shape, each, seed) for each, shape in shapes.items()}
        path.write_bytes(torch_files.zipped(*torch_files.tensors(tensors)))
        stem = next(iter(tensors.values())).transpose(2, 3, 1, 0)
    places = places_at(publisher, name)

    weights = find_weights(spec, places=places)
    assert weights.path == cache / "weights" / path.name
    assert weights.path.read_bytes() == path.read_bytes()
    model = build_backbone(spec, weights)
    first = next(layer for layer in model.layers if layer.name in ("stem_conv", "conv1_conv"))
    np.testing.assert_array_equal(np.asarray(first.kernel)[: len(stem), : len(stem)], stem)
    features = run(model)
    assert features.shape == (1, spec.feature_size)
    assert np.isfinite(features).all()
    assert features.std() > 0

    path.write_bytes(b"moved")
    again = find_weights(spec, places=places, download=False)
    assert (again.path, again.sha256) == (weights.path, weights.sha256)


def test_the_md5_of_the_publisher_is_checked(publisher: Publisher, cache: Path) -> None:
    filename = PLACES["resnet50"].published.url.rpartition("/")[2]
    (publisher.folder / filename).write_bytes(b"the weights")
    places = places_at(publisher, "resnet50")
    (publisher.folder / filename).write_bytes(b"something else")
    md5 = hashlib.md5(b"something else").hexdigest()
    with pytest.raises(DownloadError) as caught:
        find_weights(SPECS["resnet50"], places=places)
    for words in (f"expected MD5 {places['resnet50'].published.md5}", md5, "(.h5)"):
        assert words in str(caught.value)
    assert not (cache / "weights" / filename).exists()
    (publisher.folder / filename).write_bytes(b"the weights")
    found = find_weights(SPECS["resnet50"], places=places)
    assert found.sha256 == hashlib.sha256(b"the weights").hexdigest()


SMALL_TENSOR = safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"1234")


def test_without_a_published_digest_the_first_download_is_what_later_ones_are_checked_against(
    publisher: Publisher, cache: Path
) -> None:
    spec = SPECS["mobilenet_v4_m"]
    assert not PLACES[spec.name].published.sha256
    path = publisher.folder / PLACES[spec.name].published.path.name
    path.write_bytes(b"<html>sign in</html>")
    places = places_at(publisher, spec.name)
    with pytest.raises(DownloadError, match="not the expected file"):
        find_weights(spec, places=places)
    assert not (cache / "weights" / path.name).exists()

    path.write_bytes(SMALL_TENSOR)
    found = find_weights(spec, places=places)
    assert found.path == cache / "weights" / path.name
    assert found.path.read_bytes() == SMALL_TENSOR
    assert find_weights(spec, places=places, download=False).sha256 == found.sha256

    found.path.write_bytes(SMALL_TENSOR[:-4] + b"5678")  # whole, and not what was downloaded
    with pytest.raises(WeightsError, match="not on this machine"):
        find_weights(spec, places=places, download=False)
    assert find_weights(spec, places=places).sha256 == found.sha256
    assert found.path.read_bytes() == SMALL_TENSOR
