"""All output to the terminal passes here.

Names of files, labels, metadata, and what servers and phones say is text, never markup, and never
a command to the terminal: control characters and what turns the direction of text are written as
they are written in JSON, such as \\u001b.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from packager.errors import OutputError

# C0 but newline and tab, DEL, C1; overrides, embeddings and isolates of direction; surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` with each character that a terminal would act on, or can't show, as \\uXXXX."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Console(RichConsole):
    """Rich's console for untrusted text."""

    def __init__(self, *, stderr: bool = False, **more: Any) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False, **more)

    def render_str(self, text: str, **how: Any) -> Text:
        """Text of a string, cleaned here already: so its width is that of what is shown."""
        return super().render_str(clean(text), **how)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Whatever is shown passes here."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(clean(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Called by Rich, which would end the process here with status 1."""
        raise BrokenPipeError


def print_results(parts: Iterable[RenderableType]) -> None:
    """Tables and lines on standard output. Raises `OutputError` when it takes no more."""
    standard_output()
    console = Console()
    if not console.is_terminal:
        console.width = 1000  # a file or a pipe has no edge to wrap at
    for part in parts:
        with _printing():
            console.print(part)
    with _printing():
        sys.stdout.flush()


def write_data(text: str) -> None:
    """JSON, Markdown or a script on standard output: UTF-8, unaltered but for a terminal."""
    stream = standard_output()
    if stream.isatty():
        text = clean(text)  # in JSON, the same values
    binary = getattr(stream, "buffer", None)
    with _printing():
        stream.flush()
        if binary is None:
            stream.write(text)
        else:
            binary.write(text.encode("utf-8", "surrogateescape"))
            binary.flush()


@contextlib.contextmanager
def _printing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader has seen enough
        raise
    except OSError as error:
        raise OutputError(
            f"the results can't be printed ({error.strerror or error})",
            where="standard output",
            fix="Redirect them to a place with free space.",
        ) from error


def standard_output() -> TextIO:
    """`sys.stdout`. Raises `OutputError` when it is closed."""
    if sys.stdout is None:
        raise OutputError(
            "standard output is closed, and the results can't be printed",
            fix="Run it with standard output open, or redirected to /dev/null.",
        )
    return sys.stdout
