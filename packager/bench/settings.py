"""Settings of the latency measurement for `compare` and `--spec auto`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from packager.errors import SettingsError
from packager.options import Option, any_path


@dataclass(frozen=True)
class LatencySource:
    """Where latencies come from; values are checked on construction.

    Attributes:
        threads: CPU threads on this machine; runs: measured runs, here and on a phone.
        bench: result files of one phone (or another machine) that ran the models.
        device: serial of a phone to measure on, "" for the only one connected, None for no phone.
        apk, project: the harness, as `packager.bench.device.bench_on_device` takes it.
    """

    threads: Annotated[
        int, Option("CPU threads for the measurement on this machine.", "--threads")
    ] = 1
    runs: Annotated[int, Option("Measured runs per model.", "--runs")] = 100
    bench: Annotated[
        tuple[Path, ...],
        Option(
            "Latency results of a phone to compare by; may be repeated.", "--bench",
            metavar="RESULT",
            is_path=any_path,
        ),
    ] = ()  # fmt: skip
    device: Annotated[
        str | None,
        Option(
            "Measure on this phone; without SERIAL on the only one connected.", "--device",
            metavar="[SERIAL]", example="",
        ),
    ] = None  # fmt: skip
    apk: Annotated[
        Path | None,
        Option(
            "Built latency harness: an APK, or its folder.", "--apk", is_path=any_path,
            example="app-benchmark.apk",
        ),
    ] = None  # fmt: skip
    project: Annotated[
        Path | None,
        Option(
            "Android project to build the latency harness from.", "--project", is_path=any_path,
            example="dist/flowers/android",
        ),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        from packager.bench.plan import Plan, check_plan

        check_plan(Plan(threads=(self.threads,), runs=self.runs))
        if self.device is None:
            if self.apk is not None or self.project is not None:
                raise SettingsError(
                    "a latency harness is given, but no phone",
                    where="--device",
                    fix="Add --device [SERIAL].",
                )
        elif self.bench:
            raise SettingsError(
                "latencies are either measured or read from results",
                where="--device, --bench",
                fix="Give only one of the two.",
            )
        elif (self.apk is None) == (self.project is None):
            raise SettingsError(
                "two latency harnesses are given" if self.apk else "no latency harness is given",
                where="--project, --apk",
                fix="Give either an Android project that packager generated (--project FOLDER) or "
                "its built harness (--apk FILE).",
            )

    @property
    def is_phone(self) -> bool:
        """Whether latencies come from a phone, measured or given."""
        return self.device is not None or bool(self.bench)
