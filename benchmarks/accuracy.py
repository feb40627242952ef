"""What fine-tuning is worth: test top-1 and seconds of each mode, over several seeds.

    python benchmarks/accuracy.py --data PHOTOS [--spec lite0] [--modes none tail full]
        [--seeds 0 1 2 3 4] [--split 80/10/10]

A seed is another split, another order and another head. Each cell is the mean over the seeds and,
after ±, the standard deviation between them; float is the file before quantization, int8 the
one that is exported. Seconds are of the whole build, and of fine-tuning alone, with the frozen
backbone's features in the cache already for all but the first mode.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from packager.build import (
    AppSettings,
    BuildSettings,
    FineTuneSettings,
    ModelSettings,
    OutputSettings,
    PhotoSettings,
    build,
)

MODES = ("none", "tail", "full")
VIEWS = ("stretch", "crop")


def measure(data: Path, spec: str, mode: str, seed: int, split: str, out: Path) -> dict[str, float]:
    """One build: top-1 in percent, and seconds."""
    result = build(
        BuildSettings(
            model=ModelSettings(spec),
            photos=PhotoSettings(data, split),
            fine_tuning=FineTuneSettings(mode),
            app=AppSettings(android=False),
            output=OutputSettings(out),
            seed=seed,
        )
    )
    tuning = json.loads((out / "report.json").read_text())["fine_tuning"]
    return {
        **{f"float {view}": 100 * result.float_evaluation.top1(view) for view in VIEWS},
        **{f"int8 {view}": 100 * result.evaluation.top1(view) for view in VIEWS},
        "fine-tuning, s": result.seconds.get("fine-tuning", 0.0),
        "total, s": result.seconds["total"],
        "seeds it helped": float(tuning is not None and tuning["improved"]),
    }


def cell(name: str, values: Sequence[float]) -> str:
    if name == "seeds it helped":
        return f"{sum(values):.0f} of {len(values)}"
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--spec", default="lite0")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    parser.add_argument("--split", default="80/10/10")
    given = parser.parse_args()
    rows: dict[str, list[dict[str, float]]] = {mode: [] for mode in given.modes}
    for seed in given.seeds:
        for mode, measured in rows.items():
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder, "out")
                measured.append(measure(given.data, given.spec, mode, seed, given.split, out))
            print(f"seed {seed}, {mode}: {measured[-1]}", flush=True)
    names = list(next(iter(rows.values()))[0])
    print(f"\n{given.spec}, {len(given.seeds)} seeds, split {given.split}\n")
    print(f"| `--fine-tune` | {' | '.join(names)} |")
    print("|---" * (len(names) + 1) + "|")
    for mode, measured in rows.items():
        cells = (cell(name, [row[name] for row in measured]) for name in names)
        print(f"| `{mode}` | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
