"""What packager can say: the texts in its code, to find those that pages quote."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

from tests.conftest import ROOT

_LEAST = 7  # letters of a text that it has to have to be told from others


def share_found(line: str) -> float:
    """The share of `line`, 0..1, that texts in the code account for; what they fill in counts."""
    if any(longest == line for longest, _ in _texts()):
        return 1.0
    found = bytearray(len(line))
    for longest, pattern in _texts():
        if longest in line:
            for match in pattern.finditer(line):
                found[match.start() : match.end()] = b"x" * (match.end() - match.start())
    return found.count(b"x") / max(1, len(line))


@functools.cache
def _texts() -> list[tuple[str, re.Pattern[str]]]:
    """The longest piece of each text, and the text as a pattern."""
    texts = {
        parts
        for path in (ROOT / "packager").rglob("*.py")
        for parts in _strings(ast.parse(path.read_text("utf-8")))
    }
    return [
        (max((part for part in parts if part), key=len), _pattern(parts))
        for parts in texts
        if sum(letter.isalpha() for part in parts if part for letter in part) >= _LEAST
    ]


def _strings(tree: ast.AST) -> Iterator[tuple[str | None, ...]]:
    """Texts in their parts, None for what is filled in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield tuple(
                each.value if isinstance(each, ast.Constant) else None for each in node.values
            )  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield (node.value,)


def _pattern(parts: tuple[str | None, ...]) -> re.Pattern[str]:
    return re.compile("".join(".{1,300}?" if part is None else re.escape(part) for part in parts))
