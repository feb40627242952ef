"""Builds that signals end at random moments: nothing broken stays, and the next one works."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from packager.inspection import inspect_model
from packager.written import RECORD_FILE, demand_ours

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals"),
]
SEED = int(os.environ.get("PACKAGER_FUZZ_SEED", "0"))
ROUNDS = 4  # of each signal
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def start(data: Path, out: Path, seed: int, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable, "-m", "packager", "build", "--data", data, "--spec", "lite0",
            "--quantize", "none", "--epochs", "2", "--seed", str(seed), "--out", out, *more,
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def seconds_of(process: subprocess.Popen[str]) -> float:
    began = time.monotonic()
    assert process.wait() == 0, process.communicate()[1]
    return time.monotonic() - began


def whole(out: Path) -> int:
    """Checks that a folder is all of one build; gives its seed."""
    demand_ours(out)
    recorded = json.loads((out / RECORD_FILE).read_text())["files"]
    assert {"model.tflite", "labels.txt", "report.json", "report.html"} <= set(recorded)
    assert all((out / name).is_file() for name in recorded)
    report = json.loads((out / "report.json").read_text())
    assert inspect_model(out / "model.tflite").labels == tuple(report["data"]["classes"])
    return int(report["recipe"]["seed"])


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def moments(seconds: float) -> Iterator[tuple[signal.Signals, float, bool]]:
    """Signal, when to send it, and whether that's counted from the unfinished folder's coming."""
    random_moments = random.Random(SEED)
    for number in range(ROUNDS):
        for each in SIGNALS:
            at_end = bool(number % 2)
            yield each, random_moments.uniform(0, 0.3 if at_end else seconds), at_end


def test_builds_that_are_ended_leave_nothing_broken(
    photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    out = place / "out"
    start(photos, out, 0).wait()
    seconds = seconds_of(start(photos, out, 1, "--force"))
    for number, (how, after, at_end) in enumerate(moments(seconds), start=2):
        before, stale = whole(out), names(place)
        process = start(photos, out, number, "--force")
        if at_end:
            while process.poll() is None and not list(place.glob(".out.*.tmp")):
                time.sleep(0.002)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after)
        process.send_signal(how)
        complaint = process.communicate()[1]
        ended = process.returncode
        assert "Traceback" not in complaint
        assert "internal error" not in complaint
        assert ended in (0, -how, 128 + how), complaint
        if how != signal.SIGKILL:
            assert names(place) <= stale  # what an earlier kill left, if it had not come so far
        if out.exists():
            assert whole(out) == number if ended == 0 else whole(out) in (before, number)
        else:  # swapped without an exchange, and killed in between: the next build puts it back
            assert how == signal.SIGKILL
            seconds_of(start(photos, out, number, "--force"))
    seconds_of(start(photos, out, 99, "--force"))
    assert whole(out) == 99
    assert names(place) == {"out"}
    unfinished = [path for path in warm_cache.rglob("*.tmp") if path.is_file()]
    assert unfinished == []


@pytest.mark.parametrize("how", SIGNALS)
def test_a_first_build_that_is_ended_leaves_no_folder(
    how: signal.Signals, photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    process = start(photos, place / "out", 1)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(random.Random(SEED).uniform(0.5, 1.5))
    process.send_signal(how)
    process.communicate()
    if process.returncode != 0:
        assert not (place / "out").exists()
    seconds_of(start(photos, place / "out", 2, "--force"))
    assert whole(place / "out") == 2
    assert names(place) == {"out"}
