"""Measurements side by side: fastest first, each with warnings about its reliability."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from packager.bench.farm import read_farm
from packager.bench.results import (
    END_TO_END,
    INFERENCE,
    POSTPROCESS,
    PREPROCESS,
    Context,
    Measurement,
    Source,
    read_results,
)
from packager.errors import BenchError
from packager.files import write_output
from packager.spreadsheet import csv_text

FEW_RUNS = 30  # below it, p95 and p99 are no more than the slowest run
WIDE_SPREAD = 0.10  # standard deviation / mean
_HOT = 2  # Android's THERMAL_STATUS_MODERATE: from here on a phone slows down noticeably


@dataclass(frozen=True)
class Row:
    """One measurement; times in nanoseconds, of inference alone unless stated otherwise.

    Attributes:
        source: its `Source`; device: what it ran on; engine: "litert" or "benchmark_model".
        accelerator, threads: as requested; ran_on: the accelerator that really ran, "" if unknown.
        latency_ns: the median, or the mean where a native tool printed no median.
        ratio: to the fastest row whose predictions aren't wrong.
        spread: standard deviation / mean.
        runs: number of runs; runs_ns: the raw ones, in order.
        wrong: predictions that differ from packager's own, out of `checked`; correct: correct
            predictions, out of `labelled` photos of known class.
        warnings: sentences without a full stop.
    """

    source: str
    device: str
    engine: str
    runtime: str
    model: str
    accelerator: str
    threads: int | None
    ran_on: str
    latency_ns: float
    ratio: float
    spread: float | None
    runs: int
    mean_ns: float | None
    minimum_ns: float | None
    maximum_ns: float | None
    standard_deviation_ns: float | None
    p90_ns: float | None
    p95_ns: float | None
    p99_ns: float | None
    preprocess_ns: float | None
    postprocess_ns: float | None
    end_to_end_ns: float | None
    load_ns: int | None
    compile_ns: int | None
    first_inference_ns: int | None
    model_bytes: int | None
    peak_memory_bytes: int | None
    photos: int | None
    checked: int
    wrong: int
    labelled: int
    correct: int
    warnings: tuple[str, ...]
    runs_ns: tuple[float, ...]


@dataclass(frozen=True)
class Skip:
    """A combination that wasn't measured, and why."""

    source: str
    device: str
    model: str
    accelerator: str
    threads: int | None
    reason: str


@dataclass(frozen=True)
class Comparison:
    """Rows by latency, skipped combinations, and the parts of the files that can't be read."""

    rows: tuple[Row, ...]
    skipped: tuple[Skip, ...]
    unread: tuple[str, ...]


def compare_files(paths: Sequence[Path]) -> Comparison:
    """Compares result files; a folder means the results of a device farm in it.

    Raises `BenchError` when one can't be read or holds no latency.
    """
    if not paths:
        raise BenchError("there is nothing to compare", fix="Give one or more result files.")
    sources: list[Source] = []
    missing: list[str] = []
    for path, name in zip(paths, _short_names(paths), strict=True):
        if path.is_dir():
            farm = read_farm(path)
            sources += farm.sources
            missing += farm.unread
        else:
            sources.append(Source(name, read_results(path)))
    return compare(sources, unread=missing)


def compare(sources: Sequence[Source], *, unread: Sequence[str] = ()) -> Comparison:
    """Sorts by the median of inference. Raises `BenchError` when nothing was measured."""
    rows: list[Row] = []
    skipped: list[Skip] = []
    notes = list(unread)
    for source in sources:
        place = f"{source.name}: " if source.name else ""
        notes += [f"{place}{note}" for note in source.results.unread]
        context = source.results.context
        device = device_name(context)
        for each in source.results.measurements:
            if each.skipped is not None:
                skipped.append(Skip(source.name, device, each.model_name, each.accelerator,
                                    each.threads, each.skipped))  # fmt: skip
            elif _latency(each) is None:
                notes.append(f"{place}{each.name or each.model_name} has no {INFERENCE}")
            else:
                rows.append(_row(source.name, device, context, each))
    if not rows:
        reason = f" ({skipped[0].reason})" if skipped else ""
        raise BenchError(
            f"nothing was measured{reason}",
            where=sources[0].name if sources else None,
            fix="Measure again: packager bench MODEL --out RESULT.json.",
        )
    right = [row.latency_ns for row in rows if not row.wrong]
    best = min(right or [row.latency_ns for row in rows])
    rows.sort(key=lambda row: row.latency_ns)
    return Comparison(tuple(_with_ratio(row, best) for row in rows), tuple(skipped), tuple(notes))


def device_name(context: Context) -> str:
    """The name of the device: "Google Pixel 8 (Android 34)"."""
    build = context.build
    brand = build.brand if build.brand != "host" else ""
    if brand and not build.model.lower().startswith(brand.lower()):
        name = f"{brand[:1].upper()}{brand[1:]} {build.model}"
    else:
        name = build.model or build.device or "an unknown device"
    return f"{name} (API {build.sdk})" if build.sdk else name


def write_csv(comparison: Comparison, path: Path) -> None:
    """One line per row, times in nanoseconds, without the raw runs."""
    names = [field.name for field in fields(Row) if field.name != "runs_ns"]
    rows = ([getattr(row, name) for name in names] for row in comparison.rows)
    lines = (["; ".join(v) if isinstance(v, tuple) else v for v in row] for row in rows)
    write_output(path, csv_text(names, lines))


def _latency(each: Measurement) -> float | None:
    said = each.statistics()
    return said.mean if said.median is None else said.median


def _row(source: str, device: str, context: Context, each: Measurement) -> Row:
    said, checked = each.statistics(), each.predictions
    latency = _latency(each)
    assert latency is not None
    inference = each.metrics[INFERENCE]
    return Row(
        source=source,
        device=device,
        engine=context.engine,
        runtime=context.runtime,
        model=each.model_name,
        accelerator=each.accelerator,
        threads=each.threads,
        ran_on=each.actual.accelerator if each.actual else "",
        latency_ns=latency,
        ratio=1.0,
        spread=said.coefficient_of_variation,
        runs=said.count,
        mean_ns=said.mean,
        minimum_ns=said.minimum,
        maximum_ns=said.maximum,
        standard_deviation_ns=said.standard_deviation,
        p90_ns=said.p90,
        p95_ns=said.p95,
        p99_ns=said.p99,
        preprocess_ns=each.statistics(PREPROCESS).median,
        postprocess_ns=each.statistics(POSTPROCESS).median,
        end_to_end_ns=each.statistics(END_TO_END).median,
        load_ns=each.load_ns,
        compile_ns=each.compile_ns,
        first_inference_ns=each.first_inference_ns,
        model_bytes=each.model.bytes if each.model else None,
        peak_memory_bytes=each.peak_memory_bytes,
        photos=each.photos,
        checked=checked.checked if checked else 0,
        wrong=checked.wrong if checked else 0,
        labelled=checked.labelled if checked else 0,
        correct=checked.correct if checked else 0,
        warnings=tuple(warnings(context, each)),
        runs_ns=inference.runs,
    )


def warnings(context: Context, each: Measurement) -> Iterator[str]:
    """Warnings about a measurement's reliability, the most serious first."""
    said, checked, actual = each.statistics(), each.predictions, each.actual
    if checked and checked.wrong:
        yield f"wrong: {checked.wrong} of {checked.checked} predictions"
    if each.failed:
        yield " ".join(each.failed.split())
    if actual and each.accelerator and actual.accelerator != each.accelerator:
        yield f"ran on {actual.accelerator}, not {each.accelerator}"
    if context.interrupted:
        yield f"interrupted ({context.interrupted})"
    hottest = max(context.thermal_before or 0, context.thermal_after or 0)
    if each.throttled or each.throttle_sleep_seconds or hottest >= _HOT:
        waited = each.throttle_sleep_seconds
        yield "throttled" + (f", {waited:g} s waited to cool down" if waited else "")
    if context.battery_saver:
        yield "battery saver on"
    if context.cpu_locked is False:
        yield "clocks not locked"
    if each.steady is False:
        yield "not steady after warming up"
    if said.count < FEW_RUNS:
        yield f"{said.count} runs only" if said.count else "number of runs unknown"
    spread = said.coefficient_of_variation
    if spread is not None and spread > WIDE_SPREAD:
        yield f"spread over {100 * WIDE_SPREAD:.0f} %"
    if each.threads and context.cpu_cores and each.threads > context.cpu_cores:
        yield f"{each.threads} threads on {context.cpu_cores} cores"
    if context.build.model.startswith(("sdk_gphone", "Android SDK built for")):
        yield "an emulator"


def _with_ratio(row: Row, best: float) -> Row:
    return replace(row, ratio=row.latency_ns / best if best else 1.0)


def _short_names(paths: Sequence[Path]) -> list[str]:
    """Each file's name; with its folders where two are called the same."""
    names = [path.name for path in paths]
    return [
        path.name if names.count(path.name) == 1 else str(path) for path in paths
    ]  # fmt: skip
