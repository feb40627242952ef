"""Builds several models, measures them under the same conditions, and writes the table."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager import files
from packager.android.settings import AppSettings
from packager.bench.settings import LatencySource
from packager.build import BuildSettings
from packager.build.photos import look_at_photos
from packager.cache import check_cache
from packager.clock import Clock, SharedWork
from packager.compare.candidates import build_candidates, check_candidates
from packager.compare.folder import (
    COMPARISON_FILE,
    clear_folder,
    demand_same,
    finished_rows,
    open_folder,
    record_files,
)
from packager.compare.latency import (
    HOST_BENCH_FILE,
    PHONE_BENCH_FILE,
    check_source,
    on_host,
    on_phone,
)
from packager.compare.rows import FORMAT, Comparison, Row, latency_measure, mark_front
from packager.errors import PackagerError
from packager.options import settings_of
from packager.out_folder import check_outputs, check_place, held_folder, unwritable
from packager.progress import SILENT, Progress
from packager.reading import MODEL_BYTES, read_file
from packager.record import as_json, parse_json
from packager.report.comparison_page import write_comparison_page
from packager.report.facts import build_versions

if TYPE_CHECKING:
    from packager.bench.results import Results
    from packager.data.folder import PhotoFolder
    from packager.data.split import Split

_OF_THE_ROW = ("model.spec", "quantization.type", "output.folder", "output.force", "photos.data")


@dataclass(frozen=True)
class CompareSettings:
    """Settings of a comparison.

    Attributes:
        specs, quantizations: a row for each pair.
        out: the folder to make, with one for each row.
        build: what all rows have in common; its spec, type of quantization, output and app don't
            count.
        latency: how and where it is measured.
        force: whether an older comparison at `out` is replaced instead of continued.
    """

    specs: tuple[str, ...]
    quantizations: tuple[str, ...]
    out: Path
    build: BuildSettings = field(default_factory=BuildSettings)
    latency: LatencySource = field(default_factory=LatencySource)
    force: bool = False


def compare(settings: CompareSettings, *, progress: Progress = SILENT) -> Comparison:
    """Builds every missing row, then measures all rows again, in turn.

    OUT/comparison.json is written after each row, OUT/bench.json and OUT/bench-phone.json hold
    the latencies measured here and on a phone, OUT/report.html shows all. A row that fails has
    its error in the table.

    Raises:
        SettingsError, DataError, BenchError, DeviceError: before anything is built.
        OutputError: `out` is foreign, or a comparison of other photos, settings or versions.
        PackagerError: the first row's own, when all failed; of measuring, when it failed: what
            was built is kept, and the same command continues from there.
    """
    pairs = check_candidates(settings.build, settings.specs, settings.quantizations)
    given = check_source(settings.latency)
    benches = {f"--out {name}": settings.out / name for name in (HOST_BENCH_FILE, PHONE_BENCH_FILE)}
    check_outputs(benches, settings.latency.bench)
    check_cache()
    check_place(settings.out)
    with held_folder(settings.out):
        try:
            return _compare(settings, pairs, given, progress)
        finally:
            if (settings.out / COMPARISON_FILE).is_file():
                record_files(settings.out)


def _compare(
    settings: CompareSettings, pairs: Sequence[tuple[str, str]], given: Sequence[Results],
    progress: Progress,
) -> Comparison:  # fmt: skip
    older = open_folder(settings.out, force=settings.force)
    base = replace(settings.build, app=AppSettings(android=False))
    common = SharedWork()
    photos = look_at_photos(
        base.photos, base.seed, settings.out, shared=common, clock=Clock(), progress=progress
    )
    folder = photos.folder
    comparison = _described(settings, folder, photos.split)
    if settings.force:
        clear_folder(settings.out)
    done: dict[tuple[str, str], Row] = {}
    if older is not None:
        done = finished_rows(older, settings.out)
        if done:
            demand_same(_origin(older), _origin(parse_json(as_json(comparison))), settings.out)
    for pair in pairs:
        if pair in done:
            progress.say(f"{done[pair].name} already exists.")

    comparison = _kept(comparison, [done[pair] for pair in pairs if pair in done], settings.out)
    errors: list[PackagerError] = []
    missing = [pair for pair in pairs if pair not in done]
    for row, outcome in build_candidates(
        base, missing, settings.out, common=common, progress=progress
    ):
        errors += [outcome] if isinstance(outcome, PackagerError) else []
        done[row.spec, row.quantization] = row
        comparison = _kept(comparison, [done[pair] for pair in pairs if pair in done], settings.out)
    if all(row.error for row in comparison.rows):
        raise errors[0]
    # Those of an older run were measured under other conditions.
    rows = [replace(row, host_latency_ms=None, phone_latency_ms=None) for row in comparison.rows]
    rows = on_host(rows, settings.out, folder, settings.latency, progress=progress)
    if settings.latency.is_phone:
        comparison = _kept(comparison, rows, settings.out)
        rows = on_phone(rows, settings.out, folder, settings.latency, given, progress=progress)
    comparison = _kept(comparison, rows, settings.out)
    write_comparison_page(settings.out)
    return comparison


def _kept(comparison: Comparison, rows: Sequence[Row], out: Path) -> Comparison:
    """The comparison with these rows, in its file."""
    marked = mark_front(rows)
    comparison = replace(comparison, rows=marked, pareto=("bytes", latency_measure(marked), "top1"))
    try:
        files.write_text(out / COMPARISON_FILE, as_json(comparison))
    except OSError as error:
        raise unwritable(out, error.strerror or str(error)) from error
    return comparison


def _described(settings: CompareSettings, folder: PhotoFolder, split: Split) -> Comparison:
    """A comparison without rows yet."""
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    digest = hashlib.sha256()
    for name, photos in parts.items():
        for line in sorted(f"{name}/{folder.classes[each.label]}/{each.sha256}" for each in photos):
            digest.update(f"{line}\n".encode())
    build: dict[str, Any] = {}
    for each in settings_of(BuildSettings):
        if each.table == "app" or each.key in _OF_THE_ROW:
            continue
        value = each.of(settings.build)
        build[each.key] = each.plain(value)
        if (path := each.path(value)) is not None:
            build[f"{each.key}_sha256"] = _digest(path)
    return Comparison(
        format=FORMAT,
        settings={
            "specs": settings.specs,
            "quantizations": settings.quantizations,
            "threads": settings.latency.threads,
            "runs": settings.latency.runs,
            "build": build,
        },
        data={
            "name": folder.root.absolute().name,
            "classes": folder.classes,
            "photos": {name: len(photos) for name, photos in parts.items()},
            "sha256": digest.hexdigest(),
        },
        versions=build_versions(),
        pareto=(),
        rows=(),
    )


def _origin(comparison: dict[str, Any]) -> dict[str, Any]:
    """What has to be the same for rows to stand side by side; the kernel's version has not."""
    versions = {k: v for k, v in comparison.get("versions", {}).items() if k != "platform"}
    build = comparison.get("settings", {}).get("build", {})
    return {"build": build, "data": comparison.get("data", {}), "versions": versions}


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(read_file(path, MODEL_BYTES)).hexdigest()
    except OSError:  # whatever reads it will say so
        return None
