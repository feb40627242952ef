"""The parts of benchmarks/accuracy.py that train nothing."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT


def test_rows_are_measured_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    script = importlib.import_module("accuracy")
    results, asked = tmp_path / "rows.jsonl", []

    def measure(case: dict[str, Any]) -> dict[str, Any]:
        asked.append(case["seed"])
        return {"float": 80.0}

    for count in (1, 2):
        rows = script.measured_rows([{"seed": seed} for seed in range(count)], measure, results)
    assert rows == [{"seed": 0, "float": 80.0}, {"seed": 1, "float": 80.0}]
    assert asked == [0, 1]
    assert script.read_rows(results) == rows
