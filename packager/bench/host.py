"""Measures on this machine: each model at each number of threads, with LiteRT."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager import pool
from packager.bench.plan import Plan, check_plan
from packager.bench.results import (
    Actual,
    BenchedModel,
    Build,
    Context,
    Measurement,
    Metric,
    Predictions,
    Results,
    benchmark_name,
    write_results,
)
from packager.errors import (
    BenchError,
    DataError,
    MetadataError,
    ModelFileError,
    OutputError,
    PackagerError,
)
from packager.progress import SILENT, Phase, Progress

if TYPE_CHECKING:
    from packager.classifier_interface import Size
    from packager.data.folder import PhotoFolder
    from packager.metadata.container import ModelFile


@dataclass(frozen=True)
class _Subject:
    """A model, its input photos, and packager's own predictions for them."""

    name: str
    facts: BenchedModel
    request: dict[str, Any]  # what `run_trial` takes, but for threads
    photos: tuple[Path, ...]
    truth: tuple[frozenset[int] | None, ...]
    expected: tuple[frozenset[int], ...]  # the best class; several when they tie
    refused: PackagerError | None = None  # it can't be run: there is nothing to measure


def bench_on_host(
    models: Sequence[Path],
    *,
    data: str | Path | PhotoFolder | None = None,
    plan: Plan | None = None,
    out: Path | None = None,
    input_size: Size | None = None,
    progress: Progress = SILENT,
) -> Results:
    """Measures .tflite image classifiers with labels inside on this machine's CPU.

    Every combination has a separate process. A model that can't be run is skipped with a warning,
    and the others are measured. Answers are compared with those of
    `packager.inference.Classifier` on one thread, which is what `packager evaluate` runs.

    Args:
        data: a folder of photos, a subfolder a class: at most `plan.photos` of them, evenly
            taken, are the inputs in turn; the test photos if the model's report.json has a split.
            Its path, or what `scan_photos` gave; None: the demo photos.
        out: written after each combination, so that what was measured is kept when the rest is
            interrupted.
        input_size: height and width for models whose input has none.

    Raises:
        SettingsError, DataError: before anything is measured.
        ModelFileError, MetadataError: likewise, of a file that is no TFLite model, or when none of
            the models can be run.
        BenchError: not one combination could be measured.
        OutputError: `out` can't be written.
    """
    from packager.metadata.container import open_model

    plan = plan or Plan()
    check_plan(plan)
    if not models:
        raise BenchError("no model was given", fix="Give one or more .tflite files.")
    opened = [open_model(path, unpack=False) for path in models]
    folder = bench_photos(data, progress)
    subjects = [
        _subject(name, path, file, folder, plan, input_size)
        for name, path, file in zip(model_names(models), models, opened, strict=True)
    ]
    refused = [subject.refused for subject in subjects if subject.refused is not None]
    if len(refused) == len(subjects):
        raise refused[0]
    for error in refused:
        progress.warn(str(error))
    context = host_context()
    done: list[Measurement] = []

    def results(interrupted: str | None = None) -> Results:
        return Results(dataclasses.replace(context, interrupted=interrupted), tuple(done))

    def keep(interrupted: str | None = None) -> None:
        if out is not None and done:
            write_results(results(interrupted), out)

    cases = [(subject, threads) for subject in subjects for threads in plan.threads]
    try:
        with progress.phase("Measuring", len(cases)) as phase:
            for number, (subject, threads) in enumerate(cases, 1):
                note = f"{subject.name}, {_count(threads, 'thread')}"
                done.append(_measure(subject, threads, phase, note, plan.silent_seconds))
                phase.advance(note=note)
                keep(None if number == len(cases) else "the process was killed")
    except OutputError:
        raise
    except BaseException as error:
        keep("Ctrl-C" if isinstance(error, KeyboardInterrupt) else str(error))
        if out is not None and done:
            progress.warn(f"{_count(len(done), 'combination')} of {len(cases)} kept in {out}")
        raise
    if all(each.skipped for each in done):
        raise BenchError(
            f"nothing could be measured: {done[0].skipped}",
            where=done[0].model_name,
            fix="Check the model with packager inspect.",
        )
    for each in done:
        if each.skipped:
            progress.warn(f"{each.model_name}, {each.threads} threads: {each.skipped}")
    return results()


def _subject(
    name: str, path: Path, file: ModelFile, folder: PhotoFolder, plan: Plan, input_size: Size | None
) -> _Subject:
    from packager.contract import describe_model

    try:
        described = describe_model(path, input_size=input_size)
        spec = described.spec
        photos, truth = choose_photos(path, described.labels, folder, plan.photos)
        request = {
            "model": described.model,
            "rule": spec["resize"]["rule"],
            "mean": spec["input"]["mean"],
            "std": spec["input"]["std"],
            "semantics": spec["output"]["semantics"],
            "photos": [str(photo.resolve()) for photo in photos],
            "plan": plan,
        }
        expected = _expected(request, photos, path)
    except (ModelFileError, MetadataError) as error:
        facts = BenchedModel(path.name, file.sha256, file.size, None, None)
        return _Subject(name, facts, {}, (), (), (), error)
    facts = BenchedModel(
        file=path.name,
        sha256=spec["model"]["sha256"],
        bytes=spec["model"]["bytes"],
        spec=spec["model"]["spec"],
        quantization=spec["model"]["quantization"],
    )
    return _Subject(name, facts, request, photos, truth, expected)


def model_names(models: Sequence[Path]) -> list[str]:
    """Display names: the file's name, or its folder's when that is just "model"."""
    names = [
        path.resolve().parent.name if path.stem == "model" and path.resolve().parent.name
        else path.stem
        for path in models
    ]  # fmt: skip
    return [
        name if names.count(name) == 1 else f"{name}#{names[: place + 1].count(name)}"
        for place, name in enumerate(names)
    ]


def bench_photos(data: str | Path | PhotoFolder | None, progress: Progress = SILENT) -> PhotoFolder:
    """The photos that `data` names, or the demo photos. Raises `DataError`, see `scan_photos`."""
    from packager.data.settings import DEMO
    from packager.data.source import scan_photos

    if data is None or isinstance(data, (str, Path)):
        return scan_photos(DEMO if data is None else data, progress=progress)
    return data


def choose_photos(
    model: Path, labels: tuple[str, ...], folder: PhotoFolder, most: int
) -> tuple[tuple[Path, ...], tuple[frozenset[int] | None, ...]]:
    """Up to `most` photos, evenly taken; of the test photos if a report.json has a split.

    With each photo come the classes that its folder's name stands for (one, unless several have
    that name), or None when the folders aren't named as the labels.
    """
    from packager.classifier_file import select_photos
    from packager.metadata.reader import read_metadata

    metadata = read_metadata(model)
    others = () if metadata is None else (metadata.labels, *metadata.display_names.values())
    try:
        selected = select_photos(model, labels, folder, translations=others)
        photos, known = selected.photos, selected.classes
    except DataError:  # other classes: the times are as good
        photos, known = folder.photos, None
    count = min(most, len(photos))
    taken = [photos[place * len(photos) // count] for place in range(count)]
    return (
        tuple(photo.path for photo in taken),
        tuple(known(photo) if known else None for photo in taken),
    )


def _expected(
    request: dict[str, Any], photos: Sequence[Path], where: Path
) -> tuple[frozenset[int], ...]:
    from packager.isolation import run_isolated

    return run_isolated(best_classes, request, photos, where=where)


def best_classes(request: dict[str, Any], photos: Sequence[Path]) -> tuple[frozenset[int], ...]:
    """`Classifier`'s prediction for each photo, on one thread; several classes when they tie."""
    from packager.data.images import open_photo, view
    from packager.inference import Classifier, Normalisation

    normalisation = Normalisation(tuple(request["mean"]), tuple(request["std"]))
    logits = request["semantics"] == "logits"
    classifier = Classifier(request["model"], normalisation, logits=logits)
    best = []
    for photo in photos:
        scores = classifier.scores(view(open_photo(photo), request["rule"], classifier.size))
        best.append(frozenset((scores == scores.max()).nonzero()[0].tolist()))
    return tuple(best)


def _measure(
    subject: _Subject, threads: int, phase: Phase, note: str, silent: float
) -> Measurement:
    outcome: dict[str, Any] | str
    if subject.refused is not None:
        outcome = subject.refused.what
    else:
        outcome = _run_apart({**subject.request, "threads": threads}, phase, note, silent)
    asked = Measurement(
        model_name=subject.name,
        accelerator="CPU",
        threads=threads,
        model=subject.facts,
        name=benchmark_name(subject.name, "CPU", threads),
    )
    if isinstance(outcome, str):
        return dataclasses.replace(asked, skipped=outcome)
    with_xnnpack = "XNNPACK" if outcome["delegate"] else "LiteRT's own kernels"
    return dataclasses.replace(
        asked,
        actual=Actual("CPU", f"{with_xnnpack}, {_count(threads, 'thread')}"),
        metrics={name: Metric.of(runs) for name, runs in outcome["metrics"].items()},
        load_ns=outcome["loadNs"],
        compile_ns=outcome["compileNs"],
        first_inference_ns=outcome["firstInferenceNs"],
        steady=outcome["steady"],
        warmup_iterations=outcome["warmupIterations"],
        total_run_time_ns=outcome["totalRunTimeNs"],
        peak_memory_bytes=outcome["peakMemoryBytes"],
        predictions=_compare(subject, outcome["predictions"]),
        photos=outcome["photos"],
    )


def _compare(subject: _Subject, predictions: Sequence[int]) -> Predictions:
    wrong = [
        f"{photo.parent.name}/{photo.name}"
        for photo, expected, got in zip(subject.photos, subject.expected, predictions, strict=False)
        if got not in expected
    ]
    labelled = [
        got in truth
        for truth, got in zip(subject.truth, predictions, strict=False)
        if truth is not None
    ]
    return Predictions(len(predictions), len(wrong), tuple(wrong), len(labelled), sum(labelled))


def _run_apart(
    request: dict[str, Any], phase: Phase, note: str, silent: float
) -> dict[str, Any] | str:
    """`run_trial` in a new process. A string is the reason why it failed."""
    from packager.bench.trial import run_trial
    from packager.isolation import run_isolated

    try:
        return run_isolated(run_trial, request, progress=_Noted(phase, note), silent_seconds=silent)
    except PackagerError as error:
        return error.what
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        return str(error) or type(error).__name__


class _Noted(Progress):
    """Shows a trial's messages beside the count of trials."""

    def __init__(self, phase: Phase, note: str) -> None:
        self._phase, self._note = phase, note

    def say(self, message: str) -> None:
        self._phase.advance(0, note=f"{self._note}: {message}")


def host_context() -> Context:
    """This machine, without its name."""
    cpu = _cpu_name()
    return Context(
        build=Build(brand="host", device=cpu, model=cpu, id=f"{platform.system()} "
                    f"{platform.release()}"),
        source="host",
        engine="litert",
        runtime=f"LiteRT {_litert_version()}",
        cpu_cores=pool.cores(),
        cpu_locked=_clocks_locked(),
        cpu_max_hz=_cpu_max_hz(),
        memory_bytes=_memory_bytes(),
        abi=platform.machine(),
        started_at=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )  # fmt: skip


def _litert_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ai-edge-litert")
    except PackageNotFoundError:
        return "of unknown version"


def _cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Hardware") and value.strip():
                return " ".join(value.split())
    return platform.processor() or platform.machine()


_CLOCKS = "cpu[0-9]*/cpufreq"


def _clocks() -> list[tuple[int, int]]:
    """Least and greatest frequency that each core may take now, kHz; empty where not told."""
    clocks = []
    for folder in Path("/sys/devices/system/cpu").glob(_CLOCKS):
        with contextlib.suppress(OSError, ValueError):
            least, most = (
                int((folder / f"scaling_{end}_freq").read_text()) for end in ("min", "max")
            )
            clocks.append((least, most))
    return clocks


def _clocks_locked() -> bool | None:
    clocks = _clocks()
    return all(least == most for least, most in clocks) if clocks else None


def _cpu_max_hz() -> int | None:
    return max((1000 * most for _, most in _clocks()), default=None)


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
