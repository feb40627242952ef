"""Builds one model after the other from the same photos; a failure only affects its row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from packager.build import BuildResult, BuildSettings, build
from packager.clock import SharedWork
from packager.compare.rows import Row, Top1
from packager.errors import (
    DownloadError,
    PackagerError,
    SettingsError,
    TrainingError,
    WeightsError,
)
from packager.export.settings import io_type
from packager.model_cost import model_cost
from packager.progress import SILENT, Progress
from packager.specs import get_spec

# What ends training ends it for every quantization.
_OF_THE_SPEC = (WeightsError, DownloadError, TrainingError)


def parse_names(text: str) -> tuple[str, ...]:
    """ "lite0, lite2" as names."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def check_candidates(
    base: BuildSettings, specs: Sequence[str], quantizations: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """The pairs of spec and quantization, each once; raises `SettingsError` for a wrong name."""
    pairs = dict.fromkeys((get_spec(spec).name, each) for spec in specs for each in quantizations)
    if not pairs:
        raise SettingsError(
            "no model or quantization was given",
            where="--specs, --quantize",
            fix="Give at least one of each, such as lite0,lite2 and none,int8.",
        )
    for _, quantization in pairs:
        io_type(quantization, base.quantization.io)
    return tuple(pairs)


def build_candidates(
    base: BuildSettings,
    pairs: Sequence[tuple[str, str]],
    out: Path,
    *,
    common: SharedWork,
    progress: Progress = SILENT,
) -> Iterator[tuple[Row, BuildResult | PackagerError]]:
    """Builds `base` for each pair of spec and quantization into a folder of `out`.

    Gives each row with what was built, or with the error that is its own.

    Pairs of one spec stand together; what they share is done once, and let go before the next.
    What `common` holds is shared by all.
    """
    number = 0
    for spec, group in groupby(pairs, key=lambda pair: pair[0]):
        shared = common.branch()
        outcome: BuildResult | PackagerError | None = None
        for _, quantization in group:
            number += 1
            progress.say(f"{spec}, {quantization} ({number} of {len(pairs)})")
            row = Row(spec, get_spec(spec).title, quantization)
            settings = replace(
                base,
                model=replace(base.model, spec=spec),
                quantization=replace(base.quantization, type=quantization),
                output=replace(base.output, folder=out / row.name, force=True),
            )
            if not isinstance(outcome, _OF_THE_SPEC):
                try:
                    outcome = build(settings, shared=shared, progress=progress)
                except PackagerError as error:
                    progress.warn(f"{row.name} is left out: {error}")
                    outcome = error
            yield _row(row, outcome, out), outcome


def _row(row: Row, outcome: BuildResult | PackagerError, out: Path) -> Row:
    if isinstance(outcome, PackagerError):
        return replace(row, error=str(outcome))
    cost = model_cost(outcome.model)
    return replace(
        row,
        model=outcome.model.relative_to(out).as_posix(),
        bytes=outcome.model_bytes,
        sha256=hashlib.sha256(outcome.model.read_bytes()).hexdigest(),
        parameters=cost.parameters,
        multiply_adds=cost.multiply_adds,
        top1=Top1.of(outcome.evaluation),
        build_seconds=round(outcome.seconds["total"], 3),
    )
