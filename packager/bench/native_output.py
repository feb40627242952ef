"""Flags and output of TensorFlow's and LiteRT's benchmark_model, in every version.

Four forms are read. TensorFlow Lite to 2.1 sums up in "Average inference timings in us"; later
"Inference timings in us", since 2.16 with percentiles in the line of counts; LiteRT's own tool
prints a table in milliseconds. Sources: `tensorflow/lite/tools/benchmark/benchmark_model.cc`,
`tsl/util/stats_calculator.h`, LiteRT's `litert/tools/benchmark_litert_model.h`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from packager.errors import DeviceError

_NUMBER = r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
_SUMMARY = re.compile(
    rf"Inference timings in us: Init: {_NUMBER}, First inference: {_NUMBER}, "
    rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): {_NUMBER}"
)
_OLD_SUMMARY = re.compile(
    rf"Average inference timings in us: Warmup: {_NUMBER}, Init: {_NUMBER}, "
    rf"(?:no stats|Inference): {_NUMBER}"
)
_COUNT = re.compile(r"(?<![\w)])count=(\d+)((?: \w+=\S+)*)")
_TABLE = re.compile(rf"(Model initialization|\w+ \(\w+\)): +{_NUMBER}(?: ms)?(?: \((\d+) runs\))?")
_TABLE_HEAD = "= BENCHMARK RESULTS ="
_TABLES = re.compile(r"= BENCHMARK RESULTS =+\s.*?={20}", re.DOTALL)
_PEAK = re.compile(rf"(?:Overall peak memory footprint \(MB\).*: |Peak memory: +){_NUMBER}")
_DELEGATE = re.compile(r"xplicitly applied (\w+) delegate|(\w+) delegate is explicitly applied")
_PROFILE = ("Run Order", "Top by Computation Time", "Number of nodes executed", "Event: ")
_US, _MS = 1_000, 1_000_000


@dataclass(frozen=True)
class NativeRun:
    """One run of the tool; times in nanoseconds, in steps of what it prints.

    Attributes:
        init: load and compile together; first: the first inference, of the warm-up.
        warmup_runs, runs: how often; minimum, maximum, mean, deviation (of the population): of
            the measured runs; median and p95: None in versions that don't print them.
        peak_memory: bytes, None when it wasn't asked for or isn't known.
        delegated: None when the log doesn't say; else which delegate ran, and how much.
    """

    init: int
    first: int
    warmup_runs: int
    runs: int
    minimum: int
    maximum: int
    mean: int
    deviation: int
    median: int | None
    p95: int | None
    peak_memory: int | None
    delegated: str | None


def read_output(text: str) -> NativeRun:
    """Parses the tool's output, ignoring other lines.

    Raises:
        DeviceError: there is no result in it.
    """
    try:
        return _read(text)
    except (LookupError, ValueError, OverflowError):  # numbers may be without end
        said = "".join(f"\n  {line[:300]}" for line in text.strip().splitlines()[-8:])
        raise DeviceError(
            f"benchmark_model printed no result{said or ' and nothing else'}",
            fix="Run it on the phone by hand with the model, or try another version of the tool.",
        ) from None


def _read(text: str) -> NativeRun:
    init, sums, warmup, runs = _summary(text)
    counted = _counts(text)  # the same again, more exactly
    if counted:
        runs |= counted[-1]
    if len(counted) > 1:
        warmup |= counted[-2]
    mean = runs.get("avg", runs.get("curr", sums))  # after a single run, only "curr" is there
    first = warmup.get("first", warmup.get("curr", warmup["avg"]))
    median, p95 = runs.get("median"), runs.get("p95")
    return NativeRun(
        init=round(init),
        first=round(first),
        warmup_runs=int(warmup.get("count", 0)),
        runs=int(runs.get("count", 1)),
        minimum=round(runs.get("min", mean)),
        maximum=round(runs.get("max", mean)),
        mean=round(mean),
        deviation=round(runs.get("std", 0)),
        median=None if median is None else round(median),
        p95=None if p95 is None else round(p95),
        peak_memory=_peak(text),
        delegated=_delegated(text),
    )


def _summary(text: str) -> tuple[float, float, dict[str, float], dict[str, float]]:
    """Nanoseconds to begin, of a run, and what is known of the warm-up's runs and the others.

    Raises `LookupError` where there is none.
    """
    if found := _SUMMARY.search(text):
        init, first, warm, mean = (float(part) * _US for part in found.groups())
        return init, mean, {"first": first, "avg": warm}, {}
    if found := _OLD_SUMMARY.search(text):
        warm, init, mean = (float(part) * _US for part in found.groups())
        return init, mean, {"avg": warm}, {}
    # Once: where the first has no end, none has.
    table = _TABLES.match(text, max(text.find(_TABLE_HEAD), 0))
    if table is None:
        raise LookupError("no table that ends")
    cells = {name: (float(value) * _MS, count) for name, value, count in _TABLE.findall(table[0])}
    mean, count = cells["Inference (avg)"]
    warm, warm_count = cells["Warmup (avg)"]
    warmup = {"first": cells["Warmup (first)"][0], "avg": warm, "count": float(warm_count or 0)}
    runs = {"avg": mean, "count": float(count or 1)}
    for name in ("min", "max", "std"):
        if cell := cells.get(f"Inference ({name})"):
            runs[name] = cell[0]
    return cells["Model initialization"][0], mean, warmup, runs


def _counts(text: str) -> list[dict[str, float]]:
    """The lines "count=50 first=...", in nanoseconds: one of the warm-up, one of the runs."""
    rows = []
    for line in text.splitlines():
        found = _COUNT.search(line)
        # A profile has lines of its own.
        if found is None or found[1] == "0" or "Timings (" in line or "Memory (" in line:
            continue
        row = {"count": float(found[1])}
        for pair in found[2].split():
            name, _, value = pair.partition("=")
            if re.fullmatch(_NUMBER, value):
                row[name] = float(value) * _US
        rows.append(row)
    return rows


def _peak(text: str) -> int | None:
    found = _PEAK.search(text)
    return round(float(found[1]) * 2**20) if found else None


def _delegated(text: str) -> str | None:
    """Which delegate ran the graph, or how far: the tool's own words, shortened."""
    for line in text.splitlines():
        if found := _DELEGATE.search(line):
            name = found[1] or found[2]
            if "will not be executed" in line:
                return "CPU"
            return name if "completely" in line else f"{name} in part"
    return None


def read_profile(text: str) -> str:
    """The profile of operators, from where it begins; empty when there is none."""
    places = [text.find(start) for start in _PROFILE]
    begin = min((place for place in places if place >= 0), default=None)
    return "" if begin is None else text[text.rfind("\n", 0, begin) + 1 :]


def flags(
    known: frozenset[str], accelerator: str, threads: int | None, runs: int, seconds: int,
    warmup_runs: int, *, profile: bool = False,
) -> tuple[str, ...] | None:  # fmt: skip
    """The flags of one combination, or None where the tool can't run it.

    `known` are the flags that its --help lists; when it lists none, TensorFlow's are taken.
    """
    gpu = accelerator == "GPU"
    if accelerator == "NPU" or (gpu and known and "use_gpu" not in known):
        return None
    wanted = {
        "num_threads": str(threads) if threads else None,
        "use_xnnpack": "false" if gpu else "true",
        "use_cpu": "false" if gpu else "true",  # LiteRT's
        "use_gpu": "true" if gpu else "false",
        "num_runs": str(runs),
        "warmup_runs": str(warmup_runs),
        "warmup_min_secs": "0.5",
        "min_secs": "0",
        "max_secs": str(seconds),
        "enable_op_profiling": "true" if profile else None,
        "use_profiler": "true" if profile else None,  # LiteRT's
    }
    ours = known or frozenset(wanted) - {"use_cpu", "use_profiler"}
    return tuple(
        f"--{name}={value}" for name, value in wanted.items() if value is not None and name in ours
    )
