"""What every command shares: the terminal, how errors end, and native libraries' chatter."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer
from typer.core import TyperGroup

from packager.errors import PackagerError, SettingsError
from packager.progress import Progress

if TYPE_CHECKING:
    from rich.console import Console

DEBUG = "--debug"


class Application(TyperGroup):
    """The top command: takes --debug in any place, and ends errors in a sentence, not a trace.

    Exit status: 0; 1 for a refusal; 2 for wrong usage; 130 after Ctrl-C.
    """

    def main(self, args: Sequence[str] | None = None, *rest: Any, **named: Any) -> Any:
        """Runs the command line."""
        given = list(sys.argv[1:] if args is None else args)
        if DEBUG in given:
            given = [DEBUG, *(argument for argument in given if argument != DEBUG)]
        return super().main(given, *rest, **named)

    def invoke(self, ctx: Any) -> Any:
        """Runs the chosen command."""
        debug = bool(ctx.params.get("debug"))
        with contextlib.nullcontext() if debug else _native_chatter_kept():
            try:
                return super().invoke(ctx)
            except PackagerError as error:
                if debug:
                    raise
                _complain(str(error))
                raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from None
            except KeyboardInterrupt:
                _complain("Interrupted. No file is left half written.")
                raise typer.Exit(130) from None
            except Exception as error:
                if debug or type(error).__module__.partition(".")[0] in ("click", "typer"):
                    raise
                _complain(
                    f"packager made a mistake of its own ({type(error).__name__}: {error}). "
                    f"Run it again with {DEBUG} to see where, and please report it."
                )
                raise typer.Exit(1) from None


def progress(quiet: bool = False) -> Progress:
    """How a command tells how far it is: bars on a terminal, else lines; on standard error."""
    from packager.terminal import PlainProgress, QuietProgress, TerminalProgress

    console = _console()
    if quiet:
        return QuietProgress(console)
    return TerminalProgress(console) if console.is_terminal else PlainProgress(console)


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True)


def _complain(text: str) -> None:
    _console().print(f"error: {text}", style="bold red", markup=False, highlight=False,
                     soft_wrap=True)  # fmt: skip


@contextlib.contextmanager
def _native_chatter_kept() -> Iterator[None]:
    """Sends what native code writes to standard error to a file, deleted at the end.

    TensorFlow and LiteRT write there past Python; a person's terminal is not the place for it.
    Python's own sys.stderr still reaches the terminal.
    """
    import warnings

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    logging.getLogger("absl").setLevel(logging.ERROR)
    before = sys.stderr
    try:
        redirected = before.fileno() == 2
    except (AttributeError, OSError, ValueError):  # a test's own stream
        redirected = False
    if not redirected:
        yield
        return
    saved = os.dup(2)
    handle, log = tempfile.mkstemp(prefix="packager-", suffix=".log")
    terminal: TextIO = os.fdopen(saved, "w", buffering=1, encoding=before.encoding,
                                 errors="backslashreplace", closefd=False)  # fmt: skip
    try:
        before.flush()
        os.dup2(handle, 2)
        sys.stderr = terminal
        yield
    finally:
        terminal.flush()
        sys.stderr = before
        os.dup2(saved, 2)
        os.close(saved)
        os.close(handle)
        with contextlib.suppress(OSError):
            Path(log).unlink()
