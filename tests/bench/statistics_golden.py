"""Writes statistics_golden.json: what numpy makes of fixed series, for Python and Kotlin alike.

python -m tests.bench.statistics_golden
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("statistics_golden.json")
COUNTS = (1, 2, 3, 10, 11, 99, 100, 251)


def series() -> dict[str, list[int]]:
    """Nanoseconds, by name: as measured (long tails), alike, tied, tiny, and hours long."""
    found = {
        f"{count} runs": np.random.default_rng(count).lognormal(16, 0.4, count).astype(int).tolist()
        for count in COUNTS
    }
    random = np.random.default_rng(7)
    return {
        **found,
        "all the same": [12_345_678] * 20,
        "two values": [1_000_000, 3_000_000] * 15,
        "zeros": [0, 0, 0],
        "descending": list(range(50, 0, -1)),
        "hours": random.integers(3_600_000_000_000, 2**53, 40).tolist(),
    }


def golden() -> list[dict[str, Any]]:
    """Each series with numpy's figures; the coefficient of variation is null for a mean of 0."""
    cases = []
    for name, samples in series().items():
        values = np.array(samples, np.float64)
        mean = float(values.mean())
        deviation = float(values.std(ddof=1)) if len(samples) > 1 else 0.0
        cases.append(
            {
                "name": name,
                "samples": samples,
                "count": len(samples),
                "minimum": int(values.min()),
                "maximum": int(values.max()),
                "mean": mean,
                "median": float(np.median(values)),
                "standardDeviation": deviation,
                "coefficientOfVariation": deviation / mean if mean else None,
                **{f"p{p}": float(np.percentile(values, p)) for p in (90, 95, 99)},
            }
        )
    return cases


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(case) for case in golden())
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
