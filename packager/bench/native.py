"""Runs TensorFlow's or LiteRT's benchmark_model on a phone for each combination."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packager import files
from packager.bench.cleaning import cleaned
from packager.bench.native_output import NativeRun, flags, read_output, read_profile
from packager.bench.phone import Phone, PhoneLostError
from packager.bench.plan import Plan
from packager.bench.results import (
    INFERENCE,
    Actual,
    BenchedModel,
    Context,
    Measurement,
    Metric,
    Results,
    Statistics,
    benchmark_name,
)
from packager.bench.vitals import thermal_status
from packager.errors import DeviceError
from packager.progress import SILENT, Progress
from packager.reading import MODEL_BYTES, open_file

_SILENCE = 300  # a GPU may compile for minutes without a word
_HELP_SECONDS = 30
_MACHINES = {0xB7: "arm64-v8a", 0x3E: "x86_64", 0x28: "armeabi-v7a", 0x03: "x86"}
_WARMUP_RUNS = 10
_MOST_OUTPUT = 16 << 20  # a profile of a large model has some 100 kB


@dataclass(frozen=True)
class NativeModel:
    """A file to measure: its path, its name, and its facts."""

    path: Path
    name: str
    facts: BenchedModel


def binary_abi(binary: Path) -> str | None:
    """The ABI of an Android program, None for a script, which has none.

    Raises:
        DeviceError: it can't be read, or is neither.
    """
    try:
        with open_file(binary, MODEL_BYTES) as file:
            head = file.read(20)
    except OSError as error:
        raise DeviceError(
            f"can't be read ({error.strerror or error})",
            where=binary,
            fix="Give TensorFlow's or LiteRT's benchmark_model for Android.",
        ) from error
    if head.startswith(b"#!"):
        return None
    machine = int.from_bytes(head[18:20], "little")
    if not head.startswith(b"\x7fELF") or machine not in _MACHINES:
        raise DeviceError(
            "this is not a program for Android",
            where=binary,
            fix="Give TensorFlow's or LiteRT's benchmark_model for Android, such as "
            "android_arm64's.",
        )
    return _MACHINES[machine]


def run_native(
    phone: Phone,
    folder: str,
    binary: Path,
    models: Sequence[NativeModel],
    context: Context,
    plan: Plan,
    *,
    profile: Path | None = None,
    progress: Progress = SILENT,
) -> Iterator[Results]:
    """Measures each model on each accelerator; gives the results so far after each combination.

    What the tool does not do (it has no photos and no warm-up until steady) is None in them. A
    combination that fails or hangs is skipped, with the reason. `folder` on the phone is taken
    away at the end, however that comes. `profile` is a file for the profiles of operators, which
    slow the tool down; None: without them.

    Raises:
        PhoneLostError: the phone went away; DeviceError: it refused a file, or hangs.
    """
    tool = f"{folder}/benchmark_model"
    remotes = [f"{folder}/{number}.tflite" for number in range(len(models))]
    combinations = [
        (
            remote,
            Measurement(
                model.name, accelerator, threads, model.facts,
                name=benchmark_name(model.name, accelerator, threads),
            ),
        )
        for model, remote in zip(models, remotes, strict=True)
        for accelerator, threads in (*(("CPU", n) for n in plan.threads), ("GPU", None),
                                     ("NPU", None))
    ]  # fmt: skip
    done: list[Measurement] = []
    # When this process dies, the file that was written last has to tell.
    unfinished = dataclasses.replace(context, interrupted="the process was killed")
    profiles = ""
    with cleaned(phone, progress) as later:
        later("rm", "-rf", folder)
        phone.run("rm", "-rf", folder)  # what a lost phone kept
        _push(phone, [(binary, tool)], progress, executable=True)
        sources = [model.path for model in models]
        _push(phone, list(zip(sources, remotes, strict=True)), progress)
        usage = phone.run(tool, "--help", seconds=_HELP_SECONDS).text
        known = frozenset(re.findall(r"--(\w+)", usage))
        with progress.phase("Measuring on the phone", len(combinations)) as phase:
            for remote, asked in combinations:
                measured, operators = _measure(
                    phone, tool, remote, asked, known, plan, profile is not None
                )
                done.append(measured)
                if measured.skipped is not None and asked.accelerator != "NPU":
                    progress.warn(f"{asked.name}: {measured.skipped}")
                if profile is not None and operators:
                    profiles += f"{asked.name}\n{operators.rstrip()}\n\n"
                    files.write_text(profile, profiles)
                phase.advance(1, asked.name)
                yield Results(unfinished, tuple(done))
        after = dataclasses.replace(context, thermal_after=thermal_status(phone))
        yield Results(after, tuple(done))


def _measure(
    phone: Phone, tool: str, remote: str, asked: Measurement, known: frozenset[str], plan: Plan,
    profiled: bool,
) -> tuple[Measurement, str]:  # fmt: skip
    """A measurement, and the profile of its operators."""
    accelerator, seconds = asked.accelerator, round(plan.run_seconds)
    chosen = flags(
        known, accelerator, asked.threads, plan.runs, seconds, _WARMUP_RUNS, profile=profiled
    )
    if chosen is None:
        why = f"this benchmark_model can't use the {accelerator}"
        return dataclasses.replace(asked, skipped=why), ""
    begun = time.monotonic_ns()
    try:
        status, text = _run(phone, tool, f"--graph={remote}", *chosen)
    except PhoneLostError:
        raise
    except DeviceError:
        phone.run("true", seconds=_HELP_SECONDS)  # raises when the phone itself hangs
        why = f"benchmark_model printed nothing for {_SILENCE} s and was stopped"
        return dataclasses.replace(asked, skipped=why), ""
    spent = time.monotonic_ns() - begun
    try:
        run = read_output(text)
    except DeviceError as error:
        why = f"{error.what} (status {status})"
        return dataclasses.replace(asked, skipped=why, total_run_time_ns=spent), ""
    return _as_measurement(asked, run, spent), read_profile(text)


def _as_measurement(asked: Measurement, run: NativeRun, spent: int) -> Measurement:
    ran_on = (run.delegated or asked.accelerator).split()[0]
    bessel = (run.runs / (run.runs - 1)) ** 0.5 if run.runs > 1 else 0.0
    statistics = Statistics(
        count=run.runs,
        minimum=run.minimum,
        maximum=run.maximum,
        mean=run.mean,
        median=run.median,
        standard_deviation=run.deviation * bessel,  # the tool's is the population's
        p95=run.p95,
    )
    return dataclasses.replace(
        asked,
        actual=Actual(
            ran_on if ran_on in ("GPU", "NPU") else "CPU",
            run.delegated or "as asked for; the tool does not say more",
        ),
        metrics={INFERENCE: Metric((), statistics)},
        compile_ns=run.init,  # load and compile are one figure
        first_inference_ns=run.first,
        warmup_iterations=run.warmup_runs,
        total_run_time_ns=spent,
        peak_memory_bytes=run.peak_memory,
    )


def _run(phone: Phone, *command: str) -> tuple[int, str]:
    """Runs it to its end, which it has on the phone too when this is interrupted."""
    script = 'echo pid=$$; exec "$@"'  # exec keeps the number
    lines = phone.lines("sh", "-c", script, "sh", *command, silence=_SILENCE)
    said, status, pid, ended, size = list[str](), 0, "", False, 0
    try:
        for line in lines:
            if isinstance(line, int):
                status, ended = line, True
            elif not pid and line.startswith("pid="):
                pid = line.removeprefix("pid=")
            else:
                said.append(line)
                size += len(line)
                if size > _MOST_OUTPUT:
                    break  # it is ended, and what is there is read
    except PhoneLostError:
        ended = True  # out of reach
        raise
    finally:
        if not ended and pid.isdecimal():
            with contextlib.suppress(DeviceError):
                phone.run("kill", "-9", pid, seconds=10)
    return status, "\n".join(said)


def _push(
    phone: Phone,
    pairs: list[tuple[Path, str]],
    progress: Progress,
    *,
    executable: bool = False,
) -> None:
    total = sum(source.stat().st_size for source, _ in pairs)
    name = pairs[0][0].name if len(pairs) == 1 else f"{len(pairs)} models"
    with progress.phase(f"Pushing {name}", total, counted=False) as phase:
        for source, target in pairs:
            phone.push(source, target, executable=executable, tell=phase.advance)
