"""How long work tells the person how far it is.

Library functions take a `Progress` and say what they do; they never print. The command line
hands in `TerminalProgress` (bars), `PlainProgress` (lines) or `Progress` itself (silence).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class Phase:
    """One piece of work that is under way."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Says that `steps` more are done; `note` is shown beside the count."""

    def set_total(self, total: int) -> None:
        """Says how many steps there are, when that is only known on the way."""


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
        """Tells of something that was passed over; the work goes on."""

    def say(self, message: str) -> None:
        """Tells a fact worth knowing."""


SILENT = Progress()
