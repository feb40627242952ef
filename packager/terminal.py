"""Progress on a terminal (bars) or in a log (plain lines), on standard error."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from packager.interrupts import raise_if_swallowed
from packager.progress import Phase, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from packager.console import Console


def stderr_progress(quiet: bool = False) -> Progress:
    """Bars on a terminal, lines in a log; when `quiet`, warnings only."""
    from packager.console import Console

    console = Console(stderr=True)
    if quiet:
        return QuietProgress(console)
    return TerminalProgress(console) if console.is_terminal else PlainProgress(console)


class TerminalProgress(Progress):
    """A bar for each phase, with its count, note and time; finished ones stay as lines."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextlib.contextmanager
    def phase(
        self, name: str, total: int | None = None, *, counted: bool = True
    ) -> Iterator[Phase]:
        """Shows a bar, or a moving one when the total is unknown."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        from packager.console import clean

        raise_if_swallowed()
        if total == 0:
            yield Phase()
            return
        columns = [TextColumn("{task.description:<24}", markup=False), BarColumn(bar_width=24)]
        counts = [MofNCompleteColumn()] if total is not None and counted else []
        with Bars(
            *columns, *counts, TimeElapsedColumn(), TextColumn("{task.fields[note]}", markup=False),
            console=self._console, refresh_per_second=8,
        ) as bars:  # fmt: skip
            task = bars.add_task(clean(name), total=total, note="")
            yield _Bar(bars, task)
            done = bars.tasks[0].completed  # it may have ended early, and ended well
            bars.update(task, total=done or 1, completed=done or 1)

    def warn(self, message: str) -> None:
        """Prints the warning above the bars."""
        from rich.text import Text

        from packager.console import clean

        self._console.print(Text.assemble(("warning:", "yellow"), " ", clean(message)))

    def say(self, message: str) -> None:
        """Prints the fact above the bars."""
        self._console.print(message)


class _Bar(Phase):
    def __init__(self, bars: Bars, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def advance(self, steps: int = 1, note: str = "") -> None:
        from packager.console import clean

        raise_if_swallowed()
        self._bars.update(self._task, advance=steps, note=clean(note))

    def set_total(self, total: int) -> None:
        self._bars.update(self._task, total=total)


class PlainProgress(Progress):
    """Lines for logs: one when a phase ends, and one every few seconds during it."""

    def __init__(self, console: Console, *, every: float = 10.0) -> None:
        self._console, self._every = console, every

    @contextlib.contextmanager
    def phase(
        self, name: str, total: int | None = None, *, counted: bool = True
    ) -> Iterator[Phase]:
        """Prints how far the phase is, now and then, and how long it took."""
        raise_if_swallowed()
        line = _Line(self._print, name, total if counted else None, self._every)
        yield line
        if total != 0:
            line.end()

    def warn(self, message: str) -> None:
        """Prints the warning."""
        self._print(f"warning: {message}")

    def say(self, message: str) -> None:
        """Prints the fact."""
        self._print(message)

    def _print(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)


class _Line(Phase):
    def __init__(
        self, write: Callable[[str], None], name: str,
        total: int | None, every: float,
    ) -> None:  # fmt: skip
        self._write, self._name, self._total, self._every = write, name, total, every
        self._done, self._note = 0, ""
        self._begun = self._told = time.monotonic()

    def advance(self, steps: int = 1, note: str = "") -> None:
        raise_if_swallowed()
        self._done += steps
        self._note = note or self._note
        if time.monotonic() - self._told >= self._every:
            self._told = time.monotonic()
            self._tell("")

    def set_total(self, total: int) -> None:
        self._total = total

    def end(self) -> None:
        self._tell(f" done in {time.monotonic() - self._begun:.1f} s")

    def _tell(self, ending: str) -> None:
        count = "" if self._total is None else f" {self._done}/{self._total}"
        note = f" ({self._note})" if self._note else ""
        self._write(f"{self._name}:{count}{note}{ending}")


class QuietProgress(Progress):
    """Prints only warnings."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def warn(self, message: str) -> None:
        """Prints the warning."""
        self._console.print(f"warning: {message}", soft_wrap=True)
