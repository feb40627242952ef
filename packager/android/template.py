"""Renders a tree of Jinja2 templates into a folder.

Delimiters are `[[ value ]]`, `[% block %]` and `[# comment #]`, so that the braces of Kotlin,
Gradle and GitHub stay as they are. A value enters a file through the filter of its place there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from packager import files
from packager.errors import OutputError

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGE_FOLDER = "__package__"
_EXECUTABLES = frozenset({"gradlew"})
_VALUE = re.compile(r"\[\[ (\w+) \]\]")
_MARK = re.compile(r"\[[\[%#]|\r")


def template_folder(name: str) -> Path:
    """Where the templates called `name` lie: inside the installed package, or beside it."""
    package = Path(__file__).parents[1]
    places = (package / "templates" / name, package.parent / "templates" / name)
    for place in places:
        if place.is_dir():
            return place
    raise OutputError(
        "the templates are missing from this installation",
        where=places[0],
        fix="Install packager again: pip install --force-reinstall tflite-packager.",
    )


def render_tree(source: Path, target: Path, values: Mapping[str, str]) -> int:
    """Renders every file below `source` into `target`; gives their number.

    A folder called `__package__` becomes the folders of `values["package"]`. What isn't UTF-8
    text is copied as it is.
    """
    environment = _environment()
    count = 0
    for path in _files(source):
        content = path.read_bytes()
        text = utf8_text(content)
        if text is not None:
            rendered = _rendered(text, values, environment)
            if path.suffix == ".bat":  # cmd.exe loses labels in files without carriage returns
                rendered = rendered.replace("\n", "\r\n")
            content = rendered.encode("utf-8")
        place = target / _place(path.relative_to(source), values["package"])
        files.write_bytes(place, content)
        if path.name in _EXECUTABLES:
            place.chmod(place.stat().st_mode | 0o111)
        count += 1
    return count


def _rendered(text: str, values: Mapping[str, str], environment: Environment) -> str:
    """Most files have no more in them than values as they are: those need no compiler."""
    plain = _VALUE.sub(lambda found: values.get(found[1], found[0]), text)
    return environment.from_string(text).render(values) if _MARK.search(plain) else plain


def _files(source: Path) -> Iterator[Path]:
    yield from sorted(path for path in source.rglob("*") if path.is_file())


def _place(path: Path, package: str) -> Path:
    parts: list[str] = []
    for part in path.parts:
        parts += package.split(".") if part == PACKAGE_FOLDER else [part]
    return Path(*parts)


def utf8_text(content: bytes) -> str | None:
    """None for what isn't text, or in another encoding."""
    try:
        return None if b"\0" in content else content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters.update(
        kotlin=kotlin_string, gradle=kotlin_string, xml=android_string, properties=property_value
    )
    return environment


def kotlin_string(text: str) -> str:
    """Escapes text for a Kotlin string literal, in code and in Gradle's Kotlin DSL."""
    return re.sub(r'[\\"$]', r"\\\g<0>", text).translate(_Controls(_kotlin_escape))


def android_string(text: str) -> str:
    """For the text of a `<string>` resource: XML's escapes and then those of aapt2.

    Spaces that aapt2 would fold are written as escapes.
    """
    escaped = re.sub(r"[\\'\"]", r"\\\g<0>", text)
    escaped = re.sub(r"^[@?]", r"\\\g<0>", escaped)
    escaped = escaped.translate(_Controls(_kotlin_escape))
    escaped = re.sub(r"^ | $|(?<= ) ", r"\\u0020", escaped)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def property_value(text: str) -> str:
    """For the value in a Java properties file, which is Latin-1 with UTF-16 escapes."""
    escaped = re.sub(r"^ ", r"\\ ", text.replace("\\", "\\\\"))
    return "".join(c if " " <= c <= "~" else _utf16_escapes(c) for c in escaped)


class _Controls(dict[int, str]):
    """A `str.translate` table that escapes what is not seen: controls and direction marks.

    Joiners stay: emoji are made with them.
    """

    def __init__(self, escape: dict[str, str]) -> None:
        super().__init__((ord(c), text) for c, text in escape.items())

    def __missing__(self, code: int) -> str:
        character = chr(code)
        hidden = unicodedata.category(character) in ("Cc", "Zl", "Zp") or (
            unicodedata.bidirectional(character) in _DIRECTIONS
        )
        self[code] = _utf16_escapes(character) if hidden else character
        return self[code]


_kotlin_escape = {"\n": "\\n", "\t": "\\t", "\r": "\\u000D"}
_DIRECTIONS = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def _utf16_escapes(character: str) -> str:
    units = character.encode("utf-16-be").hex().upper()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
