from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from packager.android.merge import (
    has_conflict,
    is_text,
    merge_texts,
    same_text,
    with_line_ends_of,
)
from tests.conftest import need

BASE = b"".join(b"line %d\n" % number for number in range(1, 11))


def edited(*edits: tuple[int, bytes], text: bytes = BASE) -> bytes:
    """With lines, by their numbers from 1, replaced."""
    lines = text.splitlines(keepends=True)
    for number, line in edits:
        lines[number - 1] = line
    return b"".join(lines)


def merge(base: bytes, yours: bytes, new: bytes) -> tuple[bytes, int]:
    merged = merge_texts(base, yours, new, label="packager 9")
    assert has_conflict(merged.content) == bool(merged.conflicts)
    return merged.content, merged.conflicts


@pytest.mark.parametrize(
    ("yours", "new", "expected"),
    [
        (BASE, edited((3, b"new\n")), edited((3, b"new\n"))),
        (edited((3, b"mine\n")), BASE, edited((3, b"mine\n"))),
        (edited((3, b"both\n")), edited((3, b"both\n")), edited((3, b"both\n"))),
        (edited((3, b"mine\n")), edited((5, b"new\n")), edited((3, b"mine\n"), (5, b"new\n"))),
        (edited((3, b"")), edited((5, b"")), edited((3, b""), (5, b""))),
        (b"mine\n" + BASE, BASE + b"new\n", b"mine\n" + BASE + b"new\n"),
        (edited((4, b"line 4\nmine\n")), edited((8, b"new\nline 8\n")),
         edited((4, b"line 4\nmine\n"), (8, b"new\nline 8\n"))),
        (edited((2, b"")), edited((2, b"")), edited((2, b""))),
        (BASE, b"", b""),
        (BASE.rstrip(), edited((1, b"new\n")), edited((1, b"new\n")).rstrip()),
    ],
)  # fmt: skip
def test_takes_changes_of_both(yours: bytes, new: bytes, expected: bytes) -> None:
    assert merge(BASE, yours, new) == (expected, 0)


def test_marks_what_both_changed() -> None:
    content, conflicts = merge(
        BASE, edited((2, b"mine\n"), (7, b"mine\n")), edited((5, b"new\n"), (7, b"new\n"))
    )
    marked = b"<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> packager 9\n"
    assert (content, conflicts) == (edited((2, b"mine\n"), (5, b"new\n"), (7, marked)), 1)


@pytest.mark.parametrize(
    ("yours", "new", "part"),
    [
        (edited((3, b"")), edited((3, b"new\n")), b"<<<<<<< yours\n=======\nnew\n>>>>>>> "),
        (edited((3, b"mine\n")), edited((3, b"")), b"<<<<<<< yours\nmine\n=======\n>>>>>>> "),
        (edited((3, b"same\nmine\nsame\n")), edited((3, b"same\nnew\nsame\n")),
         b"line 2\nsame\n<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> packager 9\nsame\nline 4"),
        (edited((3, b"mine\n")), edited((4, b"new\n")),
         b"yours\nmine\nline 4\n=======\nline 3\nnew\n>"),
        (BASE + b"mine", BASE + b"new", b"<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> packager 9\n"),
    ],
    ids=["deleted here", "deleted there", "agreed ends", "adjacent lines", "no last newline"],
)  # fmt: skip
def test_a_conflict_holds_both_sides(yours: bytes, new: bytes, part: bytes) -> None:
    content, conflicts = merge(BASE, yours, new)
    assert conflicts == 1
    assert part in content


def test_two_files_without_a_base_differ_where_they_differ() -> None:
    content, conflicts = merge(b"", edited((4, b"mine\n")), edited((4, b"new\n")))
    marked = b"<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> packager 9\n"
    assert (content, conflicts) == (edited((4, marked)), 1)


def crlf(text: bytes) -> bytes:
    return text.replace(b"\n", b"\r\n")


def test_line_endings_are_yours_and_no_change() -> None:
    yours = crlf(edited((3, b"mine\n")))
    merged, conflicts = merge(BASE, yours, edited((5, b"new\n")))
    assert (merged, conflicts) == (crlf(edited((3, b"mine\n"), (5, b"new\n"))), 0)
    merged, conflicts = merge(BASE, yours, edited((3, b"new\n")))
    assert conflicts == 1
    assert merged.count(b"\n") == merged.count(b"\r\n")
    assert merge(crlf(BASE), BASE, crlf(edited((5, b"new\n")))) == (edited((5, b"new\n")), 0)
    mixed = edited((3, b"mine\r\n"), (9, b"line 9\r\n"))
    assert merge(BASE, mixed, edited((5, b"new\n")))[0] == edited((5, b"new\n"), text=mixed)


def test_a_byte_order_mark_is_yours_and_no_change() -> None:
    marked = b"\xef\xbb\xbf" + BASE
    assert same_text(BASE, marked)
    assert merge(BASE, marked, edited((1, b"new\n"))) == (
        b"\xef\xbb\xbf" + edited((1, b"new\n")), 0,
    )  # fmt: skip


def test_bytes_of_another_encoding_stay() -> None:
    yours = edited((3, "Grüße\n".encode("cp1252")))
    assert merge(BASE, yours, edited((6, "née\n".encode()))) == (
        edited((3, b"Gr\xfc\xdfe\n"), (6, b"n\xc3\xa9e\n")), 0,
    )  # fmt: skip
    assert not is_text("Grüße".encode("utf-16"))


def test_same_but_for_line_endings() -> None:
    assert same_text(BASE, crlf(BASE))
    assert same_text(b"\0", b"\0")
    assert not same_text(b"\0\n", b"\0\r\n")
    assert not same_text(BASE, BASE.rstrip())
    assert with_line_ends_of(crlf(BASE), b"a\nb") == b"a\r\nb"
    assert with_line_ends_of(b"", b"a\r\nb\r\n") == b"a\r\nb\r\n"


def test_text_that_only_speaks_of_conflicts_has_none() -> None:
    assert not has_conflict(b"<<<<<<< HEAD\n=======\n>>>>>>> x\n")
    assert not has_conflict(b"# <<<<<<< yours and >>>>>>> packager\n")


def some_text(random_text: random.Random, base: list[bytes]) -> list[bytes]:
    lines = list(base)
    for _ in range(random_text.randrange(4)):
        place = random_text.randrange(len(lines) + 1)
        put = [random_text.choice(b"a b c } \n".split(b" ")) + b"\n"] * random_text.randrange(3)
        lines[place : place + random_text.randrange(3)] = put
    return lines


def test_agrees_with_git_where_git_merges_cleanly(tmp_path: Path) -> None:
    """diff3 has no one answer, so only what is certain is compared."""
    need(shutil.which("git") is not None, "git")
    seeded = random.Random(5)
    clean = 0
    for _ in range(60):
        base = [b"%d\n" % number for number in range(20)]
        yours, new = some_text(seeded, base), some_text(seeded, base)
        paths = []
        for name, lines in (("yours", yours), ("base", base), ("new", new)):
            (tmp_path / name).write_bytes(b"".join(lines))
            paths.append(tmp_path / name)
        git = subprocess.run(["git", "merge-file", "-p", *paths], capture_output=True, check=False)
        content, conflicts = merge(b"".join(base), b"".join(yours), b"".join(new))
        if git.returncode == 0 and not conflicts:
            clean += 1
            assert content == git.stdout
        assert bool(git.returncode) == bool(conflicts)
    assert clean > 20


def test_every_line_of_both_sides_is_somewhere() -> None:
    seeded = random.Random(3)
    for _ in range(300):
        base = [b"%d\n" % number for number in range(12)]
        yours = [b"mine %d\n" % n if seeded.random() < 0.2 else line for n, line in enumerate(base)]
        new = [b"new %d\n" % n if seeded.random() < 0.2 else line for n, line in enumerate(base)]
        content, _ = merge(b"".join(base), b"".join(yours), b"".join(new))
        added = {*yours, *new} - {*base}
        assert added <= set(content.splitlines(keepends=True))


def test_a_long_text_of_one_line_takes_no_hour() -> None:
    text = b"}\n" * 20_000
    assert merge(text, text + b"mine\n", b"new\n" + text)[0].count(b"}\n") >= 20_000
