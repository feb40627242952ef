"""Functions run in a process of their own; those of this module, which the process imports."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from packager import isolation
from packager.errors import DataError, ModelFileError
from packager.isolation import run_isolated
from packager.progress import SILENT, Progress
from tests.conftest import Heard


def doubled(numbers: list[int], plus: int = 0, progress: Progress = SILENT) -> list[int]:
    with progress.phase("Doubling", len(numbers)) as phase:
        for _ in numbers:
            phase.advance()
    progress.say("done")
    progress.warn("careful")
    return [2 * number + plus for number in numbers]


def noisy(progress: Progress) -> str:
    for number in range(6):
        os.write(1, b"\xff\nnoise\n")
        os.write(2, b"more\n")
        time.sleep(0.05)
        progress.say(str(number))
    return "good"


def refuse() -> None:
    raise DataError("it is blue", where="sky", fix="Wait.")


def mistake() -> None:
    raise KeyError("surprise")


def die(how: int) -> None:
    os.kill(os.getpid(), how)


def leave() -> None:
    os.write(2, b"INFO: nothing\nout of luck\n")
    os._exit(3)


def hang(progress: Progress) -> None:
    progress.phase("Hanging").__enter__()
    time.sleep(600)


def own_id() -> int:
    return os.getpid()


def test_result_and_progress_come_back(heard: Heard) -> None:
    assert run_isolated(doubled, [1, 2], plus=1, progress=heard) == [3, 5]
    assert (heard.phases, heard.steps, heard.total) == (["Doubling"], 2, 2)
    assert (heard.said, heard.warnings) == (["done"], ["careful"])
    assert run_isolated(own_id) != os.getpid()


def test_errors_come_back_whole() -> None:
    with pytest.raises(DataError, match=r"sky: it is blue\. Wait\.") as refused:
        run_isolated(refuse)
    assert (refused.value.what, refused.value.where) == ("it is blue", "sky")
    with pytest.raises(KeyError, match="surprise") as mistaken:
        run_isolated(mistake)
    assert "in mistake" in str(mistaken.value.__cause__)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_its_death_is_an_error_in_a_sentence() -> None:
    with pytest.raises(ModelFileError, match=r"m\.tflite: LiteRT can't run.*signal 11 \(SIGSEGV\)"):
        run_isolated(die, int(signal.SIGSEGV), where="m.tflite")
    with pytest.raises(ModelFileError, match="ended with status 3: out of luck"):
        run_isolated(leave)


def test_silence_ends_it_and_speech_does_not(heard: Heard, capfd: Any) -> None:
    begun = time.monotonic()
    with pytest.raises(ModelFileError, match="made no progress for 1 s, and was stopped"):
        run_isolated(hang, silent_seconds=0.6, progress=heard)
    assert time.monotonic() - begun < 60
    assert run_isolated(noisy, silent_seconds=20, progress=heard) == "good"
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    own = isolation.subprocess.Popen

    def remembered(*args: Any, **named: Any) -> Any:
        started.append(own(*args, **named))
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        return started[-1]

    monkeypatch.setattr(isolation.subprocess, "Popen", remembered)
    with pytest.raises(KeyboardInterrupt):
        run_isolated(hang, progress=SILENT)
    assert started[0].poll() is not None


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
def test_it_ends_with_its_caller() -> None:
    import subprocess

    program = (
        "import os, threading\n"
        "from packager import isolation\n"
        "from tests.test_isolation import hang\n"
        "own = isolation.subprocess.Popen\n"
        "def told(*a, **n):\n"
        "    process = own(*a, **n)\n"
        "    print(process.pid, flush=True)\n"
        "    return process\n"
        "isolation.subprocess.Popen = told\n"
        "isolation.run_isolated(hang, progress=isolation.SILENT)\n"
    )
    caller = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    assert caller.stdout is not None
    child = int(caller.stdout.readline())
    time.sleep(0.7)
    caller.kill()
    caller.wait()
    caller.stdout.close()
    for _ in range(100):
        if not Path("/proc", str(child)).exists() or _is_zombie(child):
            return
        time.sleep(0.1)
    pytest.fail("the process outlives its caller")


def _is_zombie(process: int) -> bool:
    return ") Z " in Path("/proc", str(process), "stat").read_text()


@pytest.mark.parametrize(
    ("status", "words"),
    [(3, "ended with status 3"), (-9, "(SIGKILL), for lack of memory"), (0xC0000005, "0xC0000005")],
)
def test_how_a_process_ended(status: int, words: str) -> None:
    assert words in isolation._end(status)
