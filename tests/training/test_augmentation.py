from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from packager.data.folder import Photo
from packager.data.images import VIEWS, view
from packager.specs import get_spec
from packager.training.augmentation import (
    PhotoSamples,
    _operations,
    augmented,
    mixup,
)
from packager.training.settings import AUGMENTATIONS
from tests.conftest import images, save_photo

COLOR = (90, 60, 30)
SPEC = replace(get_spec("lite0"), input_size=32)


def photo(path: Path) -> Photo:
    return Photo(path, 0, hashlib.sha256(path.read_bytes()).hexdigest())


def picture(seed: int = 0) -> Image.Image:
    return Image.fromarray(next(images(1, seed, size=80))[:60])


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_sample_depends_on_seed_epoch_and_photo_alone(augment: str, tmp_path: Path) -> None:
    photos = [photo(save_photo(tmp_path / f"{n}.png", (90, 60, 30), n)) for n in (1, 2)]
    samples = PhotoSamples(SPEC, augment, seed=3)
    first = [samples.sample(each, 5) for each in photos]
    with ThreadPoolExecutor(2) as pool:
        again = list(pool.map(lambda each: samples.sample(each, 5), reversed(photos)))
    for one, two in zip(first, reversed(again), strict=True):
        assert one.shape == (32, 32, 3)
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, two)
    others = [samples.sample(photos[0], 7), PhotoSamples(SPEC, augment, 4).sample(photos[0], 5)]
    for other in others:
        assert np.array_equal(first[0], other) == (augment == "none")


def test_views_come_by_turns_and_as_clients_feed_them(tmp_path: Path) -> None:
    image = picture()
    image.save(tmp_path / "0.png")
    samples = PhotoSamples(SPEC, "none", seed=0)
    wanted = [(view(image, name, 32).astype(np.float32) - 127) / 128 for name in VIEWS]
    first = int(photo(tmp_path / "0.png").sha256[:16], 16)
    for epoch in range(4):
        given = samples.sample(photo(tmp_path / "0.png"), epoch)
        np.testing.assert_allclose(given, wanted[(first + epoch) % 2], atol=1e-6)
    np.testing.assert_allclose(samples.views(photo(tmp_path / "0.png")), wanted, atol=1e-6)


def test_decoded_photos_stay_in_memory(tmp_path: Path) -> None:
    samples = PhotoSamples(SPEC, "none", seed=0)
    one = photo(save_photo(tmp_path / "0.png", COLOR, 0))
    first = samples.sample(one, 0), samples.views(one)
    one.path.unlink()
    np.testing.assert_array_equal(samples.sample(one, 2), first[0])
    np.testing.assert_array_equal(samples.views(one), first[1])


def test_a_sample_is_what_the_trunk_gives(tmp_path: Path) -> None:
    class Mean:
        def run(self, image: np.ndarray) -> np.ndarray:
            return image.mean((0, 1))

    one = photo(save_photo(tmp_path / "0.png", COLOR, 0))
    plain = PhotoSamples(SPEC, "basic", seed=0)
    samples = PhotoSamples(SPEC, "basic", seed=0, trunk=Mean())
    for epoch in (0, 1):
        wanted = plain.sample(one, epoch).mean((0, 1))
        np.testing.assert_array_equal(samples.sample(one, epoch), wanted)
    np.testing.assert_array_equal(samples.views(one), plain.views(one).mean((1, 2)))


def test_variations_of_some_epochs_stay_in_memory(tmp_path: Path) -> None:
    class Counts:
        runs = 0

        def run(self, image: np.ndarray) -> np.ndarray:
            self.runs += 1
            return image.mean((0, 1))

    one = photo(save_photo(tmp_path / "0.png", COLOR, 0))
    trunk = Counts()
    samples = PhotoSamples(SPEC, "basic", 0, trunk, kept=range(1, 3))
    plain = PhotoSamples(SPEC, "basic", 0, Counts())
    for epoch, runs in ((0, 1), (1, 2), (2, 3), (1, 3), (2, 3), (0, 4), (3, 5)):
        np.testing.assert_array_equal(samples.sample(one, epoch), plain.sample(one, epoch))
        assert trunk.runs == runs


def test_crop_shows_nothing_from_outside_of_the_central_square() -> None:
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[:, :52] = pixels[:, 148:] = 255
    image, random = Image.fromarray(pixels), np.random.default_rng(0)
    seen = dict.fromkeys(VIEWS, 0)
    for name in VIEWS:
        for _ in range(50):
            seen[name] += int(augmented(image, name, 32, "basic", random).max() > 128)
    assert seen == {"stretch": 50, "crop": 0}


def test_parts_differ_in_place_size_and_side() -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 200, dtype=np.uint8)[None, :, None], (200, 200, 3))
    image, random = Image.fromarray(np.ascontiguousarray(ramp)), np.random.default_rng(0)
    widths, mirrored = [], 0
    for _ in range(200):
        row = augmented(image, "stretch", 32, "mixup", random)[16, :, 0].astype(int)
        mirrored += int(row[0] > row[-1])
        widths.append(abs(row[-1] - row[0]))
    assert 70 < mirrored < 130
    assert np.ptp(widths) > 60


@pytest.mark.parametrize("augment", AUGMENTATIONS)
@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_any_picture_gives_rgb_pixels(augment: str, mode: str) -> None:
    for image in (picture().convert(mode), Image.new(mode, (1, 1)), Image.new(mode, (300, 2))):
        for seed in range(8):
            pixels = augmented(image, VIEWS[seed % 2], 24, augment, np.random.default_rng(seed))
            assert pixels.shape == (24, 24, 3)
            assert pixels.dtype == np.uint8


def test_operations_of_randaugment_change_the_picture_and_not_its_size() -> None:
    image = picture().resize((40, 40))
    changed = []
    for operation in _operations():
        for sign in (1, -1):
            result = operation(image, 0.5, sign)
            assert result.size == image.size
            assert result.mode == "RGB"
            changed.append(not np.array_equal(result, image))
    assert changed == [False, False] + [True] * (len(changed) - 2)


def test_shifts_and_turns_keep_the_middle() -> None:
    pixels = np.zeros((41, 41, 3), np.uint8)
    pixels[18:23, 18:23] = 255
    image = Image.fromarray(pixels)
    turned = [operation(image, 1.0, 1) for operation in _operations()[5:6] + _operations()[10:12]]
    for result in turned:
        assert np.asarray(result)[20, 20, 0] == 255


def test_mixup_blends_samples_and_targets_alike() -> None:
    inputs = np.arange(6, dtype=np.float32)[:, None]
    targets = np.eye(6, dtype=np.float32)
    mixed, blended = mixup(inputs, targets, np.random.default_rng(1))
    np.testing.assert_allclose(blended.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(mixed[:, 0], blended @ inputs[:, 0], rtol=1e-5)
    assert mixed.dtype == blended.dtype == np.float32
    assert not np.array_equal(blended, targets)
