from __future__ import annotations

import io

import pytest
from PIL import Image

from packager.data.kinds import PHOTO_FORMATS, how_to_use, kind_of, with_article


@pytest.mark.parametrize("kind", [kind for kind in PHOTO_FORMATS if kind != "HEIF"])
def test_photo_formats(kind: str) -> None:
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, kind)
    assert kind_of(content.getvalue()[:1024]) == kind


@pytest.mark.parametrize(
    ("start", "name", "kind"),
    [
        (b"", "x.jpg", "empty file"),
        (b"\0\0\0\x18ftypheix\0\0\0\0", "", "HEIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "", "HEIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "", "AVIF"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "", "raw photo"),
        (b"II*\0\x10\0\0\0CR\2\0", "x.jpg", "raw photo"),
        (b"MM\0*\0\0\0\x08", "x.nef", "raw photo"),
        (b"MM\0*\0\0\0\x08", "x.jpg", "TIFF picture"),
        (b"RIFF\0\0\0\0AVI LIST", "", "video"),
        (b"\x1a\x45\xdf\xa3", "", "video"),
        (b"version https://git-lfs.github.com/spec/v1", "", "Git LFS pointer"),
        (b"../../.git/annex/objects/xx", "", "git-annex pointer"),
        (b"\xef\xbb\xbf  <html>", "", "HTML page"),
        (b"<?xml version='1.0'?><annotation>", "", "XML file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "", "SVG drawing"),
        (b'[{"image_id": 1}]', "", "JSON file"),
        (b"[section]\nkey=1", "", "text file"),
        (b"a,b\n1,2\n", "x.CSV", "CSV table"),
        ("0 0.5 0.5 kött\n".encode("latin-1"), "", "text file"),
        (b"\xff\xfeh\0i\0", "", "text file"),
        (bytes(257) + b"ustar", "", "tar archive"),
        (bytes(16), "x.jpg", "file of unknown kind"),
    ],
)
def test_what_people_take_for_photos(start: bytes, name: str, kind: str) -> None:
    assert kind_of(start, name) == kind


def test_words_about_kinds() -> None:
    assert with_article("HTML page") == "an HTML page"
    assert with_article("video") == "a video"
    assert how_to_use("raw photo") == "save as JPEG or PNG"
    assert "git lfs pull" in how_to_use("Git LFS pointer")
    assert how_to_use("video") == ""
