"""Pages, help, messages and comments are in plain technical English: words that aren't stay out."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Archaic words, idioms and private metaphors, with plain ones.
_INSTEAD = {
    r"heed(s|ed)?": "use",
    r"dearer": "more expensive",
    r"come by": "obtain",
    r"rungs?": "strategy",
    r"graft(s|ed)?": "attach the classification head",
    r"midway": "during, early",
    r"strangers?('s)?": "untrusted",
    r"strange (ones|photos|pictures)": "out-of-distribution photos",
    r"(let|lets|letting) (\w+ )?through": "false accept rate",
    r"one's own|an? \w+ of your own|of the user's own": "your own, custom",
    r"nought": "0",
    r"(to|can|can't|could) be had": "available",
    r"anew": "again",
    r"till": "until",
    r"passed over": "skipped",
    r"for a look": "to check",
    r"has the say": "decides",
    r"(can't|cannot|aren't|isn't) (be )?told( apart)?": "distinguish",
    r"sub-folders?": "subfolder",
}
_PATTERN = re.compile(rf"\b({'|'.join(_INSTEAD)})\b", re.IGNORECASE)
_PAGES = sorted(
    [
        ROOT / "mkdocs.yml",
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *ROOT.glob("templates/**/*.md"),
    ]
)
_SOURCES = sorted((ROOT / "packager").rglob("*.py"))
_TEMPLATES = sorted(
    path for kind in ("html", "js", "kt", "xml") for path in (ROOT / "templates").rglob(f"*.{kind}")
)


@pytest.mark.parametrize(
    "paths", [_PAGES, _SOURCES, _TEMPLATES], ids=["pages", "packager", "templates"]
)
def test_no_such_words(paths: list[Path]) -> None:
    assert paths
    found = [
        f"{path.relative_to(ROOT)}:{line}: {hit[0]!r} ({_better(hit[0])})"
        for path in paths
        for line, text in _texts(path)
        for hit in _PATTERN.finditer(text)
    ]
    assert not found, "\n".join(found)


def test_the_words_are_found() -> None:
    assert _PATTERN.search("It heeds nothing")
    assert not _PATTERN.search("heedless")
    assert _better("Dearer") == "more expensive"


def _better(word: str) -> str:
    return next(good for bad, good in _INSTEAD.items() if re.fullmatch(bad, word, re.IGNORECASE))


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a page or template; in Python, comments and strings with spaces."""
    content = path.read_text("utf-8")
    if path.suffix != ".py":
        yield from enumerate(content.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value
