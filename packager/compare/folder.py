"""The folder of a comparison: whether packager wrote it, and its finished rows."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from packager.compare.latency import HOST_BENCH_FILE, PHONE_BENCH_FILE
from packager.compare.rows import FORMAT, Row, row_name
from packager.errors import OutputError, RecordError
from packager.out_folder import check_out, check_place, unwritable
from packager.reading import MODEL_BYTES, read_file
from packager.record import read_record
from packager.written import RECORD_FILE, demand_ours, record_more

COMPARISON_FILE = "comparison.json"
_FILES = {COMPARISON_FILE, HOST_BENCH_FILE, PHONE_BENCH_FILE, "report.html"}


def comparison_files(out: Path) -> list[Path]:
    """What a comparison writes beside the folders of its rows."""
    return [out / name for name in sorted(_FILES)]


def open_folder(out: Path, *, force: bool) -> dict[str, Any] | None:
    """The comparison at `out` as JSON values, or None when a new one begins there.

    With `force` a new one begins, once `clear_folder` has taken the older one away.

    Raises `OutputError` when `out` can't be written or holds what packager did not write, and
    `RecordError` when its comparison.json is damaged.
    """
    check_place(out)
    present = {entry.name for entry in out.iterdir()} if out.is_dir() else set[str]()
    if not present:
        check_out(out, force=False)
        return None
    older = _read(out / COMPARISON_FILE)
    models = {name for name in present if name in _model_folders(older)}
    # What a killed run left half written has a dot in front.
    foreign = sorted(name for name in present - _FILES - models if not name.startswith("."))
    if foreign or not present & {COMPARISON_FILE, RECORD_FILE}:
        raise OutputError(
            "the folder contains files that packager did not write"
            + (f": {', '.join(foreign[:5])}" if foreign else ""),
            where=out,
            fix="Move them away, or choose another --out.",
        )
    if not force:
        from packager.shapes import Resumed

        fix = "Choose another --out, or --force to start over."
        read_record(out / COMPARISON_FILE, Resumed, fix=fix, newest=FORMAT)
        return older
    _demand_ours(out, models)
    return None


def clear_folder(out: Path) -> None:
    """Takes an older comparison away. Raises `OutputError` when it isn't as packager wrote it."""
    if not out.is_dir():
        return
    models = _model_folders(_read(out / COMPARISON_FILE)) & {entry.name for entry in out.iterdir()}
    _demand_ours(out, models)
    try:
        for name in models:
            shutil.rmtree(out / name)
        for name in (*_FILES, RECORD_FILE):
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(out, error.strerror or str(error)) from error


def record_files(out: Path) -> None:
    """Records what a comparison wrote beside the folders of its rows."""
    try:
        record_more(out, [out / name for name in _FILES if (out / name).is_file()])
    except OSError as error:
        raise unwritable(out, error.strerror or str(error)) from error


def _demand_ours(out: Path, models: Collection[str]) -> None:
    hidden = {entry.name for entry in out.iterdir() if entry.name.startswith(".")}  # are kept
    demand_ours(out, passed={*models, *hidden})
    for name in models:
        demand_ours(out / name)


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
            f"the existing comparison has other inputs: {', '.join(changed)} differ",
            where=out,
            fix="Choose another --out, or --force to start over.",
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
    from packager.shapes import Digests

    def digest(name: str) -> str:
        return hashlib.sha256(read_file(folder / name, MODEL_BYTES)).hexdigest()

    try:
        contract = read_record(folder / SPEC_FILE, Digests, fix="")
        read_record(folder / "report.json", dict[str, Any], fix="")
        return bool(
            row.error is None
            and row.model == f"{folder.name}/{MODEL_FILE}"
            and row.name == folder.name  # no way out of the comparison's folder
            and row.sha256 == contract["model"]["sha256"] == digest(MODEL_FILE)
            and contract["labels"]["sha256"] == digest(LABELS_FILE)
        )
    except (OSError, RecordError):
        return False


def _model_folders(older: dict[str, Any]) -> set[str]:
    """Every name that a row's folder can have."""
    from packager.export.settings import QUANTIZATIONS
    from packager.specs import SPECS

    rows = older["rows"] if isinstance(older.get("rows"), list) else []
    listed = {str(row.get("spec")) for row in rows if isinstance(row, dict)}
    return {row_name(spec, each) for spec in {*SPECS, *listed} for each in QUANTIZATIONS}


def _read(path: Path) -> dict[str, Any]:
    """What can be read of it; it only names folders, and what is damaged is told later."""
    try:
        return read_record(path, dict[str, Any], fix="")
    except RecordError:
        return {}
