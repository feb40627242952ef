"""Augmentation of training photos: crops, colours, and mixtures of two.

Each variation is drawn from (seed, epoch, photo), so neither the order of the photos nor the
threads that work on them change it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from packager.data.folder import Photo
from packager.data.images import CROP, VIEWS, open_photo, to_rgb, view
from packager.specs import ModelSpec
from packager.training.memory import Kept, kept_arrays
from packager.training.trunk import Trunk

if TYPE_CHECKING:
    from PIL import Image

    Picture = Image.Image
    Pixels = np.ndarray[Any, np.dtype[np.uint8]]
    Array = np.ndarray[Any, Any]


_AREA = (0.4, 1.0)  # share of a view's area that is kept
_ASPECT = 4 / 3  # the kept part is at most so much wider or higher than the view
_COLOR = 0.3  # brightness, contrast and saturation are multiplied by 1 ± this
_OPERATIONS, _MAGNITUDE = 2, 0.3  # of RandAugment
_MIXUP = 0.2  # both parameters of the beta distribution
_GRAY = (127, 127, 127)  # what comes in from outside of a turned photo


@dataclass(frozen=True)
class PhotoSamples:
    """The samples for training all but the first stages: photos, augmented on demand.

    The decoded photos, the views and the variations of some epochs stay in memory as far as `Kept`
    allows; what doesn't is made again when it is asked for.

    Attributes:
        spec: gives the input's size and normalisation.
        augment: one of `AUGMENTATIONS`.
        seed: of the variations.
        trunk: the first stages, which then are part of a sample; None where there are none.
        kept: the epochs whose variations are asked for again.
    """

    spec: ModelSpec
    augment: str
    seed: int
    trunk: Trunk | None = None
    kept: range = range(0)
    _decoded: Kept[Picture] = field(
        default_factory=lambda: Kept(lambda image: 4 * image.width * image.height), init=False
    )
    _views: Kept[Array] = field(default_factory=kept_arrays, init=False)
    _variations: Kept[Array] = field(default_factory=kept_arrays, init=False)

    def sample(self, photo: Photo, epoch: int) -> Array:
        """The photo for training, of either view by turns: float32 [size, size, 3], normalised, or
        what the trunk gives for it.

        Raises `DataError` when the photo can't be decoded.
        """

        def make() -> Array:
            digest, size = int(photo.sha256[:16], 16), self.spec.input_size
            random = np.random.default_rng([self.seed, epoch, digest])
            name = VIEWS[(epoch + digest) % len(VIEWS)]
            image = self._decoded.get(photo.sha256, lambda: self._opened(photo))
            return self._taken_in(augmented(image, name, size, self.augment, random))

        return self._variations.get((photo.sha256, epoch), make) if epoch in self.kept else make()

    def views(self, photo: Photo) -> Array:
        """As `sample`, of the photo as clients see it: float32 [len(VIEWS), ...]."""

        def make() -> Array:
            image, size = self._opened(photo), self.spec.input_size
            return np.stack([self._taken_in(view(image, name, size)) for name in VIEWS])

        return self._views.get(photo.sha256, make)

    def _opened(self, photo: Photo) -> Picture:
        size = 2 * self.spec.input_size
        return open_photo(photo.path, at_least=size, sha256=photo.sha256)

    def _taken_in(self, pixels: Pixels) -> Array:
        values = np.asarray(
            (pixels.astype(np.float32) - self.spec.mean) / self.spec.std, np.float32
        )
        return values if self.trunk is None else self.trunk.run(values)


def augmented(
    image: Picture, name: str, size: int, augment: str, random: np.random.Generator
) -> Pixels:
    """A view of a photo, varied: uint8 [size, size, 3].

    "none" varies nothing. The others cut out a part (as in Szegedy et al. 2015, arXiv:1409.4842,
    section 6) of the whole photo for "stretch", of its central square for "crop", resampled as
    that view is, and mirror every other one. Then "randaugment" applies two of fourteen operations
    (Cubuk et al. 2020, arXiv:1909.13719); the others vary brightness, contrast and saturation.
    """
    if augment == "none":
        return view(image, name, size)
    picture = _part(to_rgb(image), name, size, random)
    if random.random() < 0.5:
        from PIL.Image import Transpose

        picture = picture.transpose(Transpose.FLIP_LEFT_RIGHT)
    picture = (_randaugment if augment == "randaugment" else _recolored)(picture, random)
    return np.asarray(picture, np.uint8)


def mixup(
    inputs: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], random: np.random.Generator
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Each sample [samples, ...] and its target blended with another's of the same batch.

    Zhang et al. 2018 (arXiv:1710.09412), with one share of the blend for the batch.
    """
    share = np.float32(random.beta(_MIXUP, _MIXUP))
    other = random.permutation(len(inputs))
    return tuple(share * each + (1 - share) * each[other] for each in (inputs, targets))


def _part(image: Picture, name: str, size: int, random: np.random.Generator) -> Picture:
    from PIL.Image import Resampling, Transform

    width, height = image.size
    left, top, right, bottom = 0.0, 0.0, float(width), float(height)
    if name == "crop":
        side = CROP * min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        right, bottom = left + side, top + side
    area = random.uniform(*_AREA)
    aspect = math.exp(random.uniform(-1, 1) * math.log(_ASPECT))
    across, down = (
        min(1.0, math.sqrt(area * aspect)) * (right - left),
        min(1.0, math.sqrt(area / aspect)) * (bottom - top),
    )
    left += random.random() * (right - left - across)
    top += random.random() * (bottom - top - down)
    box = (left, top, min(left + across, width), min(top + down, height))
    if name == "crop":
        return image.resize((size, size), Resampling.BILINEAR, box=box)
    return image.transform((size, size), Transform.EXTENT, box, Resampling.BILINEAR)


def _recolored(image: Picture, random: np.random.Generator) -> Picture:
    from PIL import ImageEnhance

    factors = random.uniform(1 - _COLOR, 1 + _COLOR, 3)
    kinds = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
    for kind, factor in zip(kinds, factors, strict=True):
        image = kind(image).enhance(float(factor))
    return image


def _randaugment(image: Picture, random: np.random.Generator) -> Picture:
    operations = _operations()
    for place in random.integers(len(operations), size=_OPERATIONS):
        sign = 1 if random.random() < 0.5 else -1
        image = operations[place](image, _MAGNITUDE, sign)
    return image


def _operations() -> tuple[Callable[[Picture, float, int], Picture], ...]:
    """Of a picture, a magnitude of 0..1 and a sign; the ranges are the paper's."""
    from PIL import ImageEnhance, ImageOps
    from PIL.Image import Resampling, Transform

    def enhance(kind: Any) -> Callable[[Picture, float, int], Picture]:
        return lambda image, magnitude, sign: kind(image).enhance(1 + 0.9 * magnitude * sign)

    def affine(*of: float) -> Callable[[Picture, float, int], Picture]:
        """`of`: how much of each coefficient a magnitude of 1 is; shifts in shares of a side."""

        def run(image: Picture, magnitude: float, sign: int) -> Picture:
            move = [magnitude * sign * each for each in of]
            shear_x, shift_x, shear_y, shift_y = move
            side = image.width
            return image.transform(
                image.size, Transform.AFFINE,
                (1, shear_x, (shift_x - shear_x / 2) * side,
                 shear_y, 1, (shift_y - shear_y / 2) * side),
                Resampling.BILINEAR, fillcolor=_GRAY,
            )  # fmt: skip

        return run

    return (
        lambda image, *_: image,
        lambda image, *_: ImageOps.autocontrast(image),
        lambda image, *_: ImageOps.equalize(image),
        lambda image, magnitude, _: ImageOps.solarize(image, round(256 * (1 - magnitude))),
        lambda image, magnitude, _: ImageOps.posterize(image, 8 - round(4 * magnitude)),
        lambda image, magnitude, sign: image.rotate(
            30 * magnitude * sign, Resampling.BILINEAR, fillcolor=_GRAY
        ),
        enhance(ImageEnhance.Brightness),
        enhance(ImageEnhance.Contrast),
        enhance(ImageEnhance.Color),
        enhance(ImageEnhance.Sharpness),
        affine(0.3, 0, 0, 0),
        affine(0, 0, 0.3, 0),
        affine(0, 0.45, 0, 0),
        affine(0, 0, 0, 0.45),
    )
