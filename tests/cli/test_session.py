"""Each in a process of its own: streams, signals and what a shell hands over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from packager.extras import has_extra
from packager.interrupts import EndedError, raise_if_swallowed, seen, signals_raise
from tests.cli.commands import packager_here
from tests.conftest import need, save_photo

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a line in which $P is packager."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "P": f"{sys.executable} -m packager", **environment},
    )


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("$P specs >&-", 1, "standard output is closed"),
        ("$P specs --json >&-", 1, "standard output is closed"),
        ("$P specs >/dev/full", 1, "standard output: the results can't be printed (No space"),
        ("$P specs --json >/dev/full", 1, "the results can't be printed (No space"),
        ("$P --help >/dev/full", 1, "standard output: it can't be written (No space"),
        ("$P specs | true", 141, ""),
        ("$P specs --json | true", 141, ""),
        ("$P specs 2>/dev/full >/dev/null", 0, ""),
        ("$P inspect nosuch 2>/dev/full", 1, ""),
        ("$P inspect nosuch 2>&-", 1, ""),
        ("$P specs <&- >/dev/null", 0, ""),
        ("TMPDIR=/nonexistent $P specs >/dev/null", 0, ""),
        ("PACKAGER_CACHE='~nosuchuser/x' $P weights", 2, "PACKAGER_CACHE: there is no home"),
        ("$P build --out /dev/null/deep/o", 1, "/dev/null: this is a file"),
        ("$P build --out /dev/null", 1, "this is not a folder"),
    ],
)  # fmt: skip
def test_every_end_is_a_sentence(line: str, status: int, said: str, cache: Path) -> None:
    done = shell(line)
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert said in done.stderr
    if status == 141:  # by chance, all was written before the reader was gone
        assert done.returncode in (0, 141)
    else:
        assert done.returncode == status


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("build --data ~nosuchuser/x --out /nonexistent/o", 2, "--data: there is"),
        ("build --backbone ~nosuchuser/x --out o", 2, "--backbone: there is no home folder"),
        ("build --out LONG", 1, "can't be written (File name too long)"),
        ("android m.tflite --out LONG", 1, "can't be written (File name too long)"),
        ("compare --specs lite0 --data demo --out LONG", 1, "(File name too long)"),
    ],
)
def test_places_that_cannot_be_are_told(line: str, status: int, said: str, cache: Path) -> None:
    if "--backbone" in line:
        need(has_extra("tensorflow"), "the extra `tensorflow`")
    done = packager_here(*line.replace("LONG", "a" * 300).split(), cache=cache)
    assert said in done.stderr
    assert done.exit_code == status


def test_tables_in_ascii_and_json_in_utf8() -> None:
    done = shell("$P specs && $P specs --json >/dev/null", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "lite0" in done.stdout


@pytest.mark.parametrize("broken", ["file", "file inside"])
def test_a_cache_that_cannot_be_written_is_found_before_the_work(
    broken: str, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    if broken == "file":
        cache.write_text("")
    else:
        cache.mkdir()
        (cache / "features").write_text("")
    for label in ("a", "b"):
        save_photo(tmp_path / "photos" / label / "0.png", (200, 30, 30), 0)
    done = shell(
        f"$P build --data {tmp_path}/photos --out {tmp_path}/out", PACKAGER_CACHE=str(cache)
    )
    assert done.returncode == 1
    assert "the cache can't be written" in done.stderr
    assert "Checking photos" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name", ["SIGINT", *(pytest.param(n, marks=pytest.mark.slow) for n in ("SIGTERM", "SIGHUP"))]
)
def test_signals_end_in_a_sentence_and_leave_nothing(name: str, tmp_path: Path) -> None:
    number = getattr(signal, name)
    child = subprocess.Popen(
        [sys.executable, "-m", "packager", "build", "--out", str(tmp_path / "deep" / "out")],
        stderr=subprocess.PIPE, env={**os.environ, "PACKAGER_CACHE": str(tmp_path / "cache")},
    )  # fmt: skip
    assert child.stderr is not None
    assert b"demo set" in child.stderr.readline()
    time.sleep(0.3)
    child.send_signal(number)
    said = child.stderr.read().decode()
    assert child.wait(60) == 128 + number
    assert "No file is left half written" in said
    assert "Traceback" not in said
    left = [path for path in tmp_path.rglob("*") if not path.is_dir()]
    assert left == []
    assert not (tmp_path / "deep").exists()


def test_a_swallowed_signal_is_raised_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from packager import interrupts

    monkeypatch.setattr(interrupts, "_AGAIN_SECONDS", 0)
    with signals_raise():
        raise_if_swallowed()
        with pytest.raises(EndedError) as caught:
            os.kill(os.getpid(), signal.SIGTERM)
        assert caught.value.number == seen() == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            raise_if_swallowed()


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    try:
        with signals_raise():
            os.kill(os.getpid(), signal.SIGHUP)
        assert seen() is None
    finally:
        signal.signal(signal.SIGHUP, before)
