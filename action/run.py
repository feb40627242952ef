"""The steps of action.yml: reads its inputs from the environment, writes its outputs and summary.

Usage: run.py build | apk
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path


def build(out: Path) -> None:
    """Runs `packager build`, whose own messages tell what is wrong."""
    arguments = [
        "--data", os.environ["DATA"], "--spec", os.environ["SPEC"],
        "--quantize", os.environ["QUANTIZE"], "--out", str(out), "--force",
        *shlex.split(os.environ["ARGUMENTS"]),
    ]  # fmt: skip
    status = subprocess.call([sys.executable, "-m", "packager", "build", *arguments])
    if status:
        raise SystemExit(status)
    contract = json.loads((out / "model_spec.json").read_text("utf-8"))
    accuracy = contract["accuracy"]
    _output("model", out / "model.tflite")
    _output("report", out / "report.html")
    _output("top1", accuracy["stretch"]["top1"])
    _append("GITHUB_STEP_SUMMARY", (
        "| classifier | size | test photos | top-1, stretch | top-1, crop |\n"
        "|---|---|---|---|---|\n"
        f"| {_cell(contract['model']['name'])} | {contract['model']['bytes'] / 1e6:.1f} MB "
        f"| {accuracy['photos']} | {100 * accuracy['stretch']['top1']:.1f} % "
        f"| {100 * accuracy['crop']['top1']:.1f} % |\n"
    ))  # fmt: skip


def apk(out: Path) -> None:
    """Builds the debug APK of OUT/android with Gradle and the runner's Android SDK."""
    project = out / "android"
    if not project.is_dir():
        raise SystemExit(
            f"error: {project}: there is no app. Leave --no-android out, or apk: false."
        )
    gradlew = "gradlew.bat" if os.name == "nt" else "./gradlew"
    status = subprocess.call([gradlew, "assembleDebug"], cwd=project, shell=os.name == "nt")
    if status:
        raise SystemExit(status)
    built = sorted((project / "app" / "build" / "outputs" / "apk" / "debug").glob("*.apk"))
    if len(built) != 1:
        raise SystemExit(f"error: Gradle made {len(built)} APKs, where one was expected.")
    _output("apk", built[0])


def _output(name: str, value: object) -> None:
    text = str(value)
    if "\n" in text:
        raise SystemExit(f"error: {text!r}: a path can't have a line break here.")
    _append("GITHUB_OUTPUT", f"{name}={text}\n")


def _append(variable: str, text: str) -> None:
    with Path(os.environ[variable]).open("a", encoding="utf-8") as file:
        file.write(text)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    {"build": build, "apk": apk}[sys.argv[1]](Path(os.environ["OUT"]))
