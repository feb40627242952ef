"""What fine-tuning is worth: test top-1 and seconds of each mode, over several seeds.

    python benchmarks/accuracy.py --data PHOTOS rings [--spec lite0] [--modes none tail full auto]
        [--seeds 0 1 2 3 4] [--split 80/10/10] [--minutes 10] [--results FILE]

Each of --data is a task: photos, or "rings", which rings.py draws. A seed is another split, another
order and another head. Each cell is the mean over the seeds and, in brackets, its 95 % interval
(Student's t over the seeds); float is the file before quantization, int8 the exported one, both the
mean of the two views. "gain" is over `none` with the same seed. Seconds are of fine-tuning, trials
of `auto` included. With --results each build is appended to a file as it ends, and those that are
there already are not done again.

"kept": in how many seeds the tuned weights were better.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rings import draw_rings

from packager.build import (
    AppSettings,
    BuildSettings,
    FineTuneSettings,
    ModelSettings,
    OutputSettings,
    PhotoSettings,
    build,
)

MODES = ("none", "tail", "full", "auto")
RINGS = "rings"
_TUNING = ("import tensorflow", "trials of fine-tuning", "fine-tuning")  # phases


def measure(
    data: Path, spec: str, mode: str, seed: int, split: str, minutes: float
) -> dict[str, Any]:
    """One build: top-1 in percent, seconds, and what became of fine-tuning."""
    limits = {"minutes": minutes} if mode == "auto" else {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        result = build(
            BuildSettings(
                model=ModelSettings(spec),
                photos=PhotoSettings(data, split),
                fine_tuning=FineTuneSettings(mode, **limits),
                app=AppSettings(android=False),
                output=OutputSettings(out),
                seed=seed,
            )
        )
        facts = json.loads((out / "report.json").read_text())
    choice, tuned = facts["fine_tune_choice"], facts["fine_tuning"]
    plain, exported = (
        100 * statistics.mean(each.top1(view) for view in ("stretch", "crop"))
        for each in (result.float_evaluation, result.evaluation)
    )
    return {
        "float": plain,
        "int8": exported,
        "seconds": sum(result.seconds.get(name, 0.0) for name in _TUNING),
        "share": tuned["share"] if tuned else 0.0,
        "reason": choice["reason"] if choice else "",
    }


def task_photos(data: str, folder: Path) -> Path:
    """The photos of a task; rings are drawn in `folder`, once."""
    if data != RINGS:
        return Path(data)
    rings = folder / RINGS
    return rings if rings.exists() else draw_rings(rings)


def read_rows(results: Path | None) -> list[dict[str, Any]]:
    """What `measured_rows` wrote; nothing where there is no file yet."""
    if results is None or not results.exists():
        return []
    return [json.loads(line) for line in results.read_text().splitlines()]


def measured_rows(
    cases: Iterable[dict[str, Any]],
    measure: Callable[[dict[str, Any]], dict[str, Any]],
    results: Path | None,
) -> list[dict[str, Any]]:
    """All rows of `results`, and those of the cases that it lacks, which are appended to it as
    each is done."""
    rows = read_rows(results)
    for case in cases:
        if any(case.items() <= row.items() for row in rows):
            continue
        rows.append({**case, **measure(case)})
        print(json.dumps(rows[-1]), flush=True)
        if results:
            with results.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    return rows


def interval(values: Sequence[float]) -> str:
    """The mean, and with two values or more the 95 % interval of it (Student's t)."""
    from scipy.stats import t

    mean = statistics.mean(values)
    count = len(values)
    if count < 2:
        return f"{mean:.1f}"
    half = t.ppf(0.975, count - 1) * statistics.stdev(values) / math.sqrt(count)
    return f"{mean:.1f} ({mean - half:.1f} to {mean + half:.1f})"


def table(rows: Sequence[dict[str, Any]], modes: Sequence[str]) -> str:
    """Markdown: a line a mode, of the seeds that every mode has."""
    by_mode = {mode: {row["seed"]: row for row in rows if row["mode"] == mode} for mode in modes}
    seeds = sorted(set.intersection(*(set(found) for found in by_mode.values())))
    if not seeds:
        return "no seed has every mode"
    base = by_mode.get("none")
    lines = [
        f"{len(seeds)} seeds: {', '.join(map(str, seeds))}",
        "",
        "| `--fine-tune` | float | int8 | gain, float | gain, int8 | seconds | kept |",
        "|---|---|---|---|---|---|---|",
    ]
    for mode, found in by_mode.items():
        cells = [interval([found[seed][name] for seed in seeds]) for name in ("float", "int8")]
        for name in ("float", "int8"):
            gain = [found[seed][name] - base[seed][name] for seed in seeds] if base else []
            cells.append(interval(gain) if gain and mode != "none" else "")
        cells.append(f"{statistics.mean(found[seed]['seconds'] for seed in seeds):.0f}")
        cells.append(f"{sum(found[seed]['share'] > 0 for seed in seeds)} of {len(seeds)}")
        lines.append(f"| `{mode}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="folders of photos, or rings")
    parser.add_argument("--spec", default="lite0")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    parser.add_argument("--split", default="80/10/10")
    parser.add_argument("--minutes", type=float, default=10.0, help="of auto")
    parser.add_argument("--results", type=Path, help="JSON lines, read and appended to")
    given = parser.parse_args()
    cases = [
        {"data": data, "spec": given.spec, "mode": mode, "seed": seed}
        for seed in given.seeds
        for data in given.data
        for mode in given.modes
    ]
    with tempfile.TemporaryDirectory() as folder:
        rows = measured_rows(
            cases,
            lambda case: measure(
                task_photos(case["data"], Path(folder)),
                case["spec"], case["mode"], case["seed"], given.split, given.minutes,
            ),
            given.results,
        )  # fmt: skip
    for data in given.data:
        print(f"\n{given.spec}, {data}, split {given.split}; ", end="")
        own = [row for row in rows if (row["data"], row["spec"]) == (data, given.spec)]
        print(table([row for row in own if row["seed"] in given.seeds], given.modes))


if __name__ == "__main__":
    main()
