"""Seconds of a whole build, cold and warm, by itself or by turns with another checkout's.

    python benchmarks/build.py PHOTOS [--against CHECKOUT] [--rounds 3] [--spec lite0]
        [--cold int8] [--warm int8 fp16 dynamic none]

Each build is a process of its own, timed from outside: the imports and the report are in it. A
cold build finds an empty cache, the warm ones find what it left there. Processor seconds (of all
its threads and processes) are told beside, for they don't grow with what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parents[1]


class Took(NamedTuple):
    """Seconds of one build: on the wall, of processors, and of each phase."""

    wall: float
    processor: float
    phases: dict[str, float]


def timed(checkout: Path, given: argparse.Namespace, quantization: str, folder: Path) -> Took:
    """One build by the code in `checkout`, its cache in `folder`."""
    out = folder / "out"
    begun = time.monotonic()
    build = subprocess.Popen(
        [sys.executable, "-m", "packager", "build", "--spec", given.spec, "--quantize",
         quantization, "--data", str(given.photos), "--out", str(out), "--quiet", "--force"],
        env={**os.environ, "PYTHONPATH": str(checkout), "PACKAGER_CACHE": str(folder / "cache")},
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(build.pid, 0)
    wall = time.monotonic() - begun
    build.returncode = os.waitstatus_to_exitcode(status)
    if build.returncode:
        raise SystemExit(f"the build of {checkout} failed: {build.args}")
    phases = json.loads((out / "report.json").read_text())["seconds"]
    return Took(wall, usage.ru_utime + usage.ru_stime, phases)


def a_round(checkout: Path, given: argparse.Namespace) -> dict[str, Took]:
    """A cold build and the warm ones after it."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            f"{kind} {quantization}": timed(checkout, given, quantization, Path(folder))
            for kind, quantization in [("cold", given.cold), *(("warm", q) for q in given.warm)]
        }


def table(runs: dict[str, list[Took]]) -> None:
    """Medians over the rounds: of each phase, then of the whole."""
    width = max(map(len, runs)) + 2
    print(f"{'':<20}" + "".join(f"{name:>{width}}" for name in runs))
    phases = dict.fromkeys(phase for run in runs.values() for took in run for phase in took.phases)
    rows = {
        phase: [[took.phases.get(phase) for took in run] for run in runs.values()]
        for phase in phases
        if phase != "total"
    }
    rows["wall"] = [[took.wall for took in run] for run in runs.values()]
    rows["processor"] = [[took.processor for took in run] for run in runs.values()]
    for name, cells in rows.items():
        texts = ("-" if None in cell else f"{statistics.median(cell):.2f}" for cell in cells)
        print(f"{name:<20}" + "".join(f"{text:>{width}}" for text in texts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--against", type=Path, help="another checkout of packager")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spec", default="lite0")
    parser.add_argument("--cold", default="int8")
    parser.add_argument("--warm", nargs="*", default=["int8", "fp16", "dynamic", "none"])
    given = parser.parse_args()
    given.photos = given.photos.resolve()
    checkouts = {"this checkout": HERE}
    if given.against:
        checkouts[str(given.against)] = given.against.resolve()
    rounds: dict[str, list[dict[str, Took]]] = {name: [] for name in checkouts}
    for number in range(given.rounds):
        for name in list(checkouts)[:: 1 if number % 2 else -1]:
            rounds[name].append(a_round(checkouts[name], given))
    runs = {
        name: {kind: [each[kind] for each in done] for kind in done[0]}
        for name, done in rounds.items()
    }
    for name, of in runs.items():
        print(f"\n{name}, median of {given.rounds} rounds, seconds:")
        table(of)
    if given.against:
        ours, theirs = runs.values()
        print("\nratio of this checkout to the other, each round and the median:")
        for kind in ours:
            for what in ("wall", "processor"):
                ratios = [
                    getattr(one, what) / getattr(other, what)
                    for one, other in zip(ours[kind], theirs[kind], strict=True)
                ]
                each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
                print(f"{kind:<14} {what:<10} {each}: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
