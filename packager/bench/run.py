"""Measures on this machine, or on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from packager.bench.plan import Plan
from packager.bench.results import Results
from packager.data.settings import is_place
from packager.errors import BenchError, SettingsError
from packager.out_folder import check_outputs
from packager.progress import SILENT, Progress

if TYPE_CHECKING:
    from packager.classifier_interface import Size


def bench_models(
    models: Sequence[Path],
    *,
    device: str | None = None,
    data: str | Path | None = None,
    apk: Path | None = None,
    project: Path | None = None,
    engine: str = "litert",
    binary: Path | None = None,
    profile: bool = False,
    out: Path | None = None,
    plan: Plan | None = None,
    input_size: Size | None = None,
    progress: Progress = SILENT,
) -> Results:
    """`bench_on_host`, or with a `device` `bench_on_device`, whose arguments these are.

    Args:
        device: the phone's serial; empty for the only one there is; None for this machine.
        out: on a phone bench.json when it isn't given.

    Raises `SettingsError` for what only a phone takes; else what those two raise.
    """
    read = [path for path in (*models, apk, binary) if path is not None]
    if data is not None and is_place(str(data)):
        read.append(Path(data))
    written = out if device is None else out or Path("bench.json")
    check_outputs({"--out": written}, read)
    if device is not None:
        from packager.bench.device import bench_on_device

        return bench_on_device(
            models, serial=device or None, apk=apk, project=project, engine=engine,
            binary=binary, data=data, out=out or Path("bench.json"), plan=plan, profile=profile,
            input_size=input_size, progress=progress,
        )  # fmt: skip
    for flag, given in (
        ("--apk", apk), ("--project", project), ("--binary", binary), ("--profile", profile),
        ("--engine", engine != "litert"),
    ):  # fmt: skip
        if given:
            raise SettingsError(
                "it only applies to a phone, and this measures on this machine",
                where=flag,
                fix="Add --device, or leave it out.",
            )
    from packager.bench.host import bench_on_host

    return bench_on_host(
        models, data=data, plan=plan, out=out, input_size=input_size, progress=progress
    )


def demand_measured(results: Results) -> None:
    """Raises `BenchError` when there is a model without any measurement."""
    measured = {each.model_name for each in results.measurements if each.skipped is None}
    for each in results.measurements:
        if each.model_name not in measured:
            raise BenchError(
                f"nothing could be measured: {each.skipped}",
                where=each.model_name,
                fix="Check the model with packager inspect. The others were measured.",
            )
