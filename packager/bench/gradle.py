"""The harness's APK: found where Gradle leaves it, or built first."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable
from pathlib import Path

from packager.bench.apk import Apk, read_apk
from packager.errors import DeviceError
from packager.progress import SILENT, Progress

_TASK = ":benchmark:assembleAndroidTest"
_OUTPUTS = Path("benchmark", "build", "outputs", "apk")
_GENERATED = {"build", ".gradle", ".git", ".idea", ".kotlin"}


def harness_apks(place: Path) -> tuple[Apk, ...]:
    """The APK that instruments, last, after the one it instruments when that is another.

    `place` is the APK or a folder that Gradle wrote; one that can't be debugged is preferred.

    Raises:
        DeviceError: there is no such APK in it.
    """
    if not place.exists():
        raise DeviceError("there is no such file", where=place, fix="Give the harness's APK.")
    found = [read_apk(path) for path in ([place] if place.is_file() else _apks(place))]
    instruments = sorted(
        (apk for apk in found if apk.runner is not None), key=lambda apk: apk.debuggable
    )
    if not instruments:
        raise DeviceError(
            "there is no APK with an instrumentation here",
            where=place,
            fix=f"Build the harness in its project: ./gradlew {_TASK}.",
        )
    chosen = instruments[0]
    targets = [
        apk for apk in found if apk.package == chosen.target and apk.package != chosen.package
    ]
    return (*targets[:1], chosen)


def project_apks(project: Path, progress: Progress = SILENT) -> tuple[Apk, ...]:
    """`harness_apks` of a generated project, built by its gradlew unless they are newer than it.

    Raises:
        DeviceError: the folder isn't such a project, or Gradle failed.
    """
    if not (project / "benchmark" / "build.gradle.kts").is_file():
        raise DeviceError(
            "this is not a project with a benchmark module",
            where=project,
            fix="Give the folder that `packager android MODEL --out FOLDER` wrote.",
        )
    built = _apks(project / _OUTPUTS)
    if not built or min(path.stat().st_mtime for path in built) < _changed(project):
        with progress.phase(f"Building the harness ({_TASK})") as phase:
            _build(project, lambda task: phase.advance(1, task))
    if not (project / _OUTPUTS).is_dir():
        raise DeviceError(
            "Gradle built no APK",
            where=project / _OUTPUTS,
            fix="Build the harness in Android Studio, and give it with --apk FILE.",
        )
    return harness_apks(project / _OUTPUTS)


def _apks(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.apk"))


def _changed(project: Path) -> float:
    """When its newest source file was changed."""
    newest = 0.0
    for folder, folders, files in os.walk(project):
        folders[:] = [name for name in folders if name not in _GENERATED]
        for name in files:
            newest = max(newest, (Path(folder) / name).lstat().st_mtime)
    return newest


def _build(project: Path, tell: Callable[[str], None]) -> None:
    windows = os.name == "nt"
    script = project.absolute() / ("gradlew.bat" if windows else "gradlew")
    command = [str(script)] if windows or os.access(script, os.X_OK) else ["sh", str(script)]
    last: deque[str] = deque(maxlen=400)
    try:
        process = subprocess.Popen(
            [*command, "--console=plain", _TASK],
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise DeviceError(
            f"gradlew can't be started ({error})",
            where=script,
            fix="Generate the project again, or build the harness in Android Studio.",
        ) from error
    try:
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line.rstrip())
            if line.startswith("> Task "):
                tell(line.removeprefix("> Task ").strip())
        status = process.wait()
    except BaseException:
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise
    if status:
        raise DeviceError(
            f"Gradle could not build the harness (status {status})\n" + _reason(list(last)),
            where=project,
            fix="`packager doctor` lists what a build needs; or build it in Android Studio and "
            "give --apk FILE.",
        )


def _reason(lines: list[str]) -> str:
    """Gradle's own "What went wrong", or its last lines."""
    begins = [n for n, line in enumerate(lines, 1) if line.startswith("* What went wrong")]
    section = lines[-8:]
    if begins:
        section = list(itertools.takewhile(lambda row: row[:2] != "* ", lines[begins[0] :]))[:8]
    return "\n".join(f"  {row}" for row in section).rstrip()
