"""From a photo's bytes to the pixels that a model is fed."""

from __future__ import annotations

import functools
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from packager.errors import DataError

if TYPE_CHECKING:
    from PIL import Image as _Image

    Picture = _Image.Image

VIEWS = ("stretch", "crop")
CROP = 0.875  # side of the central square, of the photo's shorter side
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF", b"BM", b"GIF8")
_ORIENTATION = 274  # the EXIF tag


def open_photo(source: Path | bytes, *, at_least: int | None = None) -> Picture:
    """Decodes a photo to RGB, upright as its EXIF orientation says.

    Of an animation the first frame is taken; what is transparent becomes white; 16 bits a
    channel become 8 by scaling. Colour profiles are not applied: no client of a model does.

    Args:
        source: a file, or its bytes; JPEG, PNG, WebP, BMP or GIF, whatever its name says.
        at_least: lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size, which is faster, as
            long as its shorter side keeps this many pixels. The pixels are then averages, so
            measure what a client sees without it.

    Returns:
        A Pillow image of mode RGB.

    Raises:
        DataError: the file can't be read, is empty, truncated, damaged, no picture of these
            formats, or has more pixels than Pillow agrees to decode (179 million).
    """
    where = source if isinstance(source, Path) else None
    if isinstance(source, bytes):
        return _decode(io.BytesIO(source), at_least, where)
    try:
        if not source.is_file():  # a pipe would be waited for forever
            _refuse("there is no such file" if not source.exists() else "not a file", where)
        with source.open("rb") as file:
            return _decode(file, at_least, where)
    except OSError as error:
        _refuse(f"can't be read ({error.strerror or error})", where, error)


def view(image: Picture, name: str, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Fits a photo into the model's square input, in one of two ways.

    "stretch" is what MediaPipe Tasks and the TFLite Task Library feed a model: the whole photo,
    its proportions given up. Output pixel `i` of `size` is sampled at `(i + 0.5) * side / size
    - 0.5`, linearly between the two pixels around, the border pixel repeated outside; nothing is
    averaged, however much smaller the output is.

    "crop" keeps the proportions: the central square with a side of 0.875 times the photo's
    shorter side, `left = (width - side) / 2`, `top = (height - side) / 2`, none of them rounded,
    is resized with antialiasing. With `scale = side / size`, output pixel `i` has its centre at
    `c = left + (i + 0.5) * scale` and weighs input pixel `x` by `max(0, 1 - |x + 0.5 - c| /
    max(scale, 1))`, the weights divided by their sum; pixels just outside the square count,
    pixels outside the photo don't. First along the rows, rounded to whole numbers, then down.

    Args:
        image: a Pillow image; other modes than RGB are converted.
        name: one of `VIEWS`.
        size: side of the square, in pixels.

    Returns:
        uint8 [size, size, 3], RGB, 0..255. The mirrored view is `[:, ::-1]`.
    """
    from PIL import Image

    image, square = to_rgb(image), (size, size)
    width, height = image.size
    if name == "stretch":
        fitted = image.transform(
            square, Image.Transform.EXTENT, (0, 0, width, height), Image.Resampling.BILINEAR
        )
    elif name == "crop":
        side = CROP * min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        fitted = image.resize(
            square, Image.Resampling.BILINEAR, box=(left, top, left + side, top + side)
        )
    else:
        raise ValueError(f"a view is one of {VIEWS}, not {name!r}")
    return np.array(fitted)


def to_rgb(image: Picture) -> Picture:
    """Converts any Pillow image to RGB: alpha over white, 16-bit gray scaled, not clipped."""
    from PIL import Image

    mode = image.mode
    if mode == "RGB" and "transparency" not in image.info:
        return image
    if mode.startswith("I"):  # 16-bit gray; 65535 = 255 * 257
        gray = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        return Image.fromarray(((gray + 128) // 257).astype(np.uint8)).convert("RGB")
    if mode == "F":
        gray = np.clip(np.nan_to_num(np.asarray(image)), 0, 255)
        return Image.fromarray(np.rint(gray).astype(np.uint8)).convert("RGB")
    if "A" in mode.upper().replace("LAB", "") or "transparency" in image.info:
        image = (image.convert("LA") if mode == "La" else image).convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _decode(file: Any, at_least: int | None, where: Path | None) -> Picture:
    from PIL import Image, UnidentifiedImageError

    _silence_pillow()
    start = file.read(16)
    if not start:
        _refuse("the file is empty (zero bytes)", where)
    file.seek(0)
    try:
        with Image.open(file, formats=FORMATS) as image:
            if at_least is not None:
                image.draft(None, (max(at_least, 1), max(at_least, 1)))
            image.load()
            return _upright(to_rgb(image), _orientation(image))
    except UnidentifiedImageError as error:
        if start.startswith(_SIGNATURES):
            _refuse("the file is damaged or truncated", where, error)
        _refuse("not a JPEG, PNG, WebP, BMP or GIF picture", where, error)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        _refuse("the picture is too large (over 179 million pixels)", where, error)
    except MemoryError as error:
        _refuse("the picture is too large for the memory", where, error)
    except Exception as error:  # decoders raise whatever a damaged file makes them
        text = str(error)
        if "truncated" in text.lower():
            _refuse("the file is truncated", where, error)
        _refuse(f"the file is damaged ({text or type(error).__name__})", where, error)


def _orientation(image: Picture) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
        return value if isinstance(value, int) else 1
    except Exception:  # a damaged EXIF block is no reason to lose a good photo
        return 1


def _upright(image: Picture, orientation: int) -> Picture:
    from PIL.Image import Transpose

    turn = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)
    return image if turn is None else image.transpose(turn)


@functools.cache
def _silence_pillow() -> None:
    # Of large pictures and odd EXIF blocks Pillow would warn on the terminal; the verdict is ours.
    warnings.filterwarnings("ignore", module=r"PIL\.")


def _refuse(reason: str, where: Path | None, cause: Exception | None = None) -> NoReturn:
    raise DataError(reason, where=where, fix="Replace or delete this photo.") from cause
