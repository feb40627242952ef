from __future__ import annotations

from pathlib import Path

from packager.errors import DataError, PackagerError


def test_message_says_what_where_and_what_to_do() -> None:
    error = DataError("the photo is empty", where=Path("a/b.jpg"), fix="Delete it.")
    assert str(error) == f"{Path('a/b.jpg')}: the photo is empty. Delete it."
    assert isinstance(error, PackagerError)


def test_message_without_a_place() -> None:
    assert str(DataError("nothing given", fix="Give photos.")) == "nothing given. Give photos."
