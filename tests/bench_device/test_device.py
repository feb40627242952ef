"""What is refused before a phone is looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from packager.bench.device import bench_on_device
from packager.bench.plan import Plan
from packager.errors import SettingsError

FILE = Path("some")


@pytest.mark.parametrize(
    ("models", "options", "where", "what"),
    [
        ([], {}, "--project, --apk", "no harness was given"),
        ([], {"apk": FILE, "project": FILE}, "--project, --apk", "two harnesses"),
        ([], {"apk": FILE, "binary": FILE}, "--binary", "it needs --engine benchmark_model"),
        ([FILE], {"engine": "benchmark_model"}, "--binary", "the path of benchmark_model"),
        ([], {"engine": "benchmark_model", "binary": FILE}, "MODEL", "no model"),
        ([FILE], {"engine": "benchmark_model", "binary": FILE, "apk": FILE}, "--project, --apk",
         "doesn't use a harness"),
        ([FILE], {"engine": "benchmark_model", "binary": FILE, "data": FILE}, "--data", "random"),
        ([], {"apk": FILE, "data": FILE}, "--data", "its own model and photos"),
        ([FILE], {"apk": FILE, "profile": True}, "--profile", "it needs --engine benchmark_model"),
        ([FILE], {"apk": FILE, "plan": Plan(threads=(0,))}, "--threads", "out of range"),
        ([FILE], {"apk": FILE, "plan": Plan(runs=0)}, "--runs", "out of range"),
        ([], {"engine": "tflite"}, "--engine", "'tflite'"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_together(
    tmp_path: Path, models: list[Path], options: dict[str, Any], where: str, what: str
) -> None:
    with pytest.raises(SettingsError, match=what) as raised:
        bench_on_device(models, out=tmp_path / "out.json", **options)
    assert raised.value.where == where
