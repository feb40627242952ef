"""Progress reports of long work.

Library functions take a `Progress` and report to it; they never print. The command line passes
`TerminalProgress` (bars), `PlainProgress` (lines) or `Progress` itself (silence).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class Phase:
    """One phase of work in progress."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Reports `steps` more steps as done; `note` is shown beside the count."""

    def set_total(self, total: int) -> None:
        """Sets the number of steps, when it is only known later."""


class Progress:
    """Silence: the default of every library function."""

    @contextlib.contextmanager
    def phase(
        self, name: str, total: int | None = None, *, counted: bool = True
    ) -> Iterator[Phase]:
        """Opens a phase of `total` steps, or of unknown length.

        `counted` is False for steps that a person does not count, such as bytes.
        """
        yield Phase()

    def warn(self, message: str) -> None:
        """Warns about something that was skipped; the work continues."""

    def say(self, message: str) -> None:
        """Reports a fact."""


SILENT = Progress()
