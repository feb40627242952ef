"""Results that nobody measured, for the tests of what is made of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from packager.bench.results import (
    END_TO_END,
    INFERENCE,
    POSTPROCESS,
    PREPROCESS,
    Actual,
    BenchedModel,
    Build,
    Context,
    Measurement,
    Metric,
    Predictions,
    Results,
)

PHONE = Context(
    build=Build("google", "shiba", "Pixel 8", "google/shiba/shiba:15/AP31", "AP31", "user",
                "REL", 35),
    source="phone",
    engine="litert",
    runtime="LiteRT 2.3.0",
    cpu_cores=9,
    cpu_locked=True,
    cpu_max_hz=2_910_000_000,
    memory_bytes=7_800_000_000,
    compilation_mode="speed",
    soc="Google Tensor G3",
    abi="arm64-v8a",
    android_build="AP31.240617.003",
    battery_saver=False,
    thermal_before=0,
    thermal_after=0,
    started_at="2026-11-24T10:00:00+00:00",
)  # fmt: skip


def runs(milliseconds: float, count: int = 100, seed: int = 0) -> tuple[int, ...]:
    """Around so many, in nanoseconds, a few percent apart."""
    random = np.random.default_rng(seed)
    return tuple(int(1e6 * milliseconds * factor) for factor in random.normal(1, 0.02, count))


def measured(
    model: str = "flowers", milliseconds: float = 10.0, count: int = 100, **changes: Any
) -> Measurement:
    """One that gives no reason to doubt it."""
    found = Measurement(
        model_name=model,
        accelerator="CPU",
        threads=2,
        model=BenchedModel("model.tflite", "ab" * 32, 3_978_606, "lite0", "int8"),
        actual=Actual("CPU", "XNNPACK, 2 threads"),
        metrics={
            INFERENCE: Metric.of(runs(milliseconds, count)),
            PREPROCESS: Metric.of(runs(1.5, count, 1)),
            POSTPROCESS: Metric.of(runs(0.05, count, 2)),
            END_TO_END: Metric.of(runs(milliseconds + 1.6, count, 3)),
        },
        load_ns=1_200_000,
        compile_ns=8_000_000,
        first_inference_ns=14_000_000,
        steady=True,
        warmup_iterations=20,
        total_run_time_ns=2_000_000_000,
        throttled=False,
        peak_memory_bytes=12_500_000,
        predictions=Predictions(20, 0, (), 20, 17),
        photos=20,
        name=f"classify[{model},CPU,2]",
    )
    return dataclasses.replace(found, **changes)


def results(*measurements: Measurement, **changes: Any) -> Results:
    """On a phone."""
    return Results(dataclasses.replace(PHONE, **changes), measurements or (measured(),))
