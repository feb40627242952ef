"""What a page shows below a command, against what the command says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.docs.messages import share_found

# A note below a table, and how far something is: not in every run.
_PASSING = r"[a-z]  .*|[\w ]+: \d+/\d+( \(.*\))?"
_CUT = ("…", "...")
_NAMES = "daisy|dandelion|roses|sunflowers|tulips|flowers|none|fp16|dynamic|int8|lite[0-4]|photos"


def differences(shown: Sequence[str], said: Sequence[str]) -> list[str]:
    """Lines of one that the other hasn't, but for figures, and names of photos and classes.

    Of a table the head has to agree, and of its rows the first cells. `…` in the page stands for
    any lines. A line that this run doesn't say may still be one that packager says in other cases.
    """
    page, run = dict(_lines(shown)), dict(_lines(said))
    cut = any(line in _CUT for line in page)
    strange = [
        line
        for key, line in page.items()
        if key not in run and key not in _CUT and share_found(line) < 0.6
    ]
    missing = [] if cut else [line for key, line in run.items() if key not in page]
    return [f"only in the page: {line}" for line in strange] + [
        f"not in the page: {line}" for line in missing
    ]


def _lines(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What has to agree of each line, and the line, or of a table's row its first cell."""
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if not line.strip(" ─") or line.startswith(" " * 6) or re.fullmatch(_PASSING, line):
            continue
        if line.startswith(" ") and "─" not in below:
            line = re.split(r"\s{2,}", line.strip())[0]
        yield _general(line), line


def _general(line: str) -> str:
    line = re.sub(r"\S+\.(jpg|png)\b", "PHOTO", line)
    line = re.sub(rf"\b({_NAMES})\b", "NAME", line)
    line = re.sub(r"(NAME, )+NAME", "NAME", line)
    line = re.sub(r"\d[\d,.]*", "0", line)
    line = re.sub(r"^.*(?=; ms: )", "CPU", line)
    return " ".join(line.split())
