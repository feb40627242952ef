"""The kind of a file, by its first bytes: names and extensions are often wrong."""

from __future__ import annotations

import os
import re

START = 1024  # bytes that `kind_of` needs
# Pillow's names of the formats that are read as photos.
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "PPM", "HEIF", "AVIF")
FORMATS = "JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF or PPM"  # as people call them

_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes: the BMP versions
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_RAW = frozenset({".dng", ".nef", ".arw", ".cr2", ".pef", ".orf", ".rw2", ".srw", ".raf"})
# ISO base media files (ISO/IEC 14496-12) say in their "ftyp" box what is inside.
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF = (b"avif", b"avis")
_AT_START = (
    ((b"\0\0\0\x0cJXL ", b"\xff\x0a"), "JPEG XL picture"),
    ((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"), "JPEG 2000 picture"),
    ((b"8BPS",), "Photoshop file"),
    ((b"gimp xcf",), "GIMP file"),
    ((b"DDS ",), "DDS picture"),
    ((b"\0\0\1\0", b"\0\0\2\0"), "icon"),
    ((b"FUJIFILM", b"IIRO", b"IIU\0"), "raw photo"),
    ((b"%PDF",), "PDF document"),
    ((b"%!PS", b"\xc5\xd0\xd3\xc6"), "PostScript file"),
    ((b"PK\3\4", b"PK\5\6"), "ZIP archive"),
    ((b"\x1f\x8b",), "gzip archive"),
    ((b"Rar!",), "RAR archive"),
    ((b"7z\xbc\xaf",), "7z archive"),
    ((b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"), "archive"),
    ((b"\x1a\x45\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3", b"FLV\1", b"\x30\x26\xb2\x75"), "video"),
    ((b"ID3", b"OggS", b"fLaC", b"\xff\xfb", b"\xff\xf3"), "audio file"),
    ((b"\x93NUMPY",), "NumPy array"),
    ((b"\x89HDF",), "HDF5 file"),
    ((b"SQLite format 3",), "SQLite database"),
    ((b"\x7fELF", b"MZ"), "program"),
    ((b"version https://git-lfs",), "Git LFS pointer"),
)
_FIXES = {
    "Git LFS pointer": "fetch the files with `git lfs pull`",
    "git-annex pointer": "fetch the files with `git annex get`",
    "ZIP archive": "unpack it",
    "gzip archive": "unpack it",
    "tar archive": "unpack it",
    "RAR archive": "unpack it",
    "7z archive": "unpack it",
    "archive": "unpack it",
}


def kind_of(start: bytes, name: str = "") -> str:
    """What a file that starts with these bytes is.

    Args:
        start: its first `START` bytes, or all when it has fewer.
        name: its name; only tells apart what the bytes don't (a CSV table from other text).

    Returns:
        One of `PHOTO_FORMATS`, or a noun in the singular: "raw photo", "video", "text file".
    """
    if not start:
        return "empty file"
    photo = _photo_format(start)
    if photo:
        return photo
    extension = os.path.splitext(name)[1].lower()  # noqa: PTH122
    if start[4:8] == b"ftyp":
        return _media(start)
    if start[4:8] in (b"moov", b"mdat", b"wide", b"free"):
        return "video"
    if start[:4] == b"RIFF":
        return {b"AVI ": "video", b"WAVE": "audio file"}.get(start[8:12], "RIFF file")
    if start[:4] in _TIFF:
        raw = extension in _RAW or start[8:10] == b"CR"
        return "raw photo" if raw else "TIFF picture"
    for starts, noun in _AT_START:
        if start.startswith(starts):
            return noun
    if start[257:262] == b"ustar":
        return "tar archive"
    return _text(start, extension) or "file of unknown kind"


def how_to_use(kind: str) -> str:
    """What to do with a file of that kind, so that it can be used: "" when nothing is known."""
    if kind.endswith((" photo", " picture")) or kind in ("Photoshop file", "GIMP file"):
        return "save as JPEG or PNG"
    return _FIXES.get(kind, "")


def with_article(kind: str) -> str:
    """ "an HTML page", "a video"."""
    vowel = kind[0] in "aeioAEIO" or kind.startswith(("HTML", "RAR", "RIFF", "HDF5", "SVG", "XML"))
    return f"{'an' if vowel else 'a'} {kind}"


def _photo_format(start: bytes) -> str:
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n"):
        return "PNG"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "WEBP"
    # "BM" alone would be the start of many a text.
    if start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if start[4:8] == b"ftyp":
        brands = _brands(start)
        if brands[0] in _AVIF or (brands[0] in (b"mif1", b"msf1") and set(brands) & set(_AVIF)):
            return "AVIF"
        return "HEIF" if brands[0] in _HEIC else ""
    return "PPM" if re.match(rb"P[1-6]\s", start) else ""


def _brands(start: bytes) -> list[bytes]:
    """The major brand of an ISO base media file and the compatible ones."""
    size = min(max(int.from_bytes(start[:4], "big"), 12), len(start))
    return [start[8:12], *(start[i : i + 4] for i in range(16, size - 3, 4))]


def _media(start: bytes) -> str:
    brand = _brands(start)[0]
    if brand == b"crx ":
        return "raw photo"
    return "audio file" if brand in (b"M4A ", b"M4B ") else "video"


def _text(start: bytes, extension: str) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16's mark
        start = start[2:].replace(b"\0", b"")
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", start):
        return ""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"/annex/objects/" in text.partition(b"\n")[0]:
        return "git-annex pointer"
    if re.match(rb"<(!doctype html|html|head|body|script)\b", text):
        return "HTML page"
    if text.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype")):
        if b"<svg" in text:
            return "SVG drawing"
        return "HTML page" if b"<html" in text else "XML file"
    if re.match(rb"[\[{]\s*([\"\[{\]}]|-?\d)", text):
        return "JSON file"
    return "CSV table" if extension in (".csv", ".tsv") else "text file"
