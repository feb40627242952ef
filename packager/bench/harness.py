"""Runs the instrumented harness on a phone: install, push models, run, collect, remove.

While it runs the results so far are pulled after each combination, during the next one's load,
so that a lost phone loses one combination at most.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from packager import files
from packager.bench.apk import Apk
from packager.bench.cleaning import cleaned
from packager.bench.instrumentation import Status, Transcript
from packager.bench.phone import Phone
from packager.bench.plan import Plan
from packager.bench.results import Results, parse_results
from packager.contract import MODEL_FILE, SPEC_FILE, DescribedModel
from packager.errors import BenchError, DeviceError
from packager.labels import labels_text
from packager.metadata.writer import LABELS_FILE
from packager.progress import SILENT, Phase, Progress
from packager.record import as_json

FOLDER = "/data/local/tmp/packager-bench"  # apps may read what adb puts there
_COMBINATION, _DONE, _COUNT = "packager.combination", "packager.done", "packager.combinations"
_SILENCE = 600  # a combination may wait minutes for the phone to cool down
_INSTALL_SECONDS = 300
_MOST_FILES = 20  # of results, where the harness writes one
_REFUSALS = {
    "INSTALL_FAILED_INSUFFICIENT_STORAGE": "Free some storage on the phone.",
    "INSTALL_FAILED_NO_MATCHING_ABIS": "Build the harness for the phone's ABI.",
    "INSTALL_FAILED_UPDATE_INCOMPATIBLE": "A build that was signed with another key is installed: "
    "uninstall it first (adb uninstall PACKAGE).",
    "INSTALL_FAILED_USER_RESTRICTED": "Allow installing over USB in the phone's developer options.",
    "INSTALL_FAILED_VERSION_DOWNGRADE": "A newer version is installed: uninstall it first.",
    "INSTALL_FAILED_OLDER_SDK": "The harness requires Android 7.0 (API 24).",
    "INSTALL_PARSE_FAILED_NO_CERTIFICATES": "The APK isn't signed: build it with Gradle's "
    ":benchmark:assembleAndroidTest.",
}


@dataclass(frozen=True)
class NamedModel:
    """A model as it is pushed: its name, and its bytes, labels and contract."""

    name: str
    described: DescribedModel


def run_harness(
    phone: Phone,
    apks: Sequence[Apk],
    models: Sequence[NamedModel],
    plan: Plan,
    progress: Progress = SILENT,
    *,
    samples: Path | None = None,
) -> Iterator[Results]:
    """Runs it to the end; gives the results so far after each combination, at last all of them.

    `apks` as `harness_apks` gives them. Without models the one in the harness's assets is
    measured; `samples` is a folder that `write_sample_photos` wrote for them. What was pushed
    and installed is taken away at the end, however that comes.

    Raises:
        PhoneLostError: the phone went away; DeviceError: it refused a file or an APK, or the
            harness failed or wrote no results.
    """
    harness = apks[-1]
    output = f"/sdcard/Android/media/{harness.package}/additional_test_output"
    with cleaned(phone, progress) as later:
        later("rm", "-rf", FOLDER)
        phone.run("rm", "-rf", FOLDER)  # what a lost phone kept
        for apk in apks:
            known = phone.run("pm", "path", apk.package).text.strip().startswith("package:")
            with _pushed(phone, apk, progress) as target:
                if not known:
                    later("pm", "uninstall", apk.package)
                _install(phone, apk, target)
        _push_fare(phone, models, samples, progress)
        phone.run("rm", "-rf", output)
        made = phone.run("mkdir", "-p", output)
        if made.status:
            raise DeviceError(
                f"the harness's folder can't be made ({made.text.strip()})",
                where=f"{phone.serial}: {output}",
                fix="Unlock the phone, so that its storage is available.",
            )
        later("rm", "-rf", output)
        later("am", "force-stop", harness.package)
        arguments = {
            "additionalTestOutputDir": output,
            "threads": ",".join(map(str, plan.threads)),
            "runs": str(plan.runs),
            "timeLimitSeconds": str(math.ceil(plan.run_seconds)),
        }
        if models:
            arguments["modelDir"] = f"{FOLDER}/models"
        if samples is not None:
            arguments["photoDir"] = f"{FOLDER}/samples"
        yield from _listen(phone, harness, arguments, progress)


def _listen(
    phone: Phone, harness: Apk, arguments: Mapping[str, str], progress: Progress
) -> Iterator[Results]:
    output = arguments["additionalTestOutputDir"]
    extras = itertools.chain.from_iterable(("-e", *pair) for pair in arguments.items())
    command = ("am", "instrument", "-w", "-r", *extras, f"{harness.package}/{harness.runner}")
    transcript, status = Transcript(), 0
    with progress.phase("Measuring on the phone") as phase:
        lines = phone.lines(*command, silence=_SILENCE)
        with contextlib.closing(lines):  # type: ignore[type-var]
            for line in lines:
                if isinstance(line, int):
                    status = line
                    continue
                reported = transcript.read(line)
                if reported is not None and _follow(reported, phase):
                    so_far = _pull(phone, output)
                    if so_far is not None:
                        yield so_far
    results = _pull(phone, output)
    if results is not None:
        yield results
    if transcript.finished and transcript.failure is None and results is not None:
        return
    raise DeviceError(
        _what_failed(transcript, status, results is not None),
        where=f"{phone.serial}: {harness.package}",
        fix="Run it again; if it fails again, check `adb logcat` while it runs.",
    )


def _follow(status: Status, phase: Phase) -> bool:
    """Shows the harness's status reports; returns whether a combination is done."""
    count = status.values.get(_COUNT, "")
    if count.isdecimal() and len(count) < 7:
        phase.set_total(int(count))
    done = _DONE in status.values
    note = status.values.get(_DONE) or status.values.get(_COMBINATION)
    if note:
        phase.advance(1 if done else 0, note)
    return done


def _what_failed(transcript: Transcript, status: int, results: bool) -> str:
    if transcript.failure:
        return "the harness failed: " + "\n  ".join(
            line[:500] for line in transcript.failure.splitlines()[:8]
        )
    said = "".join(f"\n  {line}" for line in transcript.strays[-8:])
    if not transcript.finished:
        return f"the harness ended before its end (status {status}){said}"
    return f"the harness ran and {'failed' if results else 'wrote no results'}{said}"


def _pull(phone: Phone, output: str) -> Results | None:
    """The results that lie there now; several files are one."""
    found: Results | None = None
    listing = phone.run("find", output, "-name", "*.json").text
    paths = sorted(line.strip() for line in listing.splitlines() if line.endswith(".json"))
    for path in paths[:_MOST_FILES]:
        content = phone.pull(path)
        if content is None:
            continue
        try:
            read = parse_results(content, where=PurePosixPath(path).name)
        except BenchError:
            continue  # not yet a whole one, or another tool's
        found = read if found is None else replace(
            found,
            measurements=found.measurements + read.measurements,
            unread=found.unread + read.unread,
        )  # fmt: skip
    return found


@contextlib.contextmanager
def _pushed(phone: Phone, apk: Apk, progress: Progress) -> Iterator[str]:
    """Installing without streaming: phones before Android 9 and some makers' don't know that."""
    target = f"{FOLDER}/{apk.path.name}"
    size = apk.path.stat().st_size
    with progress.phase(f"Installing {apk.path.name}", size, counted=False) as phase:
        phone.push(apk.path, target, tell=phase.advance)
        yield target
        phone.run("rm", "-f", target)


def _install(phone: Phone, apk: Apk, target: str) -> None:
    answer = phone.run("pm", "install", "-r", "-t", "-g", target, seconds=_INSTALL_SECONDS)
    if answer.status or "Success" not in answer.text:
        found = re.search(r"(INSTALL_\w+)", answer.text)
        reason = found[1] if found else " ".join(answer.text.split())[-300:]
        raise DeviceError(
            f"the phone did not install {apk.path.name} ({reason or f'status {answer.status}'})",
            where=phone.serial,
            fix=_REFUSALS.get(reason, "Check the phone: it may ask for permission."),
        )


def _push_fare(
    phone: Phone, models: Sequence[NamedModel], samples: Path | None, progress: Progress
) -> None:
    """Pushes each model in its own folder, with the files of an app's assets, and the samples."""
    fare = {
        f"models/{model.name}/{name}": content
        for model in models
        for name, content in (
            (MODEL_FILE, model.described.model),
            (LABELS_FILE, labels_text(model.described.labels).encode()),
            (SPEC_FILE, as_json(model.described.spec).encode()),
        )
    }
    if samples is not None:
        for path in sorted(path for path in samples.rglob("*") if path.is_file()):
            fare[f"samples/{path.relative_to(samples).as_posix()}"] = path.read_bytes()
    if not fare:
        return
    total = sum(map(len, fare.values()))
    with (
        files.temporary_folder() as work,
        progress.phase("Pushing models", total, counted=False) as phase,
    ):
        for target, content in fare.items():
            local = Path(work, PurePosixPath(target).name)
            local.write_bytes(content)
            phone.push(local, f"{FOLDER}/{target}", tell=phase.advance)
