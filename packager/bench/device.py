"""Measures on a phone over adb, with the generated project's harness or benchmark_model."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from packager import files
from packager.bench.gradle import harness_apks, project_apks
from packager.bench.harness import FOLDER, NamedModel, run_harness
from packager.bench.host import bench_photos, choose_photos, model_names
from packager.bench.native import NativeModel, binary_abi, run_native
from packager.bench.phone import Phone, find_phone
from packager.bench.plan import Plan, check_plan
from packager.bench.results import BenchedModel, Results, write_results
from packager.bench.vitals import phone_abis, phone_context
from packager.errors import DeviceError, PackagerError, SettingsError
from packager.progress import SILENT, Progress
from packager.reading import MODEL_BYTES, read_file

if TYPE_CHECKING:
    from packager.classifier_interface import Size
    from packager.data.folder import PhotoFolder

ENGINES = ("litert", "benchmark_model")
_SPARE = 50 * 2**20  # a phone this full is slow, and stops apps


def bench_on_device(
    models: Sequence[Path],
    *,
    serial: str | None = None,
    apk: Path | None = None,
    project: Path | None = None,
    engine: str = "litert",
    binary: Path | None = None,
    data: str | Path | PhotoFolder | None = None,
    out: Path,
    plan: Plan | None = None,
    profile: bool = False,
    input_size: Size | None = None,
    progress: Progress = SILENT,
) -> Results:
    """Measures models on the phone, and writes `out` after each combination.

    Args:
        models: .tflite image classifiers with labels inside, for "litert" none or more: with none
            the harness measures the model in its own assets; for "benchmark_model" any .tflite
            files, one or more.
        serial: which phone; None: ANDROID_SERIAL's, or the only one.
        apk: the built harness, a file or the folder Gradle wrote; project: the generated project,
            which is built first where it has to be. "litert" takes one of the two.
        binary: the tool that "benchmark_model" pushes.
        data: photos, as `bench_on_host` takes them, of which at most `plan.photos` are pushed
            beside the models, those that `bench_on_host` takes for the first; what they say of
            them here is what they should say there. None: the demo photos. "benchmark_model"
            and the model in the assets take none.
        plan: its threads, runs and time are followed; profile: "benchmark_model" also writes
            what each operator takes beside `out`, as OUT.profile.txt, and is slower for it.
        input_size: height and width for models whose input has none; of "litert" only.

    Raises:
        SettingsError: engine, apk, project, binary, data and profile don't fit together, or
            threads and runs are out of range. DataError: of the photos.
        DeviceError: no such phone, adb fails, wrong ABI, too little space, refused or failed; the
            message tells where the results so far are.
        ModelFileError, MetadataError: of a model. OutputError: `out` can't be written.
    """
    plan = plan or Plan()
    check_plan(plan)
    _check(models, apk, project, engine, binary, data, profile, input_size)
    phone = find_phone(serial)
    properties = phone.properties()
    abis = phone_abis(phone, properties)
    progress.say(f"Phone: {properties.get('ro.product.model', '')} ({phone.serial}), {abis[0]}.")
    if engine == "benchmark_model":
        assert binary is not None
        operators = out.with_suffix(".profile.txt") if profile else None
        steps = _native(phone, abis, models, binary, plan, operators, progress)
    else:
        steps = _harness(phone, abis, models, apk, project, data, plan, input_size, progress)
    return _kept(steps, out, progress)


def _check(
    models: Sequence[Path], apk: Path | None, project: Path | None, engine: str,
    binary: Path | None, data: str | Path | PhotoFolder | None, profile: bool,
    input_size: Size | None,
) -> None:  # fmt: skip
    if engine not in ENGINES:
        raise SettingsError(
            f"unknown engine {engine!r}",
            where="--engine",
            fix=f"Use {' or '.join(ENGINES)}.",
        )
    if engine == "benchmark_model":
        if binary is None:
            raise SettingsError(
                "the path of benchmark_model is missing",
                where="--binary",
                fix="Give TensorFlow's or LiteRT's benchmark_model for Android: --binary FILE.",
            )
        if not models:
            raise SettingsError(
                "no model was given", where="MODEL", fix="Give one or more .tflite files."
            )
        if apk is not None or project is not None:
            raise SettingsError(
                "benchmark_model doesn't use a harness",
                where="--project, --apk",
                fix="Leave them out.",
            )
        if data is not None:
            raise SettingsError(
                "benchmark_model uses random input", where="--data", fix="Leave it out."
            )
        if input_size is not None:
            raise SettingsError(
                "benchmark_model doesn't resize inputs", where="--input-size", fix="Leave it out."
            )
    elif binary is not None:
        raise SettingsError(
            "it needs --engine benchmark_model", where="--binary", fix="Leave it out."
        )
    elif profile:
        raise SettingsError(
            "it needs --engine benchmark_model", where="--profile", fix="Leave it out."
        )
    elif (apk is None) == (project is None):
        raise SettingsError(
            "two harnesses were given" if apk else "no harness was given",
            where="--project, --apk",
            fix="Give the project that `packager android` generated (--project FOLDER) or its "
            "built harness (--apk FILE).",
        )
    elif data is not None and not models:
        raise SettingsError(
            "without MODEL, the harness measures its own model and photos",
            where="--data",
            fix="Leave it out, or give the models to measure.",
        )


def _harness(
    phone: Phone, abis: Sequence[str], models: Sequence[Path], apk: Path | None,
    project: Path | None, data: str | Path | PhotoFolder | None, plan: Plan,
    input_size: Size | None, progress: Progress,
) -> Iterator[Results]:  # fmt: skip
    from packager.android.samples import write_sample_photos
    from packager.contract import describe_model
    from packager.isolation import run_isolated

    names = zip(models, model_names(models), strict=True)
    described = [
        NamedModel(name, describe_model(path, input_size=input_size)) for path, name in names
    ]
    if project is not None:
        apks = project_apks(project, progress)
    else:
        assert apk is not None
        apks = harness_apks(apk)
    for each in apks:
        if each.abis and not each.abis & set(abis):
            raise _wrong_abi(", ".join(sorted(each.abis)), abis, each.path)
    if apks[-1].debuggable:
        progress.warn(f"{apks[-1].path.name} is debuggable: it will be slower than a release build")
    # Both the pushed APK and the installed one are there at once.
    needed = 2 * sum(each.path.stat().st_size for each in apks)
    needed += sum(len(each.described.model) for each in described)
    with files.temporary_folder() as work:
        samples = None
        if models:
            samples = Path(work)
            photos, _ = choose_photos(
                models[0], described[0].described.labels, bench_photos(data, progress), plan.photos
            )
            run_isolated(
                write_sample_photos, samples, photos, [each.described for each in described]
            )
            needed += sum(path.stat().st_size for path in samples.rglob("*"))
        _check_space(phone, needed)
        yield from run_harness(phone, apks, described, plan, progress, samples=samples)


def _native(
    phone: Phone, abis: Sequence[str], models: Sequence[Path], binary: Path, plan: Plan,
    profile: Path | None, progress: Progress,
) -> Iterator[Results]:  # fmt: skip
    from packager.inspection import inspect_model

    abi = binary_abi(binary)
    if abi is not None and abi not in abis:
        raise _wrong_abi(abi, abis, binary)
    named = []
    for path, name in zip(models, model_names(models), strict=True):
        quantization = inspect_model(path).quantization
        content = read_file(path, MODEL_BYTES)
        digest = hashlib.sha256(content).hexdigest()
        facts = BenchedModel(path.name, digest, len(content), None, quantization)
        named.append(NativeModel(path, name, facts))
    _check_space(phone, binary.stat().st_size + sum(each.facts.bytes or 0 for each in named))
    context = phone_context(phone, "benchmark_model", binary.name)
    yield from run_native(
        phone, FOLDER, binary, named, context, plan, profile=profile, progress=progress
    )


def _wrong_abi(theirs: str, abis: Sequence[str], where: Path) -> DeviceError:
    return DeviceError(
        f"it is built for {theirs}, and the phone runs {', '.join(abis)}",
        where=where,
        fix=f"Give a build for {abis[0]}.",
    )


def _check_space(phone: Phone, needed: int) -> None:
    free = phone.free_bytes("/data/local/tmp")
    if free is not None and free < needed + _SPARE:
        raise DeviceError(
            f"the phone has {free / 1e6:.0f} MB free, and this takes "
            f"{(needed + _SPARE) / 1e6:.0f} MB",
            where=phone.serial,
            fix="Free some storage on the phone.",
        )


def _kept(steps: Iterator[Results], out: Path, progress: Progress) -> Results:
    """The latest results, written after each combination; an interruption is recorded in them."""
    results: Results | None = None
    assert isinstance(steps, Generator)
    try:
        with contextlib.closing(steps):
            for results in steps:
                write_results(results, out)
    except (PackagerError, KeyboardInterrupt) as error:
        if results is None:
            raise
        why = error.what if isinstance(error, PackagerError) else "Ctrl-C"
        count = sum(each.skipped is None for each in results.measurements)
        kept = f"The {count} completed measurements are in {out}."
        context = dataclasses.replace(results.context, interrupted=why.splitlines()[0])
        write_results(dataclasses.replace(results, context=context), out)
        if isinstance(error, PackagerError):
            raise type(error)(error.what, where=error.where, fix=f"{error.fix} {kept}") from error
        progress.warn(kept)
        raise
    if results is None:
        raise DeviceError("nothing was measured", where=out, fix="Run it again.")
    if all(each.skipped is not None for each in results.measurements):
        raise DeviceError(
            f"nothing could be measured: {results.measurements[0].skipped}",
            where=results.measurements[0].model_name,
            fix=f"See {out} for the reason of each combination.",
        )
    return results
