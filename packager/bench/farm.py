"""The latency harness on Firebase Test Lab: the commands that run it, and its results.

The command lines are gcloud's, see `gcloud firebase test android run --help`; the fleet of phones
is Google's.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packager.bench.results import Results, Source, parse_results
from packager.errors import BenchError, SettingsError
from packager.reading import RECORD_BYTES, TEXT_BYTES, read_file

DEVICES = ("redfin:30", "oriole:33")  # Pixel 5 and Pixel 6, which have been there for long
_TEST_APK = "benchmark/build/outputs/apk/androidTest/release/benchmark-release-androidTest.apk"
_APP_APK = "app/build/outputs/apk/debug/app-debug.apk"
_NAMESPACE = re.compile(r"""^\s*namespace\s*=\s*["']([\w.]+)["']""", re.MULTILINE)
_DEVICE_FOLDER = re.compile(r"^(?P<model>.+)-(?P<version>\d+)-[A-Za-z_]+-(portrait|landscape)")


@dataclass(frozen=True)
class FarmStep:
    """A step's purpose and its command, on several lines where it is long."""

    purpose: str
    command: str


@dataclass(frozen=True)
class FarmResults:
    """The phones' results; `unread` names phones without results and unreadable files."""

    sources: tuple[Source, ...]
    unread: tuple[str, ...]


def farm_steps(
    project: Path,
    *,
    devices: Sequence[str] = DEVICES,
    bucket: str | None = None,
    name: str = "packager-bench",
    minutes: int = 30,
) -> tuple[FarmStep, ...]:
    """Command lines, for a POSIX shell in any folder, that run a project's harness on the farm.

    Args:
        project: a generated Android project.
        devices: model and Android version each, as `models list` names them: "redfin:30".
        bucket: of Cloud Storage, for the results; None: the project's own, whose name gcloud
            prints (another bucket needs a billing plan).
        name: the folder in the bucket; a new one each time keeps results apart.
        minutes: after which Test Lab ends the run on a phone; 1 to 45.

    Raises:
        BenchError: the folder isn't a project with a benchmark module.
        SettingsError: a device or the minutes are invalid.
    """
    if not 1 <= minutes <= 45:  # Test Lab's limit on physical devices
        raise SettingsError(f"{minutes} is out of range", where="--minutes", fix="Use 1 to 45.")
    package = _package(project)
    output = f"/sdcard/Android/media/{package}/additional_test_output"
    run = [
        ["gcloud", "firebase", "test", "android", "run"],
        ["--type", "instrumentation"],
        ["--app", str(project / _APP_APK)],
        ["--test", str(project / _TEST_APK)],
        *(["--device", _device(device)] for device in devices),
        ["--environment-variables", f"additionalTestOutputDir={output},no-isolated-storage=true"],
        ["--directories-to-pull", output],
        *([["--results-bucket", bucket]] if bucket else []),
        ["--results-dir", name],
        ["--timeout", f"{minutes}m"],
        ["--no-record-video"],
        ["--no-performance-metrics"],
    ]
    gradlew, place = str(project / "gradlew"), str(project)
    build = [gradlew, "--project-dir", place, ":app:assembleDebug",
             ":benchmark:assembleAndroidTest"]  # fmt: skip
    bucket = (bucket or "BUCKET").removeprefix("gs://").rstrip("/")
    fetch = ["gcloud", "storage", "cp", "--recursive", f"gs://{bucket}/{name}", "."]
    whose = "" if bucket != "BUCKET" else " (BUCKET is in the link that the run prints)"
    return (
        FarmStep("Build the harness, and the app that Test Lab asks for", shlex.join(build)),
        FarmStep(
            "List the phones that are available",
            "gcloud firebase test android models list --filter=form=PHYSICAL",
        ),
        FarmStep("Run it", " \\\n  ".join(shlex.join(part) for part in run)),
        FarmStep(f"Fetch the results{whose}", shlex.join(fetch)),
        FarmStep("Compare", shlex.join(["packager", "bench", "show", name])),
    )


def shell_script(steps: Sequence[FarmStep]) -> str:
    """The steps' commands, each below a comment with its purpose."""
    return "\n".join(f"# {step.purpose}\n{step.command}\n" for step in steps)


def _package(project: Path) -> str:
    """The application id of the harness's APK: Gradle makes it of the module's namespace."""
    script = project / "benchmark" / "build.gradle.kts"
    try:
        found = _NAMESPACE.search(read_file(script, TEXT_BYTES).decode("utf-8", "replace"))
    except OSError:
        found = None
    if found is None:
        raise BenchError(
            "this is not a project with a benchmark module",
            where=project,
            fix="Give the folder that `packager android MODEL --out FOLDER` wrote.",
        )
    return f"{found[1]}.test"


def _device(text: str) -> str:
    model, _, version = text.partition(":")
    if not re.fullmatch(r"[\w.-]+", model) or not re.fullmatch(r"\d+", version):
        raise SettingsError(
            f"{text!r} is not a device",
            where="--device",
            fix="Write its model and Android version, such as redfin:30; see "
            "`gcloud firebase test android models list`.",
        )
    return f"model={model},version={version},locale=en,orientation=portrait"


def read_farm(folder: Path) -> FarmResults:
    """Every file of results below a folder that was fetched from the bucket.

    Test Lab has a folder for each phone (`redfin-30-en-portrait`), with what was pulled from it
    below `artifacts/`; the folder's name is the source's.

    Raises `BenchError` when there is not one file of results.
    """
    sources: list[Source] = []
    unread: list[str] = []
    silent = {path.name for path in folder.rglob("*") if _is_device(path)}
    if _is_device(folder):
        silent.add(folder.name)
    for path in sorted(folder.rglob("*.json")):
        device = next((up.name for up in path.parents if _is_device(up)), None)
        shown = device or path.relative_to(folder).as_posix()
        results = _results(path, unread)
        if results is not None:
            sources.append(Source(shown, results))
            silent.discard(device or "")
    if not sources:
        raise BenchError(
            "this folder contains no results"
            + (f" ({', '.join(sorted(silent))} left none)" if silent else ""),
            where=folder,
            fix="Look into the phones' logcat and test_result XML here; the run must have "
            "--directories-to-pull, see packager bench farm.",
        )
    unread += [f"{name} left no results" for name in sorted(silent)]
    return FarmResults(tuple(sources), tuple(unread))


def _results(path: Path, unread: list[str]) -> Results | None:
    try:
        return parse_results(read_file(path, RECORD_BYTES), where=path)
    except (BenchError, OSError) as error:
        unread.append(f"{path.name}: {error.what if isinstance(error, BenchError) else error}")
        return None


def _is_device(path: Path) -> bool:
    return path.is_dir() and _DEVICE_FOLDER.match(path.name) is not None
