"""The pages as a test reads them: their blocks of code, and the commands in these."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tests.conftest import ROOT

PAGES = sorted((ROOT / "docs").glob("*.md")) + sorted(ROOT.glob("*.md"))


@dataclass(frozen=True)
class Block:
    """A block of code: `language` as the fence says, "" for an indented one; `line` from 1."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A line of a shell, and what the page shows below it."""

    block: Block
    line: str
    shown: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.block}: {self.line}"

    @property
    def packager(self) -> list[str] | None:
        """What `packager` is given; None where the line calls another program."""
        words = shlex.split(self.line, comments=True)
        return words[1:] if words[:1] == ["packager"] else None


def blocks(page: Path) -> Iterator[Block]:
    for token in MarkdownIt("commonmark").parse(page.read_text("utf-8")):
        if token.type in ("fence", "code_block") and token.map:
            yield Block(page, token.map[0] + 1, token.info.strip(), token.content)


def commands(block: Block) -> Iterator[Command]:
    """The commands of a block for a shell; in a console they follow `$ `, and output follows."""
    if block.language in ("sh", ""):
        for line in _joined(block.text).splitlines():
            for part in re.split(r"\s+&&\s+", line):
                if part.strip():
                    yield Command(block, part.strip())
    elif block.language == "console":
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            line, *shown = part.splitlines()
            while line.endswith("\\"):
                line = _joined(f"{line}\n{shown.pop(0)}")
            yield Command(block, line, tuple(shown))


def _joined(text: str) -> str:
    """Lines that end with a backslash go on in the next."""
    return re.sub(r"\\\n\s*", "", text)


def links(page: Path) -> list[str]:
    """Where its links and pictures lead, in Markdown and HTML."""
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8")):
        for each in token.children or []:
            found += [str(each.attrs[key]) for key in ("href", "src") if key in each.attrs]
        if token.type in ("html_block", "inline"):
            found += re.findall(r'(?:href|src|srcset)="([^"]*)"', token.content)
    return found
