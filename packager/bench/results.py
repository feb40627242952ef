"""Measured latencies and their file: androidx.benchmark's JSON layout, with our own fields added.

Times are nanoseconds of a monotonic clock. None means unknown.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packager import __version__, files
from packager.errors import BenchError, OutputError
from packager.reading import RECORD_BYTES, read_file
from packager.record import as_json, parse_json

FORMAT = 1
INFERENCE, PREPROCESS, POSTPROCESS, END_TO_END = METRICS = (
    "timeNs", "preprocessNs", "postprocessNs", "endToEndNs",
)  # fmt: skip
_OURS = "packager"  # the key of our own fields
_CLASS = "packager.ClassifyBenchmark"


@dataclass(frozen=True)
class Statistics:
    """Statistics of a series of times.

    The standard deviation is a sample's (divided by count - 1; 0 for a single run), percentiles
    are interpolated linearly between the two nearest runs, as numpy does.
    """

    count: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    median: float | None = None
    standard_deviation: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None

    @property
    def coefficient_of_variation(self) -> float | None:
        """Standard deviation / mean."""
        if self.standard_deviation is None or not self.mean:
            return None
        return self.standard_deviation / self.mean


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Of times in ascending order, at least one; `percent` is 0..100."""
    place = percent / 100 * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def summarise(runs: Sequence[float]) -> Statistics:
    """Statistics of raw runs; of none, a count of 0."""
    if not runs:
        return Statistics(0)
    ordered, count = sorted(runs), len(runs)
    mean = math.fsum(ordered) / count
    squares = math.fsum((run - mean) ** 2 for run in ordered)
    return Statistics(
        count=count,
        minimum=ordered[0],
        maximum=ordered[-1],
        mean=mean,
        median=percentile(ordered, 50),
        standard_deviation=math.sqrt(squares / (count - 1)) if count > 1 else 0.0,
        p90=percentile(ordered, 90),
        p95=percentile(ordered, 95),
        p99=percentile(ordered, 99),
    )


@dataclass(frozen=True)
class Metric:
    """Raw runs and their statistics; a native tool may only print the statistics."""

    runs: tuple[float, ...]
    statistics: Statistics

    @classmethod
    def of(cls, runs: Sequence[float]) -> Metric:
        """Of raw runs, with their statistics."""
        return cls(tuple(runs), summarise(runs))


@dataclass(frozen=True)
class BenchedModel:
    """A model file: name, digest and size in bytes, and how it was made, where that's known."""

    file: str
    sha256: str
    bytes: int | None
    spec: str | None = None
    quantization: str | None = None


@dataclass(frozen=True)
class Actual:
    """The accelerator that really ran, "CPU", "GPU" or "NPU", with an explanation."""

    accelerator: str
    description: str = ""


@dataclass(frozen=True)
class Predictions:
    """Comparison of predictions with packager's own evaluation of the file.

    Attributes:
        checked: number of photos compared; wrong: how many differ; wrong_photos: which.
        labelled: number of photos of known class; correct: how many predictions were correct.
    """

    checked: int
    wrong: int
    wrong_photos: tuple[str, ...] = ()
    labelled: int = 0
    correct: int = 0


@dataclass(frozen=True)
class Measurement:
    """One model on one accelerator with one number of threads.

    Attributes:
        model_name: display name of the model: "flowers-lite0-int8".
        accelerator: "CPU", "GPU" or "NPU", as requested; threads: of the CPU.
        metrics: by name, see `METRICS`; empty when it was skipped.
        skipped: why nothing was measured.
        failed: why it ended early; the runs before that are kept.
        steady: whether warming up ended in a steady state.
        throttle_sleep_seconds: waited for the phone to cool down.
        photos: how many were fed in turn.
        name, class_name: as androidx.benchmark has them; made up from the others when empty.
    """

    model_name: str
    accelerator: str
    threads: int | None
    model: BenchedModel | None = None
    actual: Actual | None = None
    skipped: str | None = None
    failed: str | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    load_ns: int | None = None
    compile_ns: int | None = None
    first_inference_ns: int | None = None
    steady: bool | None = None
    warmup_iterations: int = 0
    total_run_time_ns: int = 0
    throttle_sleep_seconds: float = 0
    throttled: bool | None = None
    peak_memory_bytes: int | None = None
    predictions: Predictions | None = None
    photos: int | None = None
    name: str = ""
    class_name: str = _CLASS

    def statistics(self, metric: str = INFERENCE) -> Statistics:
        """Of a metric; with a count of 0 when it wasn't measured."""
        found = self.metrics.get(metric)
        return found.statistics if found else Statistics(0)


@dataclass(frozen=True)
class Build:
    """The device, in Android's words; `sdk` is 0 off Android."""

    brand: str
    device: str
    model: str
    fingerprint: str = ""
    id: str = ""
    type: str = "user"
    codename: str = ""
    sdk: int = 0


@dataclass(frozen=True)
class Context:
    """Where and when the measurements were made.

    Attributes:
        source: "host" or "phone"; empty for files of androidx.benchmark itself.
        engine: "litert" or "benchmark_model"; runtime: "LiteRT 2.3.0".
        cpu_locked: whether the clocks stand still.
        thermal_before, thermal_after: Android's THERMAL_STATUS, 0 (none) to 6 (shutdown).
        started_at: ISO 8601, UTC.
        interrupted: why measurements are missing at the end.
    """

    build: Build
    source: str = ""
    engine: str = ""
    runtime: str = ""
    cpu_cores: int | None = None
    cpu_locked: bool | None = None
    cpu_max_hz: int | None = None
    memory_bytes: int | None = None
    sustained_performance: bool = False
    compilation_mode: str = ""
    soc: str | None = None
    abi: str = ""
    android_build: str | None = None
    battery_saver: bool | None = None
    thermal_before: int | None = None
    thermal_after: int | None = None
    started_at: str = ""
    interrupted: str | None = None
    version: str = __version__


@dataclass(frozen=True)
class Results:
    """A file of measurements; `unread` says what in it was damaged and skipped."""

    context: Context
    measurements: tuple[Measurement, ...]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """Results and their display name: their file, or a device of a farm."""

    name: str
    results: Results


def benchmark_name(model: str, accelerator: str, threads: int | None) -> str:
    """androidx.benchmark's name of a measurement: a method and its parameters."""
    parts = [model, accelerator, *([] if threads is None else [str(threads)])]
    return f"classify[{','.join(parts)}]"


def write_results(results: Results, path: Path) -> None:
    """Writes the file, whole or not at all. Raises `OutputError` when it can't be written."""
    try:
        files.write_text(path, results_json(results))
    except OSError as error:
        raise OutputError(
            f"the results can't be written ({error.strerror or error})",
            where=path,
            fix="Name another file, or free some space.",
        ) from error


def results_json(results: Results) -> str:
    """The file's text; ends with a newline."""
    content = {
        "context": _context_json(results.context),
        "benchmarks": [_measurement_json(each) for each in results.measurements],
    }
    return as_json(content, indent=1)


def _context_json(context: Context) -> dict[str, Any]:
    build = context.build
    return {
        "build": {
            "brand": build.brand,
            "device": build.device,
            "fingerprint": build.fingerprint,
            "id": build.id,
            "model": build.model,
            "type": build.type,
            "version": {"codename": build.codename, "sdk": build.sdk},
        },
        "cpuCoreCount": context.cpu_cores,
        "cpuLocked": context.cpu_locked,
        "cpuMaxFreqHz": context.cpu_max_hz,
        "memTotalBytes": context.memory_bytes,
        "sustainedPerformanceModeEnabled": context.sustained_performance,
        "artMainlineVersion": -1,
        "osCodenameAbbreviated": "",
        "compilationMode": context.compilation_mode,
        _OURS: {
            "format": FORMAT,
            "version": context.version,
            "source": context.source,
            "engine": context.engine,
            "runtime": context.runtime,
            "soc": context.soc,
            "abi": context.abi,
            "androidBuild": context.android_build,
            "batterySaver": context.battery_saver,
            "thermalStatusBefore": context.thermal_before,
            "thermalStatusAfter": context.thermal_after,
            "startedAt": context.started_at,
            "interrupted": context.interrupted or False,
        },
    }


def _measurement_json(each: Measurement) -> dict[str, Any]:
    model, actual, checked = each.model, each.actual, each.predictions
    requested = {"accelerator": each.accelerator, "threads": each.threads}
    return {
        "name": each.name or benchmark_name(each.model_name, each.accelerator, each.threads),
        "params": {"model": each.model_name, "accelerator": each.accelerator}
        | ({} if each.threads is None else {"threads": str(each.threads)}),  # strings there
        "className": each.class_name,
        "totalRunTimeNs": each.total_run_time_ns,
        "metrics": {name: _metric_json(metric) for name, metric in each.metrics.items()},
        "sampledMetrics": {},
        "warmupIterations": each.warmup_iterations,
        "repeatIterations": 1,
        "thermalThrottleSleepSeconds": each.throttle_sleep_seconds,
        _OURS: {
            "model": model
            and {
                "file": model.file,
                "sha256": model.sha256,
                "bytes": model.bytes,
                "spec": model.spec,
                "quantization": model.quantization,
            },
            "requested": requested,
            "actual": actual
            and {"accelerator": actual.accelerator, "description": actual.description},
            "skipped": each.skipped,
            "failed": each.failed,
            "loadNs": each.load_ns,
            "compileNs": each.compile_ns,
            "firstInferenceNs": each.first_inference_ns,
            "steady": each.steady,
            "statistics": {
                name: {
                    "count": metric.statistics.count,
                    "mean": metric.statistics.mean,
                    "standardDeviation": metric.statistics.standard_deviation,
                    "p90": metric.statistics.p90,
                    "p95": metric.statistics.p95,
                    "p99": metric.statistics.p99,
                }
                for name, metric in each.metrics.items()
            },
            "peakMemoryBytes": each.peak_memory_bytes,
            "throttled": each.throttled,
            "predictions": checked
            and {
                "checked": checked.checked,
                "wrong": checked.wrong,
                "wrongPhotos": list(checked.wrong_photos),
                "labelled": checked.labelled,
                "correct": checked.correct,
            },
            "photos": each.photos,
        },
    }


def _metric_json(metric: Metric) -> dict[str, Any]:
    said = metric.statistics
    return {
        "minimum": said.minimum,
        "maximum": said.maximum,
        "median": said.median,
        "coefficientOfVariation": said.coefficient_of_variation,
        "runs": list(metric.runs),
    }


def read_results(path: Path) -> Results:
    """Reads a file of packager's or of androidx.benchmark, as far as possible.

    Damaged parts are skipped and reported in `Results.unread`: a truncated file gives the
    measurements before the cut.

    Raises:
        BenchError: there is no such file, it is none of these, it is of a newer format, or there
            is nothing in it.
    """
    try:
        content = read_file(path, RECORD_BYTES)
    except OSError as error:
        raise BenchError(
            f"can't be read ({error.strerror or error})",
            where=path,
            fix="Give a file that `packager bench --out`, the app or the phone's harness wrote.",
        ) from error
    return parse_results(content, where=path)


def parse_results(content: bytes, *, where: str | Path | None = None) -> Results:
    """`read_results` of a file's bytes."""
    unread: list[str] = []
    whole = _parse(content.decode(json.detect_encoding(content), "replace"), unread)
    if whole is None or not isinstance(whole.get("benchmarks"), list):
        raise BenchError(
            "this is not a file of benchmark results",
            where=where,
            fix="Give the JSON that `packager bench --out`, the app, the phone's harness or "
            "androidx.benchmark wrote.",
        )
    context = _Fields(whole.get("context"), "context", unread)
    made = context.inner(_OURS).whole("format")
    if made is not None and made > FORMAT:
        raise BenchError(
            f"the file has format {made}, but this packager reads up to {FORMAT}",
            where=where,
            fix="Update packager.",
        )
    measurements = []
    for number, entry in enumerate(whole["benchmarks"]):
        fields = _Fields(entry, f"benchmarks[{number}]", unread)
        measurement = _measurement(fields)
        if measurement is not None:
            measurements.append(measurement)
    if not measurements:
        raise BenchError(
            "no measurement in this file can be read",
            where=where,
            fix="Measure again." + (f" It is damaged: {unread[0]}." if unread else ""),
        )
    return Results(_context(context), tuple(measurements), tuple(unread))


def _parse(text: str, unread: list[str]) -> dict[str, Any] | None:
    text = text.removeprefix("\ufeff")
    try:
        whole = parse_json(text)
    except ValueError:
        return _salvaged(text, unread)
    return whole if isinstance(whole, dict) else None


def _salvaged(text: str, unread: list[str]) -> dict[str, Any] | None:
    """The complete parts of a file that is truncated, or has other content around it."""
    decoder = json.JSONDecoder()
    begin = re.search(r'"benchmarks"\s*:\s*\[', text)
    if begin is None:
        return None
    found: dict[str, Any] = {"benchmarks": []}
    try:
        if context := re.search(r'"context"\s*:\s*', text):
            found["context"] = decoder.raw_decode(text, context.end())[0]
    except (ValueError, RecursionError):
        unread.append("context is damaged")
    place, gap = begin.end(), re.compile(r"[\s,]*")
    while True:
        match = gap.match(text, place)
        place = match.end() if match else place
        try:
            entry, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            break
        found["benchmarks"].append(entry)
    if not text.startswith("]", place):
        unread.append(f"the file is cut short or damaged after {len(found['benchmarks'])} whole "
                      "measurements")  # fmt: skip
    elif "context" not in found:
        unread.append("context is missing")
    return found


class _Fields:
    """A JSON object read by field; a value of another type is noted and treated as missing."""

    def __init__(self, value: Any, where: str, unread: list[str]) -> None:
        self.where, self.unread = where, unread
        if value is not None and not isinstance(value, dict):
            self._note("")
        self.values: dict[str, Any] = value if isinstance(value, dict) else {}

    def inner(self, key: str) -> _Fields:
        return _Fields(self.values.get(key), f"{self.where}.{key}", self.unread)

    def text(self, key: str, default: str = "") -> str:
        return self._take(key, str) or default

    def text_or_none(self, key: str) -> str | None:
        value: str | None = self._take(key, str)
        return value

    def truth(self, key: str) -> bool | None:
        value: bool | None = self._take(key, bool)
        return value

    def number(self, key: str) -> float | None:
        """Not negative and finite."""
        value = self.values.get(key)
        if value is None or is_time(value):
            return value
        if value != -1:  # androidx's "not known"
            self._note(key)
        return None

    def whole(self, key: str) -> int | None:
        value = self.number(key)
        return None if value is None else int(value)

    def list(self, key: str) -> list[Any]:
        return self._take(key, list) or []

    def _take(self, key: str, kind: type) -> Any:
        value = self.values.get(key)
        if value is None or isinstance(value, kind):
            return value
        self._note(key)
        return None

    def _note(self, key: str) -> None:
        self.unread.append(f"{self.where}{'.' if key else ''}{key} has an unexpected value")


def is_time(value: Any) -> bool:
    """Whether it is a number that can be a time: not negative, and finite."""
    return type(value) in (int, float) and 0 <= value < 1e18


def _context(fields: _Fields) -> Context:
    build, ours = fields.inner("build"), fields.inner(_OURS)
    interrupted = ours.values.get("interrupted")
    return Context(
        build=Build(
            brand=build.text("brand"),
            device=build.text("device"),
            model=build.text("model"),
            fingerprint=build.text("fingerprint"),
            id=build.text("id"),
            type=build.text("type"),
            codename=build.inner("version").text("codename"),
            sdk=build.inner("version").whole("sdk") or 0,
        ),
        source=ours.text("source"),
        engine=ours.text("engine"),
        runtime=ours.text("runtime"),
        cpu_cores=fields.whole("cpuCoreCount"),
        cpu_locked=fields.truth("cpuLocked"),
        cpu_max_hz=fields.whole("cpuMaxFreqHz"),
        memory_bytes=fields.whole("memTotalBytes"),
        sustained_performance=bool(fields.truth("sustainedPerformanceModeEnabled")),
        compilation_mode=fields.text("compilationMode"),
        soc=ours.text_or_none("soc"),
        abi=ours.text("abi"),
        android_build=ours.text_or_none("androidBuild"),
        battery_saver=ours.truth("batterySaver"),
        thermal_before=ours.whole("thermalStatusBefore"),
        thermal_after=ours.whole("thermalStatusAfter"),
        started_at=ours.text("startedAt"),
        interrupted=str(interrupted if interrupted is not True else "it didn't end")
        if interrupted
        else None,
        version=ours.text("version"),
    )


def _measurement(fields: _Fields) -> Measurement | None:
    ours, params = fields.inner(_OURS), fields.inner("params")
    name, skipped = fields.text("name"), ours.text_or_none("skipped")
    said = ours.inner("statistics")
    metrics: dict[str, Metric] = {}
    for key in fields.inner("metrics").values:
        metric = _metric(fields.inner("metrics").inner(key), said.inner(key))
        if metric is not None:
            metrics[key] = metric
    if not name or (not metrics and skipped is None):
        fields.unread.append(f"{fields.where} has no {'metrics' if name else 'name'}")
        return None
    requested, model = ours.inner("requested"), ours.inner("model")
    actual, checked = ours.inner("actual"), ours.inner("predictions")
    return Measurement(
        model_name=params.text("model") or name,
        accelerator=requested.text("accelerator") or params.text("accelerator"),
        threads=requested.whole("threads"),
        model=BenchedModel(
            model.text("file"),
            model.text("sha256"),
            model.whole("bytes"),
            model.text_or_none("spec"),
            model.text_or_none("quantization"),
        )
        if model.values
        else None,
        actual=Actual(actual.text("accelerator"), actual.text("description"))
        if actual.values
        else None,
        skipped=skipped,
        failed=ours.text_or_none("failed"),
        metrics=metrics,
        load_ns=ours.whole("loadNs"),
        compile_ns=ours.whole("compileNs"),
        first_inference_ns=ours.whole("firstInferenceNs"),
        steady=ours.truth("steady"),
        warmup_iterations=fields.whole("warmupIterations") or 0,
        total_run_time_ns=fields.whole("totalRunTimeNs") or 0,
        throttle_sleep_seconds=fields.number("thermalThrottleSleepSeconds") or 0,
        throttled=ours.truth("throttled"),
        peak_memory_bytes=ours.whole("peakMemoryBytes"),
        predictions=Predictions(
            checked.whole("checked") or 0,
            checked.whole("wrong") or 0,
            tuple(str(photo) for photo in checked.list("wrongPhotos")),
            checked.whole("labelled") or 0,
            checked.whole("correct") or 0,
        )
        if checked.values
        else None,
        photos=ours.whole("photos"),
        name=name,
        class_name=fields.text("className"),
    )


def _metric(fields: _Fields, said: _Fields) -> Metric | None:
    given = fields.list("runs")
    runs = tuple(run for run in given if is_time(run))
    if len(runs) < len(given):
        fields.unread.append(f"{fields.where}.runs: {len(given) - len(runs)} of {len(given)} are "
                             "no times")  # fmt: skip
    if runs:
        return Metric.of(runs)
    statistics = Statistics(
        count=said.whole("count") or 0,
        minimum=fields.number("minimum"),
        maximum=fields.number("maximum"),
        mean=said.number("mean"),
        median=fields.number("median"),
        standard_deviation=said.number("standardDeviation"),
        p90=said.number("p90"),
        p95=said.number("p95"),
        p99=said.number("p99"),
    )
    return None if statistics.median is None and statistics.mean is None else Metric((), statistics)
