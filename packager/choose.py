"""`--spec auto`: the most accurate model within limits of latency, size and accuracy.

Candidates are ranked on the validation photos: ranking them on the test photos would bias the test
accuracy of the winner upwards.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager import files
from packager.bench.settings import LatencySource
from packager.build import BuildResult, BuildSettings
from packager.build.kept_app import bring_app, reserved_build
from packager.build.photos import look_at_photos
from packager.cache import check_cache
from packager.clock import Clock, SharedWork
from packager.compare.candidates import build_candidates, check_candidates, parse_names
from packager.compare.latency import check_source, on_host, on_phone
from packager.compare.rows import Latency, Row, Top1
from packager.errors import LimitsError, PackagerError
from packager.limits import Limits
from packager.options import settings_of, tables
from packager.out_folder import Reserved
from packager.progress import SILENT, Progress
from packager.recipe import Recipe
from packager.record import as_json, read_record

if TYPE_CHECKING:
    from packager.data.split import Split

CANDIDATES = (
    "lite0", "lite1", "lite2", "lite3", "lite4", "mobilenet_v2", "mobilenet_v3_l",
    "mobilenet_v4_s", "mobilenet_v4_m", "efficientnet_v2_b0",
)  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A candidate model.

    Attributes:
        row: its figures; validation: its accuracy on the validation photos.
        latency_ms: the latency to compare by, None when it couldn't be measured.
        misses: each limit that it exceeds, and by how much; excess: the worst of them, as a share
            of the limit.
    """

    row: Row
    validation: Top1 | None
    latency_ms: float | None
    misses: tuple[str, ...] = ()
    excess: float = 0.0


@dataclass(frozen=True)
class Choice:
    """The model that was chosen, and why.

    Attributes:
        result: the build; spec: of the chosen model; runner_up: of the second best within the
            limits, if there is one.
        validation_photos: number of photos that ranked the candidates.
        measured_on: the device that the latencies were measured on.
        candidates: all candidates, in the requested order.
        why: the reasons, as sentences.
    """

    result: BuildResult
    spec: str
    runner_up: str | None
    limits: Limits
    validation_photos: int
    measured_on: str
    candidates: tuple[Candidate, ...]
    why: tuple[str, ...]


def build_best(recipe: Recipe, *, progress: Progress = SILENT) -> Choice:
    """Builds each candidate, measures it, and keeps the best within the recipe's limits.

    The best has the highest accuracy on the validation photos (mean of both views); among those
    within one photo of it, the fastest wins. Its report.json explains the choice under "chosen",
    and has the recipe of the chosen model.

    Raises:
        LimitsError: no candidate is within the limits; the folder is then not created.
        PackagerError: as `packager.build.build` when no candidate can be built.
    """
    check_cache()
    settings = recipe.build
    with reserved_build(settings) as place:
        return _build_best(settings, recipe.limits, recipe.latency, place, progress)


def _build_best(
    settings: BuildSettings, limits: Limits, source: LatencySource, place: Reserved,
    progress: Progress,
) -> Choice:  # fmt: skip
    candidates = parse_names(limits.candidates)
    pairs = check_candidates(settings, candidates or CANDIDATES, (settings.quantization.type,))
    given = check_source(source)
    common = SharedWork()
    looked = look_at_photos(
        settings.photos, settings.seed, place.out, shared=common, clock=Clock(), progress=progress
    )
    folder, split = looked.folder, looked.split
    with files.temporary_folder() as work:
        outcomes = dict(build_candidates(settings, pairs, work, common=common, progress=progress))
        built = {row.name: each for row, each in outcomes.items() if isinstance(each, BuildResult)}
        if not built:
            raise next(each for each in outcomes.values() if isinstance(each, PackagerError))
        rows = list(outcomes)
        if source.is_phone:
            rows = on_phone(rows, work, folder, source, given, progress=progress)
        else:
            rows = on_host(rows, work, folder, source, progress=progress)
        found = tuple(
            candidate(
                row,
                _validated(row, work, split, progress),
                row.phone_latency_ms if source.is_phone else row.host_latency_ms,
                limits,
            )
            for row in rows
        )
        photos = len(split.validation)
        best, runner_up = choose(found, photos)
        where = _measured_on(best, source)
        choice = Choice(
            result=built[best.row.name],
            spec=best.row.spec,
            runner_up=runner_up.row.spec if runner_up else None,
            limits=limits,
            validation_photos=photos,
            measured_on=where,
            candidates=found,
            why=_why(best, runner_up, found, photos, where),
        )
        return _put_in_place(choice, work / best.row.name, settings, place)


def choose(candidates: Sequence[Candidate], photos: int) -> tuple[Candidate, Candidate | None]:
    """The best candidate within the limits, and the second best.

    `photos`: number of validation photos; within one photo of the best the fastest wins.

    Raises `LimitsError` that names the nearest when there is none.
    """
    fitting = [each for each in candidates if each.validation is not None and not each.misses]
    if not fitting:
        raise _none_fits(candidates)
    best = _best(fitting, photos)
    rest = [each for each in fitting if each is not best]
    return best, _best(rest, photos) if rest else None


def _best(fitting: Sequence[Candidate], photos: int) -> Candidate:
    highest = max(map(_accuracy, fitting))
    tied = [each for each in fitting if _is_tied(each, highest, photos)]
    return min(tied, key=lambda each: (_or_endless(each.latency_ms), -_accuracy(each)))


def _is_tied(candidate: Candidate, highest: float, photos: int) -> bool:
    return highest - _accuracy(candidate) <= 1 / photos + 1e-9


def _accuracy(candidate: Candidate) -> float:
    return candidate.validation.mean if candidate.validation else 0.0


def _or_endless(latency: float | None) -> float:
    return math.inf if latency is None else latency


def candidate(
    row: Row, validation: Top1 | None, measured: Latency | None, limits: Limits
) -> Candidate:
    """Adds the limits that it exceeds; `measured` is the latency to compare by."""
    latency = None if measured is None else measured.milliseconds
    found: list[tuple[float, str]] = []
    if validation is not None and row.bytes is not None:
        if limits.latency_ms is not None:
            over = _or_endless(latency) - limits.latency_ms
            said = "its latency isn't known" if latency is None else f"{over:.3g} ms too slow"
            found += [(over / limits.latency_ms, said)] if over > 0 else []
        if limits.size_bytes is not None:
            over = row.bytes - limits.size_bytes
            found += [(over / limits.size_bytes, f"{over / 1e6:.3g} MB too large")] * (over > 0)
        if limits.min_accuracy is not None:
            under = limits.min_accuracy - validation.mean
            found += [(under / limits.min_accuracy, f"{100 * under:.3g} points too inaccurate")] * (
                under > 0
            )
    excess = max((share for share, _ in found), default=0.0)
    return Candidate(row, validation, latency, tuple(said for _, said in found), excess)


def _none_fits(candidates: Sequence[Candidate]) -> LimitsError:
    nearest = min((each for each in candidates if each.validation), key=lambda each: each.excess)
    return LimitsError(
        f"no model is within the limits; the nearest, {nearest.row.spec}, is "
        f"{' and '.join(nearest.misses)} ({_figures(nearest)})",
        where="--spec auto",
        fix="Relax the limits, or try another --quantize or more --candidates.",
    )


def _figures(candidate: Candidate) -> str:
    latency, size = candidate.latency_ms, candidate.row.bytes or 0
    return f"{100 * _accuracy(candidate):.1f} % of the validation photos, {size / 1e6:.1f} MB, " + (
        "latency unknown" if latency is None else f"{latency:.1f} ms"
    )


def _why(
    best: Candidate, next_best: Candidate | None, candidates: Sequence[Candidate], photos: int,
    where: str,
) -> tuple[str, ...]:  # fmt: skip
    fitting = [each for each in candidates if each.validation and not each.misses]
    highest = max(map(_accuracy, fitting))
    tied = [each.row.spec for each in fitting if _is_tied(each, highest, photos)]
    if len(tied) > 1:
        reason = f"the fastest of {', '.join(tied)}, which are within one photo of {photos}"
    elif len(fitting) > 1:
        reason = f"the most accurate of the {len(fitting)} within the limits"
    else:
        reason = "the only one within the limits"
    said = [f"{best.row.spec}: {_figures(best)}: {reason}."]
    if next_best is not None:
        said.append(f"The runner-up, {next_best.row.spec}, has {_figures(next_best)}.")
    failed = [each.row.spec for each in candidates if each.validation is None]
    if failed:
        said.append(f"Could not be built: {', '.join(failed)}.")
    said.append(f"Accuracy: mean of both views over the {photos} validation photos.")
    said.append(f"Latency: median of inference on {where}.")
    return tuple(said)


def _measured_on(best: Candidate, source: LatencySource) -> str:
    phone = best.row.phone_latency_ms
    if phone is not None:
        return f"{phone.device}, {phone.accelerator}"
    from packager.bench.host import host_context

    threads = f"{source.threads} thread{'' if source.threads == 1 else 's'}"
    return f"this machine ({host_context().build.model}, {threads}), not on a phone"


def _validated(row: Row, work: Path, split: Split, progress: Progress) -> Top1 | None:
    """Evaluates the exported file on the validation photos."""
    from packager.classifier_file import open_classifier
    from packager.evaluation import evaluate_model

    if row.model is None:
        return None
    file = open_classifier(work / row.model)
    return Top1.of(
        evaluate_model(
            file.model, split.validation, file.labels, file.normalisation,
            progress=progress, phase=f"Validating {row.name}",
        )
    )  # fmt: skip


def _put_in_place(choice: Choice, made: Path, settings: BuildSettings, place: Reserved) -> Choice:
    """Moves the winner's folder into place, with the choice in its report."""
    out = place.out
    report = read_record(made / "report.json", dict[str, Any], fix="Build again.")
    output = next(each for each in settings_of(BuildSettings) if each.key == "output.folder")
    report["recipe"]["output"]["folder"] = output.plain(settings.output.folder)
    report["chosen"] = {
        "limits": tables(choice.limits),
        "validation_photos": choice.validation_photos,
        "measured_on": choice.measured_on,
        "spec": choice.spec,
        "runner_up": choice.runner_up,
        "why": choice.why,
        "candidates": [
            {
                "spec": each.row.spec,
                "validation_top1": each.validation,
                "bytes": each.row.bytes,
                "latency_ms": each.latency_ms,
                "misses": each.misses,
                "error": each.row.error,
            }
            for each in choice.candidates
        ],
    }
    with place.filled() as fresh:
        shutil.copytree(made, fresh, dirs_exist_ok=True)
        model = fresh / choice.result.model.name
        app_update = bring_app(place, fresh, model, settings.app)
        if app_update is not None:
            report["android"] = app_update.names
        files.write_text(fresh / "report.json", as_json(report))
    android = choice.result.android and out / choice.result.android.name
    result = replace(
        choice.result, out=out, model=out / choice.result.model.name, android=android,
        app_update=app_update,
    )  # fmt: skip
    return replace(choice, result=result)
