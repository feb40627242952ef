"""The end of every command: errors, signals, output streams, and native libraries' output."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import typer
from typer.core import TyperGroup

from packager import interrupts
from packager.errors import PackagerError, SettingsError

if TYPE_CHECKING:
    from packager.console import Console

DEBUG = "--debug"
_SIGPIPE = 13  # on every system that has it
_ADVICE = {
    errno.ENOSPC: "Free some space.",
    errno.EDQUOT: "Free some space.",
    errno.EFBIG: "Free some space, or raise the limit on the size of files (ulimit -f).",
    errno.EACCES: "Check the permissions.",
    errno.EPERM: "Check the permissions.",
    errno.EROFS: "Choose a writable place.",
    errno.EMFILE: "Raise the limit on open files (ulimit -n).",
    errno.ENAMETOOLONG: "Use a shorter name.",
}


class Application(TyperGroup):
    """The top command: takes --debug in any place, and prints errors as one sentence.

    Exit status: 0; 1 for a refusal; 2 for wrong usage; 128 + n after signal n, so 130 after
    Ctrl-C and 141 when the reader of standard output went away.
    """

    def main(self, args: Sequence[str] | None = None, *rest: Any, **named: Any) -> Any:
        """Runs the command line."""
        given = list(sys.argv[1:] if args is None else args)
        if DEBUG in given:
            given = [DEBUG, *(argument for argument in given if argument != DEBUG)]
        with _standard_streams(), interrupts.signals_raise():
            try:
                return super().main(given, *rest, **named)
            except OSError as error:  # printing help, or the like
                _stop_output()
                _complain(f"standard output: it can't be written ({error.strerror or error}).")
                sys.exit(1)
            except (SystemExit, KeyboardInterrupt):
                if interrupts.seen() is not None:
                    sys.exit(128 + (interrupts.seen() or 0))
                raise

    def invoke(self, ctx: Any) -> Any:
        """Runs the chosen command."""
        debug = bool(ctx.params.get("debug"))
        with contextlib.nullcontext() if debug else _native_chatter_dropped():
            try:
                result = super().invoke(ctx)
                _flush_results()
            except PackagerError as error:
                if debug:
                    raise
                _stop_output()
                _complain(str(error))
                raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from None
            except KeyboardInterrupt:
                raise _interrupted() from None
            except BrokenPipeError:
                _stop_output()
                raise typer.Exit(128 + _SIGPIPE) from None
            except Exception as error:
                if interrupts.seen() is not None:  # what native code made of it
                    raise _interrupted() from None
                if debug or type(error).__module__.partition(".")[0] in ("click", "typer"):
                    raise
                if isinstance(error, OSError) and error.errno in _ADVICE:
                    _complain(_of_the_system(error))
                else:
                    _complain(
                        f"internal error ({type(error).__name__}: {error}). "
                        f"Run it again with {DEBUG} to see where, and please report it."
                    )
                raise typer.Exit(1) from None
            if interrupts.seen() is not None:
                raise _interrupted()  # it came too late to stop anything
            return result


def _console() -> Console:
    from packager.console import Console

    return Console(stderr=True)


def _flush_results() -> None:
    from packager.console import print_results

    if sys.stdout is not None:
        print_results(())


def _complain(text: str) -> None:
    _console().print(f"error: {text}", style="bold red", soft_wrap=True)


def _interrupted() -> typer.Exit:
    number = interrupts.seen() or signal.SIGINT
    what = "Interrupted" if number == signal.SIGINT else f"Ended by {signal.Signals(number).name}"
    _complain(f"{what}. No file is left half written.")
    return typer.Exit(128 + number)


def _of_the_system(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    fix = _ADVICE.get(error.errno or 0, "")
    return f"{place}{error.strerror or error}. {fix}".strip()


@contextlib.contextmanager
def _standard_streams() -> Iterator[None]:
    """Makes output streams safe that are closed, full, or limited to ASCII.

    What standard error can't take is dropped: it is progress, and the exit status stays right.
    """
    for handle in (0, 1, 2):
        try:
            os.fstat(handle)
        except OSError:  # closed: the next file that is opened must not get its number
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    before = sys.stderr
    sys.stderr = cast(TextIO, _Lossy(before)) if before else Path(os.devnull).open("w")  # noqa: SIM115
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        if getattr(sys.stderr, "lost", False):
            _to_nowhere(before)
        sys.stderr = before


class _Lossy:
    """A stream that drops what can't be written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = False

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):  # ValueError: closed
            self.lost = True
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self.lost = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _stop_output() -> None:
    """Drops what standard output still holds, when it takes nothing more: Python would fail."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            _to_nowhere(sys.stdout)


def _to_nowhere(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def _native_chatter_dropped() -> Iterator[None]:
    """Discards what native code writes to standard error.

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
    terminal = os.fdopen(saved, "w", buffering=1, encoding=before.encoding,
                         errors="backslashreplace", closefd=False)  # fmt: skip
    try:
        before.flush()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        sys.stderr = cast(TextIO, _Lossy(terminal))
        yield
    finally:
        sys.stderr.flush()
        sys.stderr = before
        os.dup2(saved, 2)
        with contextlib.suppress(OSError):
            terminal.close()
        os.close(saved)
