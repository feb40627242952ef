"""The folder of a comparison: whose it is, and what in it is done already."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from packager.compare.latency import HOST_BENCH_FILE, PHONE_BENCH_FILE
from packager.compare.rows import FORMAT, Row, row_name
from packager.errors import OutputError
from packager.out_folder import check_out, unwritable

COMPARISON_FILE = "comparison.json"
_FILES = {COMPARISON_FILE, HOST_BENCH_FILE, PHONE_BENCH_FILE, "report.html"}


def open_folder(out: Path, *, force: bool) -> dict[str, Any] | None:
    """The comparison at `out` as JSON values, or None when a new one begins there.

    With `force` it is taken away; nothing else ever is.

    Raises `OutputError` when `out` can't be written or holds what packager did not make.
    """
    present = {entry.name for entry in out.iterdir()} if out.is_dir() else set[str]()
    if not present:
        check_out(out, force=False)
        return None
    older = _read(out / COMPARISON_FILE)
    models = {name for name in present if name in _model_folders(older)}
    # What a killed run left half written has a dot in front.
    foreign = sorted(name for name in present - _FILES - models if not name.startswith("."))
    if foreign or COMPARISON_FILE not in present:
        raise OutputError(
            "the folder holds things that packager did not make"
            + (f": {', '.join(foreign[:5])}" if foreign else ""),
            where=out,
            fix="Move them away, or give --out another place.",
        )
    if not force:
        parts = (older.get(part) for part in ("settings", "data", "versions"))
        if older.get("format") != FORMAT or not all(isinstance(part, dict) for part in parts):
            raise OutputError(
                "it is damaged, or of another version of packager",
                where=out / COMPARISON_FILE,
                fix="Give --out another place, or --force to start anew.",
            )
        return older
    for name in models:
        check_out(out / name, force=True)
    try:
        for name in models:
            shutil.rmtree(out / name)
        for name in _FILES:
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(out, error.strerror or str(error)) from error
    return None


def demand_same(older: dict[str, Any], new: dict[str, Any], out: Path) -> None:
    """Raises `OutputError` that names what differs, where rows can't stand side by side.

    Both have "build" (settings), "data" and "versions", each a JSON object.
    """
    changed = [
        key
        for part in ("build", "data", "versions")
        for key in sorted({*older.get(part, {}), *new[part]})
        if older.get(part, {}).get(key) != new[part].get(key)
    ]
    if changed:
        raise OutputError(
            f"the comparison there was made of something else: {', '.join(changed)} differ",
            where=out,
            fix="Give --out another place, or --force to start anew.",
        )


def finished_rows(older: dict[str, Any], out: Path) -> dict[tuple[str, str], Row]:
    """The rows of an older comparison whose folders are whole, by spec and quantization."""
    try:
        rows = [Row.from_json(values) for values in older["rows"]]
    except (KeyError, TypeError):
        return {}
    return {(row.spec, row.quantization): row for row in rows if _is_whole(row, out / row.name)}


def _is_whole(row: Row, folder: Path) -> bool:
    from packager.contract import MODEL_FILE, SPEC_FILE
    from packager.metadata.writer import LABELS_FILE

    def digest(name: str) -> str:
        return hashlib.sha256((folder / name).read_bytes()).hexdigest()

    try:
        contract = json.loads((folder / SPEC_FILE).read_text("utf-8"))
        json.loads((folder / "report.json").read_text("utf-8"))
        return bool(
            row.error is None
            and row.sha256 == contract["model"]["sha256"] == digest(MODEL_FILE)
            and contract["labels"]["sha256"] == digest(LABELS_FILE)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _model_folders(older: dict[str, Any]) -> set[str]:
    """Every name that a row's folder can have."""
    from packager.export.quantize import QUANTIZATIONS
    from packager.specs import SPECS

    listed = {row.get("spec") for row in older.get("rows", ()) if isinstance(row, dict)}
    return {row_name(str(spec), each) for spec in {*SPECS, *listed} for each in QUANTIZATIONS}


def _read(path: Path) -> dict[str, Any]:
    try:
        older = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return older if isinstance(older, dict) else {}
