"""Runs a function in a separate process, so that a model that crashes LiteRT does no harm.

LiteRT trusts the file that it runs: a damaged one may end the process by a signal, without a word.
The function's module is imported there, and nothing else is: unlike `multiprocessing`, neither the
caller's `__main__` nor its state. Function, arguments and result go over pipes, pickled.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

from packager import files
from packager.errors import ModelFileError
from packager.progress import SILENT, Phase, Progress

Result = TypeVar("Result")

SILENT_SECONDS = 600.0  # for one photo or less
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from packager.isolation import serve; serve()"
)
_LENGTH = 8  # bytes before each message


class _RemoteTracebackError(Exception):
    """The traceback of the other process, for --debug."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def run_isolated(
    function: Callable[..., Result],
    *args: Any,
    where: str | Path | None = None,
    progress: Progress | None = None,
    silent_seconds: float = SILENT_SECONDS,
    **named: Any,
) -> Result:
    """`function(*args, **named)` in a new process.

    Args:
        function: of a module's top level, which runs a model.
        progress: handed to the function too; what it is told there is told here.
        where: the model's file, for messages.
        silent_seconds: the process is ended when it returns and tells nothing for so long.

    Raises:
        ModelFileError: the process died, or was silent for too long.
        Whatever the function raises.
    """
    with (
        files.temporary_file() as chatter,
        _process(chatter) as process,
        _Watch(process, silent_seconds) as watch,
        _Replay(progress or SILENT) as replay,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):  # it died at once: its end tells why
            _send(process.stdin, (function, args, named, progress is not None))
        while (content := _receive(process.stdout)) is not None:
            watch.heard()
            kind, *message = pickle.loads(content)
            if kind == "result":
                result: Result = message[0]
                return result
            if kind == "error":
                error, trace = message
                raise error from _RemoteTracebackError(trace)
            replay.tell(kind, *message)
        how = _end(process.wait())
        if watch.hung:
            how = f"made no progress for {silent_seconds:.0f} s, and was stopped"
        raise ModelFileError(
            f"LiteRT can't run this model: its process {how}{_last_words(chatter)}",
            where=where,
            fix="Copy the file again, or convert the model again.",
        )


def serve() -> None:
    """The other side: one function, its result, and the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the caller's, who ends this process
    with contextlib.suppress(OSError):  # if the memory runs out, this is the one to end
        Path("/proc/self/oom_score_adj").write_text("1000")
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # native code prints too
    answer: tuple[Any, ...]
    try:
        function, args, named, tells = pickle.loads(_receive(sys.stdin.buffer) or b"")
        threading.Thread(target=_end_with_caller, daemon=True).start()
        if tells:
            named["progress"] = _Told(out)
        answer = ("result", function(*args, **named))
    except Exception as error:
        answer = ("error", _picklable(error), traceback.format_exc())
    _send(out, answer)
    os._exit(0)  # what LiteRT holds may die of being taken down


def _end_with_caller() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def _picklable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _send(pipe: IO[bytes], message: Any) -> None:
    content = pickle.dumps(message)
    pipe.write(len(content).to_bytes(_LENGTH, "little") + content)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes | None:
    """The next message; None when the other side's end cut it off."""
    length = int.from_bytes(pipe.read(_LENGTH), "little")
    content = pipe.read(length)
    return content if length and len(content) == length else None


def _end(status: int) -> str:
    if status >= 1 << 30:  # Windows: 0xC0000005 is an access violation
        return f"crashed (0x{status:08X})"
    if status >= 0:
        return f"ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    why = ", for lack of memory perhaps" if name == "SIGKILL" else ""
    return f"was ended by signal {-status} ({name}){why}"


def _last_words(chatter: IO[bytes]) -> str:
    chatter.seek(0)
    words = chatter.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
    words = [line for line in words if not line.startswith(("INFO:", "WARNING:"))]
    return f": {words[-1][:300]}" if words else ""


@contextlib.contextmanager
def _process(chatter: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _START, json.dumps([str(place) for place in sys.path])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=chatter,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        process.wait()


class _Watch:
    """Kills a process that says nothing for so many seconds: reading a pipe has no limit."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.hung = False
        self._process, self._seconds = process, seconds
        self._heard, self._over = time.monotonic(), threading.Event()

    def __enter__(self) -> _Watch:
        threading.Thread(target=self._wait, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def heard(self) -> None:
        self._heard = time.monotonic()

    def _wait(self) -> None:
        left = self._seconds
        while left > 0:
            if self._over.wait(min(left, threading.TIMEOUT_MAX)):
                return
            left = self._heard + self._seconds - time.monotonic()
        self.hung = True
        self._process.kill()


class _Told(Progress):
    """Sends what it is told to the caller's process."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._lock = out, threading.Lock()

    def send(self, *message: Any) -> None:
        with self._lock:
            _send(self._out, message)

    @contextlib.contextmanager
    def phase(
        self, name: str, total: int | None = None, *, counted: bool = True
    ) -> Iterator[Phase]:
        self.send("phase", name, total, counted)
        yield _ToldPhase(self)
        self.send("end")

    def warn(self, message: str) -> None:
        self.send("warn", message)

    def say(self, message: str) -> None:
        self.send("say", message)


class _ToldPhase(Phase):
    def __init__(self, told: _Told) -> None:
        self._told = told

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._told.send("advance", steps, note)

    def set_total(self, total: int) -> None:
        self._told.send("total", total)


class _Replay:
    """Tells the caller's progress what came; phases that are open at the end are closed."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._phases: list[tuple[contextlib.ExitStack, Phase]] = []

    def __enter__(self) -> _Replay:
        return self

    def __exit__(self, *error: Any) -> None:
        while self._phases:
            self._phases.pop()[0].__exit__(*error)

    def tell(self, kind: str, *message: Any) -> None:
        if kind == "phase":
            name, total, counted = message
            stack = contextlib.ExitStack()
            phase = stack.enter_context(self._progress.phase(name, total, counted=counted))
            self._phases.append((stack, phase))
        elif kind == "end":
            self._phases.pop()[0].close()
        elif kind == "advance":
            self._phases[-1][1].advance(*message)
        elif kind == "total":
            self._phases[-1][1].set_total(*message)
        elif kind == "warn":
            self._progress.warn(*message)
        elif kind == "say":
            self._progress.say(*message)
