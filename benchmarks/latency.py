"""packager's host harness against LiteRT's own benchmark, on one model, side by side in one run.

    python benchmarks/latency.py MODEL [--data PHOTOS] [--threads 1,2] [--rounds 7]

LiteRT's tool is `ai_edge_litert.tools.benchmark_litert_model`, in the same wheel: random input,
and nothing but inferences, one after the other. packager's harness feeds real photos with pre- and
postprocessing between the inferences. Each round runs both, the order turned each time, and takes
the ratio of the medians; the figure is the median ratio. On a busy machine it means little: both
medians are printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 100
AIM = 0.05


def litert_median(model: Path, threads: int) -> float:
    """Milliseconds, as LiteRT's tool says."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "result.json")
        subprocess.run(
            [sys.executable, "-m", "ai_edge_litert.tools.benchmark_litert_model",
             f"--model={model}", f"--num_threads={threads}", f"--num_runs={RUNS}",
             "--warmup_runs=20", f"--result_json={told}"],
            check=True, capture_output=True,
        )  # fmt: skip
        return float(json.loads(told.read_text())["latency"]["median_ms"])


def packager_median(model: Path, threads: int, data: Path | None) -> float:
    """Milliseconds of inference alone, as `packager bench` says."""
    from packager.bench.host import bench_on_host
    from packager.bench.plan import Plan

    (measured,) = bench_on_host(
        [model], data=data, plan=Plan(threads=(threads,), runs=RUNS)
    ).measurements
    median = measured.statistics().median
    assert median is not None, measured.skipped
    return median / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, help="photos; the demo set without it")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    for threads in map(int, given.threads.split(",")):
        ratios = []
        for number in range(given.rounds):
            if number % 2:
                ours = packager_median(given.model, threads, given.data)
                theirs = litert_median(given.model, threads)
            else:
                theirs = litert_median(given.model, threads)
                ours = packager_median(given.model, threads, given.data)
            ratios.append(ours / theirs)
            print(f"{threads} thread{'s' * (threads > 1)}, round {number + 1}: LiteRT {theirs:.2f} "
                  f"ms, packager {ours:.2f} ms, ratio {ratios[-1]:.3f}", flush=True)  # fmt: skip
        middle = statistics.median(ratios)
        print(f"{threads} thread{'s' * (threads > 1)}: median ratio {middle:.3f} "
              f"(aim: 1 within {AIM:.0%})", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
