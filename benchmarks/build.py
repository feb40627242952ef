"""Seconds of each phase of a whole build: cold, and warm with another quantization.

    python benchmarks/build.py PHOTOS [--spec lite0] [--cold int8] [--warm fp16 dynamic none]

Each build is a process of its own. TensorFlow's import is a phase of its own, and the ratio is
taken without it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def seconds(photos: Path, spec: str, quantization: str, out: Path, cache: Path) -> dict[str, float]:
    subprocess.run(
        [sys.executable, "-m", "packager", "build", "--spec", spec, "--quantize", quantization,
         "--data", str(photos), "--out", str(out), "--quiet"],
        check=True,
        env={**os.environ, "PACKAGER_CACHE": str(cache)},
        capture_output=True,
    )  # fmt: skip
    return dict(json.loads((out / "report.json").read_text())["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--spec", default="lite0")
    parser.add_argument("--cold", default="int8")
    parser.add_argument("--warm", nargs="+", default=["int8", "fp16", "dynamic", "int16x8"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        runs = {
            f"{kind} {quantization}": seconds(
                given.photos, given.spec, quantization, root / f"{kind}-{quantization}", root / "c"
            )
            for kind, quantization in [("cold", given.cold), *(("warm", q) for q in given.warm)]
        }
    phases = list(dict.fromkeys(phase for run in runs.values() for phase in run))
    width = max(map(len, runs)) + 2
    print(f"{'':<20}" + "".join(f"{name:>{width}}" for name in runs))
    for phase in phases:
        cells = (f"{run[phase]:.2f}" if phase in run else "-" for run in runs.values())
        print(f"{phase:<20}" + "".join(f"{cell:>{width}}" for cell in cells))
    rest = {name: run["total"] - run.get("import tensorflow", 0.0) for name, run in runs.items()}
    cold = rest[f"cold {given.cold}"]
    cells = (f"{value:.2f}" for value in rest.values())
    print(f"{'without the import':<20}" + "".join(f"{cell:>{width}}" for cell in cells))
    cells = (f"{value / cold:.2f}" for value in rest.values())
    print(f"{'ratio to cold':<20}" + "".join(f"{cell:>{width}}" for cell in cells))


if __name__ == "__main__":
    main()
