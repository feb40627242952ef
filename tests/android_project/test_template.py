from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jinja2 import UndefinedError

from packager.android.template import (
    android_string,
    kotlin_string,
    property_value,
    render_tree,
    template_folder,
)  # fmt: skip

VALUES = {"package": "org.a.b", "app_id": "org.a.b", "app_name": 'a"$b'}


def render(source: Path, target: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        path = source / name.replace("__", "/") if "/" not in name else source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    render_tree(source, target, VALUES)


def test_renders_text_and_copies_the_rest(tmp_path: Path) -> None:
    binary = b"[[ package ]]\0\xff"
    latin = "[[ package ]] é".encode("latin-1")
    files = {
        "src/__package__/core/X.kt": 'package [[ package ]].core // "[[ app_name | kotlin ]]"\n\n',
        "icon.png": binary,
        "old.txt": latin,
        "gradlew": "#!/bin/sh\n",
        "run.bat": "a\nb\n",
        ".github/w.yml": "${{ github.ref }}",
    }
    render(tmp_path / "in", tmp_path / "out", **files)
    out = tmp_path / "out"
    kotlin = out / "src" / "org" / "a" / "b" / "core" / "X.kt"
    assert kotlin.read_text() == 'package org.a.b.core // "a\\"\\$b"\n\n'
    assert (out / "icon.png").read_bytes() == binary
    assert (out / "old.txt").read_bytes() == latin
    assert (out / "run.bat").read_bytes() == b"a\r\nb\r\n"
    assert (out / ".github" / "w.yml").read_text() == "${{ github.ref }}"
    assert (out / "gradlew").stat().st_mode & 0o111 == 0o111
    assert not kotlin.stat().st_mode & 0o111


def test_an_unknown_value_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError, match="'label' is undefined"):
        render(tmp_path / "in", tmp_path / "out", **{"x.kt": "[[ label ]]"})


HARD = [
    "quotes \" and ' and `",
    "dollar $x ${y} $",
    "back\\slash \\n \\",
    "line\nfeed\r\ntab\t",
    "<b>&amp;</b> ]]>",
    "🌹 👩‍🌾 \U0001f1e9\U0001f1ea",
    "\u202eright to left\u202c שלום",
    "@string/x",
    "?attr/x",
    " spaces  around ",
    "percent %s %d %%",
    "a\u2028b",
]


@pytest.mark.parametrize("text", HARD)
def test_kotlin_strings_mean_what_was_said(text: str) -> None:
    literal = kotlin_string(text)
    assert not re.search(r'(?<!\\)(\\\\)*["$]', literal)
    assert "\n" not in literal
    assert "\u202e" not in literal
    assert _unescaped(literal) == text


@pytest.mark.parametrize("text", HARD)
def test_resources_mean_what_was_said(text: str) -> None:
    raw = ElementTree.fromstring(f"<string>{android_string(text)}</string>").text or ""
    assert not re.match(r"[@?]| ", raw)
    assert "  " not in raw
    assert not re.search(r"(?<!\\)(\\\\)*['\"]", raw)
    assert _unescaped(raw) == text


@pytest.mark.parametrize("text", HARD)
def test_properties_mean_what_was_said(text: str) -> None:
    value = property_value(text)
    assert re.fullmatch("[ -~]*", value)
    assert not value.startswith(" ")
    assert _unescaped(value) == text


def _unescaped(text: str) -> str:
    """Backslash escapes as the Kotlin compiler, aapt2 and java.util.Properties read them."""
    known = {"n": "\n", "t": "\t", "r": "\r"}

    def character(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else known.get(match[2], match[2])

    units = re.sub(r"\\(?:u([0-9A-F]{4})|(.))", character, text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def test_templates_are_found() -> None:
    assert (template_folder("android") / "settings.gradle.kts").is_file()
