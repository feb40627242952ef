"""Latencies of all models under the same conditions: here, on a phone, or from result files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packager.bench.plan import Plan
from packager.bench.results import Measurement, Metric, Results, read_results, write_results
from packager.bench.settings import LatencySource
from packager.compare.rows import Latency, PhoneLatency, Row
from packager.errors import SettingsError
from packager.progress import SILENT, Progress

if TYPE_CHECKING:
    from packager.data.folder import PhotoFolder


HOST_BENCH_FILE = "bench.json"
PHONE_BENCH_FILE = "bench-phone.json"


def check_source(source: LatencySource) -> tuple[Results, ...]:
    """Reads the files and looks for the phone, before anything is built.

    Raises `SettingsError` (results of several), `BenchError` (a file), `DeviceError` (no phone).
    """
    from packager.bench.comparison import device_name
    from packager.bench.phone import find_phone

    if source.device is not None:
        find_phone(source.device or None)
    results = tuple(read_results(path) for path in source.bench)
    devices = sorted({device_name(each.context) for each in results})
    if len(devices) > 1:
        raise SettingsError(
            f"the results are of several devices ({', '.join(devices)})",
            where="--bench",
            fix="Give results of one device: latencies of different devices can't be compared.",
        )
    return results


def on_host(
    rows: Sequence[Row],
    out: Path,
    photos: PhotoFolder,
    source: LatencySource,
    *,
    progress: Progress = SILENT,
) -> list[Row]:
    """The rows, whose models lie in `out`, with latencies measured now; OUT/bench.json has all.

    Raises `BenchError` when not one could be measured.
    """
    models = [out / row.model for row in rows if row.model is not None]
    results = _in_two_rounds(models, photos, source, progress)
    write_results(results, out / HOST_BENCH_FILE)
    found = {
        each.model_name: Latency(*_milliseconds(each), each.threads)
        for each in results.measurements
        if not each.skipped
    }
    return [replace(row, host_latency_ms=found.get(row.name)) for row in rows]


def on_phone(
    rows: Sequence[Row],
    out: Path,
    photos: PhotoFolder,
    source: LatencySource,
    given: Sequence[Results],
    *,
    progress: Progress = SILENT,
) -> list[Row]:
    """The rows with latencies of the results `given`, or measured on the source's phone.

    OUT/bench-phone.json has what was measured. Raises what `bench_on_device` raises.
    """
    from packager.bench.device import bench_on_device

    if source.device is not None:
        given = [
            bench_on_device(
                [out / row.model for row in rows if row.model is not None],
                serial=source.device or None,
                apk=source.apk,
                project=source.project,
                data=photos,
                out=out / PHONE_BENCH_FILE,
                plan=Plan(runs=source.runs),
                progress=progress,
            )
        ]
    found = phone_latencies(given, {row.name: row.sha256 for row in rows if row.sha256})
    for row in rows:
        if row.model is not None and row.name not in found:
            progress.warn(f"{row.name} has no latency in the results of the phone")
    return [replace(row, phone_latency_ms=found.get(row.name)) for row in rows]


def _in_two_rounds(
    models: Sequence[Path], photos: PhotoFolder, source: LatencySource, progress: Progress
) -> Results:
    """Half of the runs of each model in order, the other half in reverse.

    So a machine that gets slower or busier meanwhile does so for all of them alike.
    """
    from packager.bench.host import bench_on_host

    halves = [runs for runs in (source.runs - source.runs // 2, source.runs // 2) if runs]
    first, *rest = (
        bench_on_host(
            models[::-1] if number else models,
            data=photos,
            plan=Plan(threads=(source.threads,), runs=runs),
            progress=progress,
        )
        for number, runs in enumerate(halves)
    )
    measured = list(first.measurements)
    for results in rest:
        again = {each.model_name: each for each in results.measurements}
        measured = [_joined(each, again[each.model_name]) for each in measured]
    return replace(first, measurements=tuple(measured))


def _joined(one: Measurement, other: Measurement) -> Measurement:
    """Both rounds of a model as one measurement; a round that failed fails it."""
    if one.skipped or other.skipped:
        return one if one.skipped else other
    worse = max(
        (each.predictions for each in (one, other) if each.predictions),
        key=lambda checked: checked.wrong,
        default=None,
    )
    return replace(
        one,
        metrics={
            name: Metric.of((*metric.runs, *other.metrics[name].runs))
            for name, metric in one.metrics.items()
        },
        steady=one.steady and other.steady,
        warmup_iterations=one.warmup_iterations + other.warmup_iterations,
        total_run_time_ns=one.total_run_time_ns + other.total_run_time_ns,
        peak_memory_bytes=max(one.peak_memory_bytes or 0, other.peak_memory_bytes or 0) or None,
        predictions=worse,
    )


def phone_latencies(
    results: Iterable[Results], digests: Mapping[str, str]
) -> dict[str, PhoneLatency]:
    """The fastest right measurement of each model.

    Args:
        digests: SHA-256 of the models, by name. A measurement belongs to the model of its
            digest; where a model has none, to that of its name.
    """
    from packager.bench.comparison import device_name

    names = {digest: name for name, digest in digests.items()}
    found: dict[str, PhoneLatency] = {}
    for result in results:
        for each in result.measurements:
            name, matched = names.get(each.model.sha256 if each.model else ""), "sha256"
            if name is None:
                name, matched = each.model_name, "name"
            mean, median = _milliseconds(each)
            wrong = each.predictions is not None and each.predictions.wrong > 0
            if name not in digests or wrong or (mean is None and median is None):
                continue
            accelerator = each.actual.accelerator if each.actual else each.accelerator
            latency = PhoneLatency(
                mean, median, each.threads if accelerator == "CPU" else None,
                accelerator, device_name(result.context), matched,
            )  # fmt: skip
            if name not in found or _rank(latency) < _rank(found[name]):
                found[name] = latency
    return found


def _rank(latency: PhoneLatency) -> tuple[bool, float]:
    return latency.matched != "sha256", latency.milliseconds


def _milliseconds(each: Measurement) -> tuple[float | None, float | None]:
    said = each.statistics()
    mean, median = (
        None if nanoseconds is None else round(nanoseconds / 1e6, 4)
        for nanoseconds in (said.mean, said.median)
    )
    return mean, median
