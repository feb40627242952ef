from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from packager.android.base import Answers, Base, base_of, read_base, write_base
from packager.errors import OutputError, PackagerError, RecordError
from packager.written import BASE_FILE

ANSWERS = Answers("org.example.garden", "org.example.app", "Gärten 🌹", "de")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    for name, content in (
        ("a.kt", "größer\r\nx".encode()), ("b/c.png", b"\x89PNG\0"), ("latin", b"\xfc\n"),
        (".packager.json", b"{}"), ("empty", b""),
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_comes_back_as_it_was_and_is_the_same_every_time(made: Path) -> None:
    base = base_of(made, ANSWERS)
    assert base.names == {"a.kt", "b/c.png", "latin", "empty"}
    assert set(base.digests) == {"b/c.png", "latin"}
    write_base(made, base)
    content = (made / BASE_FILE).read_bytes()
    assert read_base(made) == base == base_of(made, ANSWERS)
    write_base(made, base)
    assert (made / BASE_FILE).read_bytes() == content
    assert b"\0" in content[:100]  # Git takes it for no text, whatever .gitattributes says


def test_none_where_there_is_none(tmp_path: Path) -> None:
    assert read_base(tmp_path) is None


NAMES = {"package": "a.b", "app_id": "a.b", "app_name": "A", "locale": None}


def packed(**changes: Any) -> bytes:
    values = {"format": 1, "packager": "0.1.0", "answers": NAMES, "texts": {}, "digests": {}}
    # Without the time: the tests have the same names in every process.
    return gzip.compress(json.dumps({**values, **changes}).encode(), mtime=0)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "truncated"),
        (b"text", "can't be unpacked"),
        (packed()[:-20], "truncated"),
        (gzip.compress(bytes(20_000_000), mtime=0), "too large"),
        (gzip.compress(b"{", mtime=0), "isn't valid JSON"),
        (packed(texts={"a": 1}), r"`texts.*` has an unexpected value"),
        (packed(texts={"../a": ""}), "not the name of a file in the project"),
        (packed(digests={"/etc/passwd": ""}), "not the name of a file in the project"),
        (packed(digests={".git/config": ""}), "not the name of a file in the project"),
        (packed(answers={**NAMES, "package": "../.."}), r"'\.\./\.\.' can't be used"),
        (packed(answers={}), r"answers.package` is missing"),
    ],
)
def test_a_damaged_one_is_named(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / BASE_FILE).write_bytes(content)
    with pytest.raises(RecordError, match=told) as caught:
        read_base(tmp_path)
    assert caught.value.where == str(tmp_path / BASE_FILE)


@pytest.mark.parametrize("changes", [{"packager": "99.0"}, {"format": 2}])
def test_one_of_a_newer_packager_asks_for_it(changes: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / BASE_FILE).write_bytes(packed(**changes))
    with pytest.raises(OutputError, match="Update packager"):
        read_base(tmp_path)


def test_an_answer_that_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / BASE_FILE).write_bytes(packed(answers={**NAMES, "theme": "dark"}, more=1))
    base = read_base(tmp_path)
    assert base is not None
    assert base.answers == Answers("a.b", "a.b", "A")


def test_reads_no_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / BASE_FILE)
    with pytest.raises(PackagerError, match="pipe"):
        read_base(tmp_path)


def test_moves_to_another_package_but_for_the_app_id() -> None:
    texts = {
        "app/src/main/kotlin/com/example/demo/A.kt": b"package com.example.demo\nimport "
        b"com.example.demo.core.B\nval x = com.example.demonstration\n",
        "app/build.gradle.kts": b'namespace = "com.example.demo"\n'
        b'    applicationId = "com.example.demo"\n',
    }
    base = Base("1", Answers("com.example.demo", "com.example.demo", "A"), texts, {})
    moved = base.moved("org.new")
    assert moved.answers == Answers("org.new", "com.example.demo", "A")
    assert moved.texts == {
        "app/src/main/kotlin/org/new/A.kt": b"package org.new\nimport org.new.core.B\n"
        b"val x = com.example.demonstration\n",
        "app/build.gradle.kts": b'namespace = "org.new"\n    applicationId = "com.example.demo"\n',
    }
