from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import pytest
from PIL import Image

from packager.report import thumbnails
from packager.report.thumbnails import Album
from tests.conftest import save_photo


def decoded(uri: str | None) -> Image.Image:
    assert uri is not None
    head, _, content = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_small_jpegs_that_keep_their_proportions(tmp_path: Path) -> None:
    save_photo(tmp_path / "large.png", (200, 30, 30), 0, size=400)
    save_photo(tmp_path / "small.png", (200, 30, 30), 0, size=40)
    album = Album(tmp_path)
    assert decoded(album.uri("large.png")).size == (176, 173)
    assert decoded(album.uri("small.png")).size == (48, 40)
    assert not album.missing


def test_photos_that_are_gone_or_damaged_are_counted_once(tmp_path: Path) -> None:
    (tmp_path / "damaged.jpg").write_bytes(b"\xff\xd8\xff")
    album = Album(tmp_path)
    assert [album.uri(name) for name in ("gone.png", "damaged.jpg", "gone.png")] == [None] * 3
    assert album.missing == {"gone.png", "damaged.jpg"}


def test_budget_counts_each_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_photo(tmp_path / "photo.png", (200, 30, 30), 0)
    uri = Album(tmp_path).uri("photo.png")
    assert uri is not None
    monkeypatch.setattr(thumbnails, "_BUDGET", 2 * len(uri))
    album = Album(tmp_path)
    assert [album.uri("photo.png") for _ in range(3)] == [uri, uri, None]
    assert album.surplus == {"photo.png"}
    assert not album.missing


def test_only_photos_below_the_folder_are_opened(tmp_path: Path) -> None:
    save_photo(tmp_path / "secret.png", (200, 30, 30), 0)
    save_photo(tmp_path / "photos" / "a" / "photo.png", (200, 30, 30), 0)
    album = Album(tmp_path / "photos")
    assert album.uri("a/photo.png") is not None
    for path in ("../secret.png", "a/../../secret.png", str(tmp_path / "secret.png"), "", "a\0b",
                 "/dev/zero", "..\\secret.png"):  # fmt: skip
        assert album.uri(path) is None
        assert path in album.missing


@pytest.mark.timeout(20)
def test_a_photo_that_became_a_pipe_is_missing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "photo.png")
    assert Album(tmp_path).uri("photo.png") is None
