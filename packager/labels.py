"""Labels as text: cleaned, checked and split into lines.

A label is a name to show, not a key: classes are told apart by their place, and two can have the
same name.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from packager.errors import MetadataError

LONGEST = 1000  # letters of one label; the longest of ImageNet has 121
MOST = 1_000_000  # labels of one model
_BOM = "\ufeff"
_AROUND = _BOM + "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
# What turns the direction of the text around it (Unicode UAX #9), with nothing to be seen.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NUMBERED = re.compile(r"0*(\d{1,7})(?:\s*[:,]|[.)\-]?\s)\s*(\S.*)")


def clean(label: str) -> str:
    """A label as it is written, shown and compared.

    NFC, without byte order marks and spaces around; a tab within is a space.
    """
    return unicodedata.normalize("NFC", label).strip(_AROUND).replace("\t", " ")


def labels_text(labels: Iterable[str]) -> str:
    """labels.txt: one label per line, in the order of the scores."""
    return "".join(f"{clean(label)}\n" for label in labels)


def check_labels(labels: Sequence[str], where: Path | None = None) -> None:
    """Raises `MetadataError` for a label that can't be written: it is to be one line of text.

    With `where`, the file that they are the lines of, the message names file and line.
    """
    for number, label in enumerate(labels, 1):
        if problem := label_problem(label):
            raise MetadataError(
                f"{'line' if where else 'label'} {number} {problem}",
                where=where,
                fix="Give each class one line of text.",
            )


def label_problem(label: str) -> str:
    """Why a label can't be written, as the end of a sentence; "" where it can."""
    shown = f"{label[:40]!r}{' …' if label[40:] else ''}"
    if len(label) > LONGEST:
        return f"({shown}) has {len(label):,} letters; a label has at most {LONGEST:,}"
    text = clean(label)
    kinds = {unicodedata.category(letter) for letter in text}
    if not text:
        return "is blank"
    if kinds & {"Cc", "Zl", "Zp"}:
        return f"({shown}) holds a line break or another control character"
    if _TURNING.intersection(text):
        return f"({label[:40]!a}) holds a character that turns the direction of the text"
    if "Cs" in kinds:
        return f"({shown}) isn't valid Unicode"
    return ""


def file_labels(content: bytes, where: Path) -> tuple[str, ...]:
    """The labels of a text file that a person made, cleaned; blank lines at its end don't count.

    UTF-8, or UTF-16 with its mark; line ends of any system.

    Raises `MetadataError`, which names the file and the line, for a blank line between labels, for
    a label that can't be written, and for what isn't text or holds no label.
    """
    marked = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = content.decode("utf-16" if marked else "utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise MetadataError(
            f"the labels are not UTF-8 text (line {line})",
            where=where,
            fix="Give a UTF-8 text file, one label per line, in the order of the model's scores.",
        ) from None
    lines = text.removeprefix(_BOM).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = _without_blank_end(lines, 0)
    if not 0 < len(lines) <= MOST:
        raise MetadataError(
            "there are more than a million labels" if lines else "there are no labels in the file",
            where=where,
            fix="Give a UTF-8 text file, one label per line, in the order of the model's scores.",
        )
    check_labels(lines, where)
    return tuple(clean(line) for line in lines)


def packed_labels(content: bytes, count: int) -> tuple[str, ...]:
    """The labels of a list inside a model, split as the clients do, and cleaned.

    Blank lines at the end don't count beyond `count`, the number of scores (0 if not known).
    Raises `UnicodeDecodeError` if it isn't UTF-8, `ValueError` for more or longer ones than any
    model has.
    """
    if content.count(b"\n") > MOST:
        raise ValueError(f"it has more than {MOST:,} lines")
    lines = [line.removesuffix("\r") for line in content.decode("utf-8").split("\n")]
    longest = max(map(len, lines))
    if longest > LONGEST:
        raise ValueError(f"one of its labels has {longest:,} letters")
    return tuple(clean(line) for line in _without_blank_end(lines, count))


def _without_blank_end(lines: list[str], least: int) -> list[str]:
    last = len(lines)
    if last and not lines[-1]:  # what follows the last line break is no line
        last -= 1
    while last > least and not clean(lines[last - 1]):
        last -= 1
    return lines[:last]


def without_numbers(labels: Sequence[str]) -> tuple[str, ...] | None:
    """The names in labels such as "0 cat", "1 dog", as Teachable Machine writes them.

    None unless all labels begin with their own number, counted from 0 or 1.
    """
    found = [_NUMBERED.fullmatch(label) for label in labels]
    parts = [match.groups() for match in found if match]
    if len(labels) < 2 or len(parts) < len(labels) or int(parts[0][0]) > 1:
        return None
    first = int(parts[0][0])
    if any(int(number) != place for place, (number, _) in enumerate(parts, first)):
        return None
    names = tuple(name for _, name in parts)
    return names if len(set(names)) > 1 else None  # "1 euro", "2 euro" are names


def same_named(labels: Iterable[str]) -> tuple[tuple[int, ...], ...]:
    """The places of labels that are there more than once, a group a name."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        if text := clean(label):
            places[text].append(place)
    return tuple(tuple(group) for group in places.values() if len(group) > 1)
