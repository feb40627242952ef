from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from packager.console import Console, clean, print_results, write_data
from packager.errors import OutputError
from packager.record import as_json
from packager.terminal import PlainProgress, TerminalProgress

HOSTILE = (
    "\x1b[31mred\x1b[0m",
    "\x1b]52;c;ZXZpbA==\x07",  # fills the clipboard
    "\x9b2J",  # CSI in one character
    "a\rb",
    "\x08\x7f",
    "\u202egnp.exe",
    "\u2066a\u2069",
    "caf\udce9",  # a file's name that isn't UTF-8
)


def test_letters_stay_and_what_a_terminal_acts_on_is_written_out() -> None:
    for text in ("Grüße, 花, שלום, 👩‍🌾", "a\nb\tc", "[red]", "\\u001b"):
        assert clean(text) == text
    assert clean("\x1b[31m\x9b\u202e\udce9") == "\\u001b[31m\\u009b\\u202e\\udce9"


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("text", [*HOSTILE, "tulips [cat]", "[/bold]", ":cat: [link=x]"])
def test_all_that_is_shown_is_text(text: str, terminal: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, color_system=None, width=200)
    table = Table(text)
    table.add_row(text, Text(clean(text)))
    progress = TerminalProgress(console) if terminal else PlainProgress(console)
    console.print(table)
    console.print(text)
    console.print(Text(text))
    progress.warn(text)
    progress.say(text)
    with progress.phase(text, 2) as phase:
        phase.advance(2, note=text)
    shown = stream.getvalue()
    assert shown.count(clean(text)) >= 7
    if text in HOSTILE:
        assert text not in shown
        assert not {"\x9b", "\x07", "\u202e", "\udce9", "\x08", "\x7f"} & set(shown)


def test_json_is_utf8_and_unaltered(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"name": "\x9b \u202e 花 caf\udce9 \x1b"}
    for terminal in (False, True):
        binary = io.BytesIO()
        stream = io.TextIOWrapper(binary, encoding="ascii")
        monkeypatch.setattr(stream, "isatty", lambda shown=terminal: shown)
        monkeypatch.setattr(sys, "stdout", stream)
        write_data(as_json(values))
        text = binary.getvalue().decode("utf-8")
        assert json.loads(text) == values
        assert ("\x9b" in text) is not terminal


def test_closed_and_full_outputs_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    for act in (lambda: print_results(["a"]), lambda: write_data("a")):
        with pytest.raises(OutputError, match="standard output is closed"):
            act()
    if Path("/dev/full").exists():
        for act in (lambda: print_results(["a"]), lambda: write_data("a")):
            with Path("/dev/full").open("wb", buffering=0) as full:
                stream = io.TextIOWrapper(full, write_through=True)
                monkeypatch.setattr(sys, "stdout", stream)
                with pytest.raises(OutputError, match="can't be printed"):
                    act()
                monkeypatch.setattr(sys, "stdout", None)
                stream.detach()
