"""`packager compare --device` on a real adbd: what is pushed, and what the rows get."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from packager.bench.results import INFERENCE, Metric, read_results, results_json
from packager.bench.settings import LatencySource
from packager.compare.latency import PHONE_BENCH_FILE, on_phone
from packager.data.folder import scan_folder
from tests.android_project.conftest import save_model
from tests.bench_device.test_harness import END, Bench, bench, measured, plan_script  # noqa: F401
from tests.compare.made_up import row

pytestmark = pytest.mark.slow


def test_rows_get_the_fastest_latency_of_the_phone(bench: Bench, photos: Path) -> None:  # noqa: F811
    made = row("lite0", "int8")
    assert made.model is not None
    (bench.work / made.model).parent.mkdir()
    shutil.copy(save_model(bench.work), bench.work / made.model)
    results = measured(3)
    timed = [
        dataclasses.replace(
            each, model_name=made.name, metrics={INFERENCE: Metric.of([milliseconds * 1_000_000])}
        )
        for each, milliseconds in zip(results.measurements, (9, 7, 8), strict=True)
    ]
    bench.phone.write(
        "phone/results-3.json",
        results_json(dataclasses.replace(results, measurements=tuple(timed))),
    )
    bench.instrument("ls $modelDir > /phone/models\n" + plan_script() + END)
    source = LatencySource(device=bench.phone.serial, apk=bench.apk)

    failed = dataclasses.replace(row("lite4"), model=None, sha256=None, error="no weights")
    found, nothing = on_phone([made, failed], bench.work, scan_folder(photos), source, ())

    assert (bench.phone.root / "phone/models").read_text().split() == [made.name]
    assert nothing.phone_latency_ms is None
    latency = found.phone_latency_ms
    assert latency is not None
    assert (latency.median, latency.accelerator, latency.threads) == (7.0, "CPU", 2)
    assert latency.device == "Acme Road Runner 9 (API 35)"
    assert len(read_results(bench.work / PHONE_BENCH_FILE).measurements) == 3
