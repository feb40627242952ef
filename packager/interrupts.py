"""Clean-up on Ctrl-C and on the signals that end a process."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_AGAIN_SECONDS = 1.0


class EndedError(KeyboardInterrupt):
    """A signal that asks the process to end; `number` is its."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class _Seen:
    number: int | None = None
    raised: float = 0.0


_seen = _Seen()


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """`EndedError` in the main thread for each such signal that isn't ignored."""
    before = {}
    _seen.number = None
    if threading.current_thread() is threading.main_thread():
        for name in _SIGNALS:
            number = getattr(signal, name, None)  # SIGHUP is POSIX's, SIGBREAK Windows'
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, _raise)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def seen() -> int | None:
    """The number of the signal that came, if one did."""
    return _seen.number


def raise_if_swallowed() -> None:
    """Raises `EndedError` again when work continues although a signal came.

    Native code and destructors that call back into Python can swallow the first one.
    """
    if (
        _seen.number is not None
        and time.monotonic() - _seen.raised > _AGAIN_SECONDS
        and threading.current_thread() is threading.main_thread()
    ):
        _seen.raised = time.monotonic()
        raise EndedError(_seen.number)


def _raise(number: int, _: FrameType | None) -> None:
    _seen.number, _seen.raised = number, time.monotonic()
    raise EndedError(number)
