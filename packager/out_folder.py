"""The folder that a build makes: whether it is free, or an older build that may be replaced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from packager.errors import OutputError, RecordError
from packager.record import read_record

FLOAT_MODEL_FILE = "model_float32.tflite"
ANDROID_FOLDER = "android"
OURS = {
    "model.tflite", "labels.txt", "model_spec.json", "report.json", FLOAT_MODEL_FILE,
    ANDROID_FOLDER, "report.html", "plots",
}  # fmt: skip


def unwritable(out: Path, why: str) -> OutputError:
    return OutputError(
        f"the folder can't be written ({why})",
        where=out,
        fix="Give --out a place that you may write in, with some MB free.",
    )


def check_out(out: Path, *, force: bool) -> None:
    """Raises `OutputError` unless `out` is free, or an older build that may be replaced."""
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise OutputError("this is a file", where=parent, fix="Give --out another place.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise unwritable(out, f"{parent} is not yours to write in")
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir() or out.is_symlink():
        raise OutputError("this is not a folder", where=out, fix="Give --out another place.")
    present = {entry.name for entry in out.iterdir()}
    if not present:
        return
    if not force:
        raise OutputError(
            "the folder exists already",
            where=out,
            fix="Give --out another place, or --force to replace an older build.",
        )
    foreign = sorted(present - OURS)
    if foreign or "report.json" not in present:
        raise OutputError(
            "the folder holds things that packager did not make"
            + (f": {', '.join(foreign[:5])}" if foreign else ""),
            where=out,
            fix="Move them away, or give --out another place; --force replaces only a build.",
        )
    if ANDROID_FOLDER in present:
        from packager.android.changes import fingerprint

        if _made_fingerprint(out) != fingerprint(out / ANDROID_FOLDER):
            raise OutputError(
                "the Android project there was changed since packager made it",
                where=out / ANDROID_FOLDER,
                fix="Move it away, or give --out another place: --force would lose the changes.",
            )


def _made_fingerprint(out: Path) -> str | None:
    """That of the Android project, as the report of an older build has it."""
    try:
        return str(
            read_record(out / "report.json", dict[str, Any], fix="")["android"]["fingerprint"]
        )
    except (RecordError, KeyError, TypeError):
        return None
