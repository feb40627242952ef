"""The parts of benchmarks/accuracy.py that train nothing."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def test_rows_are_measured_once(script: ModuleType, tmp_path: Path) -> None:
    results, asked = tmp_path / "rows.jsonl", []

    def measure(case: dict[str, Any]) -> dict[str, Any]:
        asked.append(case["seed"])
        return {"float": 80.0}

    for count in (1, 2):
        rows = script.measured_rows([{"seed": seed} for seed in range(count)], measure, results)
    assert rows == [{"seed": 0, "float": 80.0}, {"seed": 1, "float": 80.0}]
    assert asked == [0, 1]
    assert script.read_rows(results) == rows


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([90.0], "90.0"),
        ([1.0, 2.0], "1.5 (-4.9 to 7.9)"),  # 12.706 standard errors
        ([0.0, 1.0] * 15, "0.5 (0.3 to 0.7)"),  # 2.045 of them
    ],
)
def test_interval(values: list[float], text: str, script: ModuleType) -> None:
    assert script.interval(values) == text
