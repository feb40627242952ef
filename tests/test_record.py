"""Results as JSON: written so that any reader takes them, read back with their shape checked."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

import pytest

from packager.errors import RecordError
from packager.record import as_json, check_shape, parse_json, read_record


@dataclass(frozen=True)
class Photo:
    path: Path
    score: float


class Inner(TypedDict):
    names: list[str]


class Outer(TypedDict):
    inner: Inner


NOT_UTF8 = Path(os.fsdecode(b"caf\xe9.jpg"))


def test_a_name_that_is_not_utf8_comes_back_as_it_was() -> None:
    text = as_json({"photos": [Photo(NOT_UTF8, 0.5)], str(NOT_UTF8): "é😀"})
    assert text.encode("utf-8")
    assert '"caf\\udce9.jpg"' in text
    assert "é😀" in text
    found = parse_json(text)
    assert Path(found["photos"][0]["path"]) == NOT_UTF8
    assert os.fsencode(found["photos"][0]["path"]) == b"caf\xe9.jpg"
    assert str(NOT_UTF8) in found


def test_what_is_not_finite_is_null() -> None:
    content = {"a": [float("nan"), 1.0], "b": Photo(Path("x"), float("-inf")), "c": (1, "d", None)}
    assert json.loads(as_json(content)) == {
        "a": [None, 1.0], "b": {"path": "x", "score": None}, "c": [1, "d", None]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "it isn't valid JSON: Expecting value, line 1, column 1"),
        (b"\xff", "it isn't valid UTF-8 at byte 0"),
        (b'{"a": 1, "b": 2, "a": 3}', "it contains the name 'a' twice"),
        (b'{"a": NaN}', "it isn't valid JSON: NaN is not a number"),
        (b"[1e999]", "the number 1e999 is too large"),
        (b"9" * 5000, "a number is too large"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "it is nested too deeply"),
    ],
)
def test_what_is_no_json_is_told(text: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        parse_json(text)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_json(b"\xef\xbb\xbf[1]") == [1]


def test_the_key_is_named() -> None:
    values = {"inner": {"names": ["a"]}, "more": 3}
    assert check_shape(values, Outer) is values
    for wrong, said in (
        ({"inner": {}}, "`inner.names` is missing"),
        ({}, "`inner` is missing"),
        ({"inner": {"names": ["a", 3]}}, r"`inner.names\[1\]` has an unexpected value"),
        ([], "Expected `object`, got `array`"),
    ):
        with pytest.raises(ValueError, match=said):
            check_shape(wrong, Outer)


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    for content, said in (
        (None, "the file can't be read .No such file or directory"),
        ("{", "the file is damaged: it isn't valid JSON"),
        ('{"format": 1, "inner": 3}', "the file is damaged: `inner` has an unexpected value"),
        ('{"format": 7}', "the file has format 7, but this packager reads 1"),
    ):
        if content is not None:
            path.write_text(content)
        with pytest.raises(RecordError, match=f"report.json: {said}"):
            read_record(path, Outer, fix="Build again.", newest=1)
    with pytest.raises(RecordError, match=f"{tmp_path}: the file can't be read .it is a folder"):
        read_record(tmp_path, Outer, fix="Build again.")


def test_a_long_value_is_not_quoted_whole() -> None:
    with pytest.raises(ValueError, match="has an unexpected value") as caught:
        check_shape({"a": "x" * 5000}, dict[str, Literal["b"]])
    assert len(str(caught.value)) < 400
