"""A three-way merge of texts, line by line: the base, yours, and the new one.

The algorithm is diff3's, as Khanna, Kunal and Pierce describe it ("A Formal Investigation of
Diff3", 2007): lines that both descendants kept divide the texts into chunks, and a chunk that both
changed differently is a conflict. Conflicts are marked as Git marks them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_BOM = b"\xef\xbb\xbf"
_START, _MIDDLE, _END = b"<<<<<<< ", b"=======", b">>>>>>> "
_YOURS = b"yours"
# difflib takes quadratic time over lines that come again and again, unless it may pass over them.
_MOST_LINES_IN_FULL = 5_000


@dataclass(frozen=True)
class Merged:
    """The text, and how many conflicts are marked in it."""

    content: bytes
    conflicts: int


def is_text(content: bytes) -> bool:
    """Whether it can be merged by lines: an encoding with ASCII line feeds and no zero bytes."""
    return b"\0" not in content


def same_text(one: bytes, other: bytes) -> bool:
    """Whether two texts differ in their line endings or a byte order mark at most."""
    return one == other or (
        is_text(one) and is_text(other) and _keys(_lines(one)) == _keys(_lines(other))
    )


def with_line_ends_of(yours: bytes, new: bytes) -> bytes:
    """The new text with the line endings, and the byte order mark, of yours."""
    return _mark(yours) + _ended(_lines(new), _line_end(yours, new))


def merge_texts(base: bytes, yours: bytes, new: bytes, *, label: str) -> Merged:
    """Takes the changes from `base` to `yours` and to `new` into one text.

    Line endings count for nothing in the comparison. Your lines keep theirs, and others get those
    that most of yours have. `label` names the new version behind the marks of conflicts.
    """
    versions = _lines(base), _lines(yours), _lines(new)
    end = _line_end(yours, new)
    merged, conflicts = [_mark(yours)], 0
    for chunk in _chunks(*versions):
        old, mine, theirs = chunk
        if _keys(theirs) in (_keys(old), _keys(mine)):
            merged += mine
        elif _keys(mine) == _keys(old):
            merged.append(_ended(theirs, end))
        else:
            conflicts += 1
            before, after = _common(_keys(mine), _keys(theirs))
            stop = len(mine) - after
            merged += mine[:before]
            merged += [_START + _YOURS + end, _closed(b"".join(mine[before:stop]), end)]
            merged += [_MIDDLE + end]
            merged += [_closed(_ended(theirs[before : len(theirs) - after], end), end)]
            merged += [_END + label.encode() + end, *mine[stop:]]
    return Merged(b"".join(merged), conflicts)


def has_conflict(content: bytes) -> bool:
    """Whether a conflict is still marked in it, as `merge_texts` does."""
    lines = _keys(_lines(content))
    return _START + _YOURS + b"\n" in lines and any(line.startswith(_END) for line in lines)


_Lines = Sequence[bytes]


def _chunks(base: _Lines, yours: _Lines, new: _Lines) -> Iterator[tuple[_Lines, _Lines, _Lines]]:
    """The texts in parts: a line that is in all three, or what lies between two such."""
    in_yours, in_new = _matches(base, yours), _matches(base, new)
    start = (0, 0, 0)
    for line in [*sorted(in_yours.keys() & in_new.keys()), None]:
        if line is None:
            stop = len(base), len(yours), len(new)
        else:
            stop = line, in_yours[line], in_new[line]
        if stop != start:
            yield base[start[0] : stop[0]], yours[start[1] : stop[1]], new[start[2] : stop[2]]
        if line is not None:
            start = stop[0] + 1, stop[1] + 1, stop[2] + 1
            yield base[stop[0] : start[0]], yours[stop[1] : start[1]], new[stop[2] : start[2]]


def _matches(base: _Lines, other: _Lines) -> dict[int, int]:
    """Lines of `base` that `other` has too, in the same order, by their numbers."""
    long = max(len(base), len(other)) > _MOST_LINES_IN_FULL
    matcher = SequenceMatcher(None, _keys(base), _keys(other), autojunk=long)
    return {
        block.a + offset: block.b + offset
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }


def _common(mine: _Lines, theirs: _Lines) -> tuple[int, int]:
    """How many lines both have at the beginning, and at the end of what is left."""
    most = min(len(mine), len(theirs))
    before = 0
    while before < most and mine[before] == theirs[before]:
        before += 1
    after = 0
    while after < most - before and mine[-1 - after] == theirs[-1 - after]:
        after += 1
    return before, after


def _lines(content: bytes) -> list[bytes]:
    return io.BytesIO(content.removeprefix(_BOM)).readlines()


def _keys(lines: _Lines) -> list[bytes]:
    """What is compared: lines with a line feed at their end, whatever it is in the file."""
    return [line[:-2] + b"\n" if line.endswith(b"\r\n") else line for line in lines]


def _ended(lines: _Lines, end: bytes) -> bytes:
    return b"".join(_keys(lines)).replace(b"\n", end)


def _closed(text: bytes, end: bytes) -> bytes:
    return text + end if text and not text.endswith(b"\n") else text


def _line_end(yours: bytes, new: bytes) -> bytes:
    text = yours if b"\n" in yours else new
    return b"\r\n" if 2 * text.count(b"\r\n") > text.count(b"\n") else b"\n"


def _mark(content: bytes) -> bytes:
    return _BOM if content.startswith(_BOM) else b""
