"""Where the latencies of models that are compared come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from packager.errors import SettingsError
from packager.options import Option, any_path


@dataclass(frozen=True)
class LatencySource:
    """Where latencies come from; checked when it is made.

    Attributes:
        threads, runs: on this machine; runs on a phone too.
        bench: files of results of one phone, or whatever else ran the models.
        device: serial of a phone to measure on, "" for the only one, None for no phone.
        apk, project: the harness, as `packager.bench.device.bench_on_device` takes it.
    """

    threads: Annotated[int, Option("Of the CPU, when measuring here.", "--threads")] = 1
    runs: Annotated[int, Option("Measured runs of each model.", "--runs")] = 100
    bench: Annotated[
        tuple[Path, ...],
        Option(
            "Results of a phone that has the say; may be repeated.", "--bench", metavar="RESULT",
            is_path=any_path,
        ),
    ] = ()  # fmt: skip
    device: Annotated[
        str | None,
        Option(
            "Measure on this phone, or the only one, too.", "--device", metavar="[SERIAL]",
            example="",
        ),
    ] = None  # fmt: skip
    apk: Annotated[
        Path | None,
        Option(
            "The built harness: an APK, or the folder it is in.", "--apk", is_path=any_path,
            example="app-benchmark.apk",
        ),
    ] = None  # fmt: skip
    project: Annotated[
        Path | None,
        Option(
            "An Android project, to build the harness from.", "--project", is_path=any_path,
            example="dist/flowers/android",
        ),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        from packager.bench.plan import Plan, check_plan

        check_plan(Plan(threads=(self.threads,), runs=self.runs))
        if self.device is None:
            if self.apk is not None or self.project is not None:
                raise SettingsError(
                    "a harness is given and no phone",
                    where="--device",
                    fix="Add --device [SERIAL].",
                )
        elif self.bench:
            raise SettingsError(
                "a phone's latencies are to be measured and given",
                where="--device, --bench",
                fix="Leave one of them out.",
            )
        elif (self.apk is None) == (self.project is None):
            raise SettingsError(
                "the harness is given twice" if self.apk else "no harness is given",
                where="--project, --apk",
                fix="Give an Android project that packager made, --project FOLDER, or its built "
                "harness, --apk FILE.",
            )

    @property
    def is_phone(self) -> bool:
        """Whether a phone is asked, or results of one are given."""
        return self.device is not None or bool(self.bench)
