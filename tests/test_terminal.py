from __future__ import annotations

import io

from packager.console import Console
from packager.terminal import PlainProgress, QuietProgress, TerminalProgress


def console(terminal: bool) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, force_terminal=terminal, width=120), stream


def test_plain_lines_tell_count_note_and_seconds() -> None:
    out, stream = console(terminal=False)
    progress = PlainProgress(out)
    with progress.phase("Training the head", 3) as phase:
        for number in range(3):
            phase.advance(note=f"loss {number}.5 [kept]")
    progress.warn("[red]a.jpg left out")
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("Training the head: 3/3 (loss 2.5 [kept]) done in 0.")
    assert lines[1] == "warning: [red]a.jpg left out"


def test_plain_lines_come_while_a_phase_goes_on() -> None:
    out, stream = console(terminal=False)
    with PlainProgress(out, every=0).phase("Extracting", 2) as phase:
        phase.advance()
        assert stream.getvalue() == "Extracting: 1/2\n"


def test_bytes_are_not_counted_out() -> None:
    for terminal in (True, False):
        out, stream = console(terminal)
        progress = TerminalProgress(out) if terminal else PlainProgress(out)
        with progress.phase("Downloading", 228_813_984, counted=False) as phase:
            phase.advance(100_000_000, "100.0 of 228.8 MB")
        assert "228813984" not in stream.getvalue()
        assert "100.0 of 228.8 MB" in stream.getvalue()


def test_terminal_shows_a_bar_with_its_count_and_note() -> None:
    out, stream = console(terminal=True)
    progress = TerminalProgress(out)
    with progress.phase("Extracting", 4) as phase:
        phase.advance(4, note="quick")
        progress.warn("[bold]odd name[/bold]")
    text = stream.getvalue()
    assert "4/4" in text
    assert "quick" in text
    assert "[bold]odd name[/bold]" in text


def test_empty_phases_show_nothing() -> None:
    for terminal in (True, False):
        out, stream = console(terminal)
        progress = TerminalProgress(out) if terminal else PlainProgress(out)
        with progress.phase("Extracting", 0):
            pass
        assert stream.getvalue() == ""


def test_quiet_still_warns() -> None:
    out, stream = console(terminal=False)
    progress = QuietProgress(out)
    with progress.phase("Extracting", 2) as phase:
        phase.advance(2)
    progress.say("a fact")
    progress.warn("a photo was left out")
    assert stream.getvalue() == "warning: a photo was left out\n"
