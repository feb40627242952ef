"""From a photo's bytes to the input pixels of a model."""

from __future__ import annotations

import functools
import hashlib
import io
import re
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from packager.data.kinds import FORMATS, PHOTO_FORMATS, START, how_to_use, kind_of, with_article
from packager.errors import DataError
from packager.reading import read_file

if TYPE_CHECKING:
    from PIL import Image as _Image

    Picture = _Image.Image

VIEWS = ("stretch", "crop")
CROP = 0.875  # side of the central square, of the photo's shorter side
PHOTO_BYTES = 256 << 20  # of one file; each worker holds one in memory
PREPROCESSING = 2  # raise it when the same photo would give other pixels

_ORIENTATION = 274  # the EXIF tag
# A decoded pixel takes 4 bytes, and the picture in the file's own mode as much again; libwebp
# holds an animation's canvas twice besides. So a photo takes 1 GB at the most.
_PIXELS = 100_000_000
_STATED_PIXELS = {"JPEG": 1 << 28, "WEBP": 50_000_000}  # phones' largest JPEGs have 200 million
_MULTISCAN_PIXELS = 1 << 27  # libjpeg holds all coefficients of these in memory
_SCANS = 100  # of a progressive JPEG: encoders write about ten
_CHUNKS = 1_000_000  # of a PNG
_PROFILE_BYTES = 4 << 20  # the largest of printers have 3 MB
_ROWS = 256  # worked on at once where the whole would take much memory


def open_photo(
    source: Path | bytes, *, at_least: int | None = None, sha256: str | None = None
) -> Picture:
    """Decodes a photo to RGB, upright as its EXIF orientation says.

    Of an animation the first frame is taken. What is transparent becomes white, unless all is:
    then the transparency means nothing, and the colours are taken as they are. 16 bits a channel
    become 8 by scaling. An embedded ICC profile is applied, so that the colours are sRGB.

    Args:
        source: a file, or its bytes; JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF or PPM, whatever its
            name says.
        at_least: lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size, which is faster, as
            long as its shorter side keeps this many pixels. The pixels are then averages, so
            measure what a client sees without it.
        sha256: what the digest of the bytes was when the photo was found, in hex.

    Returns:
        A Pillow image of mode RGB, of at most 100 million pixels: a larger JPEG (up to 268
        million) is decoded at half of its size.

    Raises:
        DataError: the file can't be read, is empty, truncated, damaged, no picture of these
            formats, has too many pixels, or isn't the one that `sha256` was taken of.
    """
    where = source if isinstance(source, Path) else None
    content = source if isinstance(source, bytes) else read_photo(source)
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        _refuse("the photo has changed since it was checked", where)
    return open_and_measure(content, at_least=at_least, where=where)[0]


def open_and_measure(
    content: bytes, *, at_least: int | None = None, where: Path | None = None
) -> tuple[Picture, str, tuple[int, int]]:
    """What `open_photo` gives, and raises; the format, one of `PHOTO_FORMATS`; width and height.

    These are as they are in the file: not turned by EXIF. `where` is for messages.
    """
    kind = kind_of(content[:START], where.name if where else "")
    if kind not in PHOTO_FORMATS:
        _refuse_kind(kind, where)
    _silence_pillow()
    image, size = _decode(content, kind, at_least, where)
    return image, kind, size


def preprocessing(size: object, mean: object, std: object) -> str:
    """Names the way from a photo to a model's input; what it gave can be kept under that name.

    `size` is the input's, `mean` and `std` are its normalisation.
    """
    import PIL

    return f"{size}|{mean}|{std}|{PREPROCESSING}|{PIL.__version__}"


def read_photo(path: Path) -> bytes:
    """The bytes of a regular file of at most `PHOTO_BYTES`. Raises `DataError`."""
    try:
        return read_file(path, PHOTO_BYTES)
    except FileNotFoundError as error:
        what = "a link that leads nowhere" if path.is_symlink() else "there is no such file"
        _refuse(what, path, error)
    except OSError as error:
        reason = error.strerror or str(error)
        _refuse(reason if reason.startswith("it ") else f"can't be read ({reason})", path, error)


def view(
    image: Picture, name: str, size: int | tuple[int, int]
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Fits a photo into the model's input, in one of two ways.

    "stretch" is what MediaPipe Tasks and the TFLite Task Library feed a model: the whole photo,
    its proportions given up. Output pixel `i` of `size` is sampled at `(i + 0.5) * side / size
    - 0.5`, linearly between the two pixels around, the border pixel repeated outside; nothing is
    averaged, however much smaller the output is.

    "crop" keeps the proportions: the central square with a side of 0.875 times the photo's
    shorter side, `left = (width - side) / 2`, `top = (height - side) / 2`, none of them rounded,
    is resized with antialiasing. With `scale = side / size`, output pixel `i` has its centre at
    `c = left + (i + 0.5) * scale` and weighs input pixel `x` by `max(0, 1 - |x + 0.5 - c| /
    max(scale, 1))`, the weights divided by their sum; pixels just outside the square count,
    pixels outside the photo don't. First along the rows, rounded to whole numbers, then down. For
    an input that isn't square it is 0.875 of the largest central region of its proportions.

    Args:
        image: a Pillow image; other modes than RGB are converted.
        name: one of `VIEWS`.
        size: side of the square, or height and width, in pixels.

    Returns:
        uint8 [height, width, 3], RGB, 0..255. The mirrored view is `[:, ::-1]`.
    """
    from PIL import Image

    image = to_rgb(image)
    rows, columns = (size, size) if isinstance(size, int) else size
    target = (columns, rows)
    width, height = image.size
    if name == "stretch":
        fitted = image.transform(
            target, Image.Transform.EXTENT, (0, 0, width, height), Image.Resampling.BILINEAR
        )
    elif name == "crop":
        across = CROP * min(width, height * columns / rows)
        down = CROP * min(height, width * rows / columns)
        left, top = (width - across) / 2, (height - down) / 2
        fitted = image.resize(
            target, Image.Resampling.BILINEAR, box=(left, top, left + across, top + down)
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
        return _from_gray(image, lambda gray: (np.clip(gray, 0, 65535) + 128) // 257)
    if mode == "F":
        return _from_gray(image, lambda gray: np.rint(np.clip(np.nan_to_num(gray), 0, 255)))
    if not _has_alpha(image):
        return image.convert("RGB")
    opaque = Image.new("RGB", image.size)
    seen = False
    for top, rows in _bands(image):
        straight = _straight(rows)
        seen |= bool(straight.getchannel("A").getbbox())
        white = Image.new("RGBA", rows.size, "white")
        opaque.paste(Image.alpha_composite(white, straight).convert("RGB"), (0, top))
    if not seen:  # alpha that was never written: 32-bit BMPs, some programs' PNGs
        for top, rows in _bands(image):
            opaque.paste(_colours(rows), (0, top))
    return opaque


def _bands(image: Picture) -> Iterator[tuple[int, Picture]]:
    width, height = image.size
    for top in range(0, height, _ROWS):
        yield top, image.crop((0, top, width, min(top + _ROWS, height)))


def _from_gray(image: Picture, scaled: Any) -> Picture:
    from PIL import Image

    gray = Image.new("L", image.size)
    for top, rows in _bands(image):
        values = scaled(np.asarray(rows).astype(np.int64 if image.mode != "F" else np.float64))
        gray.paste(Image.fromarray(values.astype(np.uint8)), (0, top))
    return gray.convert("RGB")


def _has_alpha(image: Picture) -> bool:
    return "A" in image.mode.upper().replace("LAB", "") or "transparency" in image.info


def _straight(image: Picture) -> Picture:
    """RGBA, not premultiplied."""
    return (image.convert("LA") if image.mode == "La" else image).convert("RGBA")


def _colours(image: Picture) -> Picture:
    """RGB without regard to alpha."""
    from PIL import Image

    if image.mode in ("La", "RGBa"):  # premultiplied by nothing: what is there is all there is
        bands = image.split()
        return Image.merge("RGB", bands[:3] if image.mode == "RGBa" else bands[:1] * 3)
    return _straight(image).convert("RGB")


def _decode(
    content: bytes, kind: str, at_least: int | None, where: Path | None
) -> tuple[Picture, tuple[int, int]]:
    """The picture, and width and height in the file."""
    from PIL import Image, UnidentifiedImageError

    if kind == "AVIF" and not _reads_avif():
        _refuse("this installation of Pillow can't read AVIF", where)
    _check_size(_stated_size(content, kind), kind, where)
    profile: bytes | None = None
    try:
        content, profile = _plain(content, kind)
        file = io.BytesIO(content)
        with _opened(file, kind) as image:
            size = image.size
            _check_size(size, kind, where)
            if kind == "JPEG":
                _prepare_jpeg(image, content, at_least, where)
            image.load()
            profile = profile or image.info.get("icc_profile")
            orientation = _orientation(image)
            space = "GRAY" if image.mode in ("1", "L", "LA", "I;16", "I") else "RGB"
            rgb = to_srgb(to_rgb(image), profile, space if image.mode != "CMYK" else "CMYK")
        return _upright(rgb, orientation), size
    except DataError:
        raise
    except UnidentifiedImageError as error:
        _refuse("the file is damaged or truncated", where, error)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        _refuse("the picture is too large", where, error)
    except MemoryError as error:
        _refuse("the picture is too large for this machine's memory", where, error)
    except SyntaxError as error:  # a decoder's word for what it can't make sense of
        _refuse("the file is damaged or truncated", where, error)
    except Exception as error:  # decoders raise whatever a damaged file makes them
        text = str(error)
        if "truncated" in text.lower():
            _refuse("the file is truncated", where, error)
        _refuse(f"the file is damaged ({text or type(error).__name__})", where, error)


def _opened(file: io.BytesIO, kind: str) -> Any:
    """Pillow's image, not decoded yet."""
    from PIL import Image

    if kind == "JPEG":  # past Pillow's own limit on pixels: it needn't be decoded in full
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile(file)
    if kind == "HEIF":
        import pi_heif

        return pi_heif.HeifImageFile(file)
    return Image.open(file, formats=(kind,))


@functools.cache
def _reads_avif() -> bool:
    from PIL import features

    return bool(features.check("avif"))


def _check_size(size: tuple[int, int] | None, kind: str, where: Path | None) -> None:
    most = _STATED_PIXELS.get(kind, _PIXELS)
    if size is not None and size[0] * size[1] > most:
        _refuse(
            f"the picture is too large ({size[0]:,} x {size[1]:,} pixels; at most "
            f"{most // 1_000_000} million are read of a {kind.replace('WEBP', 'WebP')})",
            where,
        )


def _stated_size(content: bytes, kind: str) -> tuple[int, int] | None:
    """Width and height, where Pillow would take memory or warn of them on opening."""
    if kind == "GIF":
        return _little(content[6:8]), _little(content[8:10])
    if kind == "PNG":
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if kind != "WEBP":
        return None
    chunk = content[12:16]
    if chunk == b"VP8X":
        return _little(content[24:27]) + 1, _little(content[27:30]) + 1
    if chunk == b"VP8L":
        bits = _little(content[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return _little(content[26:28]) & 0x3FFF, _little(content[28:30]) & 0x3FFF


def _little(content: bytes) -> int:
    return int.from_bytes(content, "little")


def _plain(content: bytes, kind: str) -> tuple[bytes, bytes | None]:
    """The file without what can be left out and costs time or more; and a PNG's colour profile."""
    if kind == "PNG":
        return _plain_png(content)
    ways = {"JPEG": _plain_jpeg, "GIF": _plain_gif, "HEIF": _plain_heif}
    return (ways[kind](content) if kind in ways else content), None


def _plain_png(content: bytes) -> tuple[bytes, bytes | None]:
    """The PNG with nothing but its picture, transparency and EXIF; and its colour profile.

    Pillow limits the text in a PNG, and refuses the picture with it; what is dropped here is
    none of the picture (PNG specification, third edition, section 11.3).
    """
    kept = [content[:8]]
    profile = None
    start, place, chunks = 8, 8, 0
    while place + 8 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        name = content[place + 4 : place + 8]
        end = place + 12 + length
        chunks += 1
        if chunks > _CHUNKS:
            raise ValueError(f"more than {_CHUNKS:,} chunks")
        if name == b"IEND":
            place = end
            break
        ancillary = name[0] & 0x20 and name not in (b"tRNS", b"eXIf")
        if ancillary and end <= len(content):
            kept.append(content[start:place])
            start = end
            if name == b"iCCP" and profile is None:
                profile = _inflated_profile(content[place + 8 : end - 4])
        place = end
    kept.append(content[start:place])
    return (content if len(kept) == 2 else b"".join(kept)), profile


def _plain_jpeg(content: bytes) -> bytes:
    """The JPEG with nothing before its picture but JFIF's, the first EXIF, ICC and Adobe's data.

    Pillow takes quadratic time over many EXIF blocks.
    """
    kept, start, place, exif = [], 0, 2, False
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker < 0xC0 or 0xD0 <= marker <= 0xDA or marker == 0xFF:
            break  # the scans begin, or something odd that libjpeg may know what to do with
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        is_exif = marker == 0xE1 and content[place + 4 : place + 10] == b"Exif\0\0"
        wanted = marker < 0xE0 or marker in (0xE0, 0xE2, 0xEE) or (is_exif and not exif)
        if not wanted and marker >= 0xE0 and end <= len(content):
            kept.append(content[start:place])
            start = end
        exif |= is_exif
        place = end
    return b"".join([*kept, content[start:]]) if kept else content


def _plain_gif(content: bytes) -> bytes:
    """The GIF with nothing before its first frame but how that is drawn.

    Pillow takes quadratic time over a long comment.
    """
    flags = content[10:11]
    place = 13 + (3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0)
    kept = [content[:place]]
    while content[place : place + 1] == b"!":
        end = place + 2
        while end < len(content) and content[end]:
            end += 1 + content[end]
        end += 1
        if content[place + 1 : place + 2] == b"\xf9":  # the graphic control extension
            kept.append(content[place:end])
        place = end
    return b"".join([*kept, content[place:]])


def _plain_heif(content: bytes) -> bytes:
    """The HEIC without the references from EXIF and XMP to its picture (ISO/IEC 23008-12, 6.6.2.2).

    pi-heif ends the process over some damaged ones. A HEIC is turned by properties of its own, not
    by EXIF's orientation.
    """
    place = 0
    while place + 8 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        if content[place + 4 : place + 8] == b"meta":
            end = place + length if length > 1 else len(content)
            box = content[place:end].replace(b"cdsc", b"free")
            return content[:place] + box + content[end:]
        if length == 1:  # a long box, with its length in 8 bytes
            length = int.from_bytes(content[place + 8 : place + 16], "big")
        if length < 8:  # up to the file's end, or damaged
            break
        place += length
    return content


def _inflated_profile(chunk: bytes) -> bytes | None:
    packed = chunk.partition(b"\0")[2][1:]
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(packed, _PROFILE_BYTES)
    except zlib.error:
        return None
    return profile if unpacking.eof else None


def _prepare_jpeg(image: Any, content: bytes, at_least: int | None, where: Path | None) -> None:
    """Asks for the least size that serves."""
    pixels = image.width * image.height
    scans = _scans(content, image.layers, progressive="progressive" in image.info)
    if scans > 1 and pixels > _MULTISCAN_PIXELS:
        _refuse(
            f"the picture is too large ({image.width:,} x {image.height:,} pixels; at most "
            f"{_MULTISCAN_PIXELS // 1_000_000} million are read of a progressive JPEG)",
            where,
        )
    if scans > _SCANS:
        _refuse(f"the file is damaged (more than {_SCANS} scans)", where)
    shorter, shrink = min(image.size), 1
    if at_least is not None:
        shrink = max(s for s in (1, 2, 4, 8) if s == 1 or shorter >= s * max(at_least, 1))
    while pixels > _PIXELS * shrink**2:
        shrink *= 2
    image.draft(None, tuple(max(side // shrink, 1) for side in image.size))


def _scans(content: bytes, components: int, *, progressive: bool) -> int:
    """How many scans the first picture in a JPEG file has, counted up to `_SCANS` + 1."""
    place = 2
    while content[place : place + 1] == b"\xff" and content[place + 1 : place + 2] != b"\xda":
        if content[place + 1 : place + 2] == b"\xff":  # padding
            place += 1
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    if not progressive and content[place + 4 : place + 5] >= bytes([components]):
        return 1
    count = 0
    for marker in re.finditer(rb"\xff[\xd9\xda]", content[place:]):  # in the data, FF is FF 00
        if marker[0] == b"\xff\xd9" or count > _SCANS:
            break
        count += 1
    return count


def to_srgb(image: Picture, profile: bytes | None, space: str) -> Picture:
    """Applies an ICC profile: the same colours, in sRGB.

    Args:
        image: of mode RGB; it may be changed in place.
        profile: an ICC profile, or None. A damaged one, or one of another kind of pixels, counts
            as none.
        space: what the profile has to be for: "RGB" or "GRAY".
    """
    if not profile or len(profile) > _PROFILE_BYTES:
        return image
    transform = _transform(bytes(profile), space)
    if transform is None:
        return image
    if space == "GRAY":
        result: Picture = transform.apply(image.getchannel(0))
    else:
        result = transform.apply_in_place(image)
    del result.info["icc_profile"]
    return result


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, space: str) -> Any:
    """From that profile to sRGB; None where there is nothing to do, or nothing to be done."""
    from PIL import Image, ImageCms

    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if given.profile.xcolor_space.strip() != space:
            return None
        mode = {"RGB": "RGB", "GRAY": "L"}[space]
        transform = ImageCms.ImageCmsTransform(
            given, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")), mode, "RGB"
        )
        levels = np.linspace(0, 255, 9 if space == "RGB" else 256).round().astype(np.uint8)
        if space == "RGB":
            colours = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
        else:
            colours = levels[None]
        probe = Image.fromarray(colours)
        changed = np.asarray(transform.apply(probe), int) - np.asarray(probe.convert("RGB"), int)
    except Exception:  # of many kinds; without its profile the photo is still good
        return None
    return transform if np.abs(changed).max() > 2 else None  # it says sRGB in other words


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


def _refuse_kind(kind: str, where: Path | None) -> NoReturn:
    if kind == "empty file":
        _refuse("the file is empty (zero bytes)", where)
    fix = how_to_use(kind)
    _refuse(
        f"it is {with_article(kind)}, not a {FORMATS} picture" + (f" ({fix})" if fix else ""),
        where,
    )
