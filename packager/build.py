"""From photos to a verified .tflite: the one module that knows the order of the steps."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager import files
from packager.cache import check_cache
from packager.clock import Clock, SharedWork
from packager.errors import AccuracyError, SettingsError
from packager.extras import require_extra
from packager.out_folder import ANDROID_FOLDER, FLOAT_MODEL_FILE, Reserved, reserved
from packager.progress import SILENT, Phase, Progress
from packager.record import as_json
from packager.specs import ModelSpec, get_spec

if TYPE_CHECKING:
    import numpy as np

    from packager.backbones.weights import Weights
    from packager.data.folder import Photo, PhotoFolder, Reject
    from packager.data.split import Split
    from packager.evaluation import Evaluation
    from packager.export.guard import Guarded, Rung
    from packager.inference import Normalisation
    from packager.training.extraction import Extraction
    from packager.training.fine_tune import FineTuned, FineTuneSettings
    from packager.training.head import Head, HeadSettings

_SAMPLE_PHOTOS = 6  # in the Android project


@dataclass(frozen=True)
class BuildSettings:
    """What to build.

    Attributes:
        spec: name of a model spec ("lite0".."lite4", "mobilenet_v2", "resnet50", or registered).
        backbone: a Keras file, SavedModel or TF Hub module in place of `spec`.
        input_size, mean, std: what that backbone takes: side in pixels; "127.5" or "R,G,B".
        data: a folder of photos, "demo" or "flowers".
        out: the folder to make; None means dist/DATA-SPEC-QUANTIZATION.
        quantization: "none", "fp16", "dynamic", "int8" or "int16x8".
        io: "uint8", "int8" or "float32"; None for what is usual.
        weights: "auto", "none" (start from nothing) or a file.
        split: shares of training, validation and test photos, such as "80/10/10".
        seed: of everything random.
        epochs, batch_size, learning_rate: of the head; None for the defaults.
        fine_tune: "none" (the backbone stays frozen), "tail" (its last stages) or "full".
        fine_tune_epochs: at most so many; augment: of "full": "none", "basic", "mixup" or
            "randaugment"; None for the defaults.
        resume: fine-tuning goes on from the last checkpoint of the same build.
        strict: unreadable photos are an error.
        force: an older build at `out` is replaced.
        max_accuracy_drop: points of top-1 that quantization may cost, in either view; dearer ways
            of quantizing are tried till one costs no more. None: the usual way, whatever it costs.
        engine: what extracts the features: "local", or "ray" for a cluster.
        name, description, version, author, licence: for the metadata; empty for the defaults.
        android: whether to make an Android project around the model.
        app_id, app_name, package: of that project; None for the defaults.
        plots: whether the report's figures are written as PNG files too.
    """

    spec: str = "lite0"
    backbone: Path | None = None
    input_size: int | None = None
    mean: str = ""
    std: str = ""
    data: str | Path = "demo"
    out: Path | None = None
    quantization: str = "int8"
    io: str | None = None
    weights: str | Path = "auto"
    split: str = "80/10/10"
    seed: int = 0
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    fine_tune: str = "none"
    fine_tune_epochs: int | None = None
    augment: str | None = None
    resume: bool = False
    strict: bool = False
    force: bool = False
    max_accuracy_drop: float | None = None
    engine: str = "local"
    name: str = ""
    description: str = ""
    version: str = "1"
    author: str = ""
    licence: str = ""
    android: bool = True
    app_id: str | None = None
    app_name: str | None = None
    package: str | None = None
    plots: bool = False


@dataclass(frozen=True)
class BuildResult:
    """What was built.

    Attributes:
        out: the folder; model: the .tflite in it.
        classes: the labels, in the order of the scores.
        evaluation: of the exported file; float_evaluation: of the same before quantization.
        model_bytes, float_bytes: sizes of both files.
        seconds: of each phase, and "total".
        rungs: the ways of quantizing that were tried with `max_accuracy_drop`, the last taken.
        android: the folder of the Android project, unless it was left out.
    """

    out: Path
    model: Path
    spec: str
    quantization: str
    classes: tuple[str, ...]
    evaluation: Evaluation
    float_evaluation: Evaluation
    model_bytes: int
    float_bytes: int
    seconds: dict[str, float]
    android: Path | None = None
    rungs: tuple[Rung, ...] = ()


def build(
    settings: BuildSettings, *, shared: SharedWork | None = None, progress: Progress = SILENT
) -> BuildResult:
    """Builds the folder `settings.out`: model, labels, contract and report.

    Builds that are given the same `shared` do what they have in common once.

    Raises the `PackagerError` of whichever step fails; nothing is then left at `out` that was
    not there before, but for `AccuracyError`, which leaves the float model there.
    """
    check_cache()
    with reserved(out_folder(settings), force=settings.force) as place:
        return _build(settings, place, shared or SharedWork(), progress)


def _build(
    settings: BuildSettings, place: Reserved, shared: SharedWork, progress: Progress
) -> BuildResult:
    from packager.export.quantize import io_type
    from packager.training.extraction import check_engine

    spec = _spec(settings)
    io = io_type(settings.quantization, settings.io)
    data_key = _data_key(settings)
    head_settings, tune_settings = _head_settings(settings), _tune_settings(settings)
    check_engine(settings.engine)
    if settings.max_accuracy_drop is not None and not 0 <= settings.max_accuracy_drop <= 100:
        raise SettingsError(
            f"{settings.max_accuracy_drop} points is out of range",
            where="--max-accuracy-drop",
            fix="Use 0 to 100.",
        )
    out = place.out
    if settings.android:
        from packager.android.names import project_names

        project_names(
            "", package=settings.package, app_id=settings.app_id, app_name=settings.app_name
        )

    clock = Clock()
    lost: set[Path] = set()  # test photos

    def evaluate(model: bytes, phase: str) -> Evaluation:
        from packager.data.folder import warn_of_lost
        from packager.evaluation import evaluate_model

        with clock("evaluation"):
            measured = evaluate_model(
                model, split.test, folder.classes, trained.normalisation,
                progress=progress, phase=f"Evaluating {phase}",
            )  # fmt: skip
        warn_of_lost([each for each in measured.rejects if each.path not in lost], progress)
        lost.update(each.path for each in measured.rejects)
        return measured

    folder, split = read_photos(settings, shared=shared, clock=clock, progress=progress)
    training_key = (data_key, spec, str(settings.weights), head_settings, tune_settings)
    trained = shared.once(
        ("training", training_key),
        clock,
        lambda: _train(
            spec, settings, head_settings, tune_settings, split, folder, clock, progress
        ),
    )
    spec = replace(spec, feature_size=trained.head.kernel.shape[0])  # a file's isn't known before

    def evaluate_float(model: bytes) -> Evaluation:
        return shared.once(("float32", training_key), clock, lambda: evaluate(model, "float32"))

    def drop(plain: bytes, quantized: bytes) -> float:
        return _drop(evaluate_float(plain), evaluate(quantized, settings.quantization))

    models = _export(spec, settings, io, folder, trained, drop, clock, progress)
    float_evaluation = evaluate_float(models.float32)
    evaluation = (
        float_evaluation
        if models.exported is models.float32  # not quantized: the same file
        else evaluate(models.exported, settings.quantization)
    )
    guarded = models.guarded
    too_much = guarded is not None and not guarded.held

    from packager.contract import MODEL_FILE, SPEC_FILE, model_spec
    from packager.labels import labels_text
    from packager.metadata.writer import LABELS_FILE
    from packager.report.facts import build_facts
    from packager.report.page import write_report

    model_file = FLOAT_MODEL_FILE if too_much else MODEL_FILE
    model = models.float32 if too_much else models.exported
    seconds = clock.stop()
    contract = model_spec(
        model,
        name=models.name,
        spec=spec.name,
        quantization="none" if too_much else settings.quantization,
        model_file=model_file,
        labels=folder.classes,
        normalisation=trained.normalisation,
        evaluation=float_evaluation if too_much else evaluation,
    )
    report = build_facts(
        settings,
        head_settings,
        io,
        spec,
        folder,
        split,
        trained,
        models,
        (float_evaluation, evaluation),
        seconds,
    )
    with place.filled() as fresh:
        files.write_bytes(fresh / model_file, model)
        files.write_text(fresh / LABELS_FILE, labels_text(folder.classes))
        files.write_text(fresh / SPEC_FILE, as_json(contract))
        if settings.android and not too_much:
            report["android"] = _android(
                settings, fresh, fresh / model_file, contract, evaluation.photos
            )
        files.write_text(fresh / "report.json", as_json(report))
        with progress.phase("Writing the report"):
            write_report(fresh, report, plots=settings.plots, progress=progress)
    if trained.fine_tuned is not None:
        shutil.rmtree(trained.fine_tuned.checkpoints, ignore_errors=True)
    if guarded is not None and not guarded.held:
        tried = ", ".join(f"{rung.name} {rung.drop_points:.1f}" for rung in guarded.tried)
        raise AccuracyError(
            f"{settings.quantization} costs {_drop(float_evaluation, evaluation):.1f} points of "
            f"top-1 on the test photos, more than the {settings.max_accuracy_drop} allowed "
            f"(tried: {tried})",
            where=out,
            fix=f"The float model is there as {FLOAT_MODEL_FILE}. Try --quantize fp16, more "
            "photos, or a higher --max-accuracy-drop.",
        )
    return BuildResult(
        out, out / model_file, spec.name, settings.quantization, folder.classes,
        evaluation, float_evaluation, len(models.exported), len(models.float32), seconds,
        out / ANDROID_FOLDER if settings.android else None, guarded.tried if guarded else (),
    )  # fmt: skip


def read_photos(
    settings: BuildSettings, *, shared: SharedWork, clock: Clock, progress: Progress = SILENT
) -> tuple[PhotoFolder, Split]:
    """The photos and their split; builds that are given the same `shared` read them no more."""
    from packager.data.folder import scan_folder
    from packager.data.split import parse_split, split_photos

    def read() -> tuple[PhotoFolder, Split]:
        with clock("data"):
            root = _photo_root(settings, out_folder(settings), progress)
            folder = scan_folder(root, strict=settings.strict, progress=progress)
            split = split_photos(folder, parse_split(settings.split), settings.seed)
        progress.say(
            f"{len(folder.photos)} photos in {len(folder.classes)} classes: {len(split.train)} to "
            f"train, {len(split.validation)} to validate, {len(split.test)} to test."
        )
        return folder, split

    return shared.once(("data", _data_key(settings)), clock, read)


def out_folder(settings: BuildSettings) -> Path:
    """`settings.out`, or what stands for it."""
    spec = settings.spec if settings.backbone is None else _spec(settings).name
    return settings.out or Path("dist") / f"{_data_name(settings)}-{spec}-{settings.quantization}"


@dataclass(frozen=True)
class Trained:
    """What training came to, and with what; `backbone` and `head` are the fine-tuned ones.

    `train` are the training photos without those that were lost meanwhile.
    """

    backbone: bytes
    backbone_cached: bool
    weights: Weights
    extraction: Extraction
    train: tuple[Photo, ...]
    head: Head
    normalisation: Normalisation
    fine_tuned: FineTuned | None


@dataclass(frozen=True)
class Models:
    """The files, with metadata: before quantization, and the one that is exported."""

    name: str
    float32: bytes
    exported: bytes
    calibration: int
    guarded: Guarded | None


def _spec(settings: BuildSettings) -> ModelSpec:
    if settings.backbone is not None:
        from packager.backbones.custom import custom_spec

        if settings.spec != BuildSettings.spec:
            raise SettingsError(
                f"there is a spec ({settings.spec}) and a backbone of your own",
                where="--backbone",
                fix="Leave one of the two out.",
            )
        require_extra("tensorflow", "--backbone")
        return custom_spec(settings.backbone, settings.input_size, settings.mean, settings.std)
    if settings.input_size is not None or settings.mean or settings.std:
        raise SettingsError(
            "--input-size, --mean and --std describe a backbone of your own",
            where=settings.spec,
            fix="Leave them out, or give --backbone too.",
        )
    return get_spec(settings.spec)


def _head_settings(settings: BuildSettings) -> HeadSettings:
    from packager.training.head import HeadSettings

    given = {
        name: getattr(settings, name)
        for name in ("epochs", "batch_size", "learning_rate")
        if getattr(settings, name) is not None
    }
    return HeadSettings(**given, seed=settings.seed)


def _tune_settings(settings: BuildSettings) -> FineTuneSettings | None:
    from packager.training.fine_tune import FineTuneSettings

    if settings.fine_tune == "none":
        for name in ("fine_tune_epochs", "augment", "resume"):
            if getattr(settings, name):
                raise SettingsError(
                    "only fine-tuning heeds this, and none was asked for",
                    where="--" + name.replace("_", "-"),
                    fix="Add --fine-tune tail or --fine-tune full.",
                )
        return None
    require_extra("tensorflow", "--fine-tune")
    epochs = {} if settings.fine_tune_epochs is None else {"epochs": settings.fine_tune_epochs}
    return FineTuneSettings(
        settings.fine_tune, augment=settings.augment, seed=settings.seed, resume=settings.resume,
        **epochs,
    )  # fmt: skip


def _data_key(settings: BuildSettings) -> tuple[Hashable, ...]:
    """What the photos and their split depend on."""
    from packager.data.split import parse_split

    return str(settings.data), settings.strict, parse_split(settings.split), settings.seed


def _data_name(settings: BuildSettings) -> str:
    return files.expanded(settings.data, "--data").absolute().name or "photos"


def _photo_root(settings: BuildSettings, out: Path, progress: Progress) -> Path:
    if settings.data == "demo":
        from packager.data.demo import demo_photos

        progress.say("Using the demo set: five drawn classes, made on this machine.")
        return demo_photos(progress=progress)
    if settings.data == "flowers":
        from packager.data.flowers import flower_photos

        return flower_photos(progress=progress)
    root = files.expanded(settings.data, "--data")
    if out.absolute().resolve().is_relative_to(root.absolute().resolve()):
        raise SettingsError(
            "the output would lie among the photos, and count as a class of the next build",
            where=out,
            fix="Give --out a folder outside of --data.",
        )
    return root


def _train(
    spec: ModelSpec, settings: BuildSettings, head_settings: HeadSettings,
    tune_settings: FineTuneSettings | None, split: Split, folder: PhotoFolder, clock: Clock,
    progress: Progress,
) -> Trained:  # fmt: skip
    from packager.backbones.weights import find_weights
    from packager.data.folder import warn_of_lost
    from packager.data.split import demand_each_class
    from packager.export.convert import cached_backbone, converted_backbone, needs_tensorflow
    from packager.inference import Normalisation
    from packager.training.extraction import extract_features
    from packager.training.features import FeatureStore, load_features
    from packager.training.head import train_head

    with clock("weights"):
        weights = find_weights(spec, settings.weights, progress=progress)
        backbone = cached_backbone(spec, weights, seed=settings.seed)
    cached = backbone is not None
    if backbone is None:
        if needs_tensorflow(spec):
            _load_tensorflow(clock, progress)
        with clock("backbone conversion"), progress.phase("Converting the backbone"):
            backbone = converted_backbone(spec, weights, seed=settings.seed)
    store = FeatureStore(spec, backbone.sha256, shape=(backbone.feature_size,))
    with clock("feature extraction"):
        extraction = extract_features(
            (*split.train, *split.validation), spec, backbone.model, store,
            engine=settings.engine, progress=progress,
        )  # fmt: skip
    if extraction.damaged:
        progress.warn(f"{extraction.damaged} damaged cache entries were made anew.")
    lost = {reject.path for reject in extraction.rejects}
    warn_of_lost(extraction.rejects, progress)
    parts = [
        tuple(photo for photo in part if photo.path not in lost)
        for part in (split.train, split.validation)
    ]
    demand_each_class(parts[0], parts[1], folder.classes, folder.root)
    with clock("head training"):
        train, validation = (load_features(part, store) for part in parts)
        head = train_head(train, validation, len(folder.classes), head_settings, progress=progress)
    model, tuned = backbone.model, None
    if tune_settings is not None:
        from packager.training.fine_tune import fine_tune

        _load_tensorflow(clock, progress)
        with clock("fine-tuning"):
            tuned = fine_tune(
                spec, weights, parts[0], parts[1], len(folder.classes), head, tune_settings,
                engine=settings.engine, progress=progress,
            )  # fmt: skip
        model, head = tuned.backbone, tuned.head
    return Trained(
        model, cached, weights, extraction, parts[0], head,
        Normalisation((spec.mean,), (spec.std,)), tuned,
    )  # fmt: skip


def _export(
    spec: ModelSpec, settings: BuildSettings, io: str, folder: PhotoFolder,
    trained: Trained, drop: Callable[[bytes, bytes], float], clock: Clock, progress: Progress,
) -> Models:  # fmt: skip
    from packager.data.folder import warn_of_lost
    from packager.export.calibration import (
        Calibration,
        representative_dataset,
        representative_photos,
    )
    from packager.export.graft import attach_head
    from packager.export.guard import CALIBRATION_PHOTOS, guarded
    from packager.export.quantize import quantize
    from packager.inspection import float_operators
    from packager.metadata.writer import ClassifierMetadata, write_metadata

    train = trained.train
    lost: dict[Path, Reject] = {}

    def samples(count: int, phase: Phase) -> Iterator[np.ndarray[Any, Any]]:
        photos = representative_photos(train, count, settings.seed)
        return representative_dataset(
            photos, spec, phase, lambda reject: lost.update({reject.path: reject})
        )

    with clock("float export"):
        plain = attach_head(trained.backbone, trained.head.kernel, trained.head.bias)
    calibrated = settings.quantization in ("int8", "int16x8")
    count = min(CALIBRATION_PHOTOS, len(train)) if calibrated else 0
    guard = None
    input_range = ((0 - spec.mean) / spec.std, (255 - spec.mean) / spec.std)
    if settings.max_accuracy_drop is not None and settings.quantization != "none":
        guard = guarded(
            plain,
            settings.quantization,
            io=io,
            input_range=input_range,
            calibration=Calibration(len(train), samples),
            evaluate=lambda quantized: drop(plain, quantized),
            max_drop=settings.max_accuracy_drop,
            seed=settings.seed,
            progress=progress,
        )
        quantized, count = guard.model, guard.tried[-1].photos
        clock.seconds["quantization"] = sum(rung.seconds for rung in guard.tried)
    else:
        with (
            clock("quantization"),
            progress.phase(f"Quantizing to {settings.quantization}", 2 * count or None) as phase,
        ):
            quantized = quantize(
                plain,
                settings.quantization,
                io=io,
                input_range=input_range,
                representative=lambda: samples(count, phase),
            )
    warn_of_lost(tuple(lost.values()), progress)
    left = float_operators(quantized) if calibrated and guard is None else ()
    if left:
        progress.warn(
            f"{', '.join(left)} can't be computed in {settings.quantization} and stays in float: "
            "accelerators for integers won't run the model as a whole."
        )
    name = settings.name or f"{_data_name(settings)} {spec.title}"
    metadata = ClassifierMetadata(
        name=name,
        description=settings.description
        or f"Tells {len(folder.classes)} classes of photos apart. {spec.title}, "
        f"{settings.quantization} quantization.",
        version=settings.version,
        author=settings.author,
        license=settings.licence,
        labels=folder.classes,
        mean=trained.normalisation.mean,
        std=trained.normalisation.std,
    )
    with clock("metadata"):
        exported = write_metadata(quantized, metadata)
        float32 = exported if quantized is plain else write_metadata(plain, metadata)
    return Models(name, float32, exported, 2 * count, guard)


def _drop(float_evaluation: Evaluation, evaluation: Evaluation) -> float:
    """Points of top-1 lost, in the view that lost more."""
    from packager.evaluation import drop_points

    return max(drop_points(float_evaluation, evaluation).values())


def _android(
    settings: BuildSettings,
    fresh: Path,
    model: Path,
    contract: dict[str, Any],
    test: Sequence[Photo],
) -> dict[str, str]:
    from packager.android.project import generate_project
    from packager.export.calibration import representative_photos

    samples = representative_photos(test, _SAMPLE_PHOTOS, settings.seed)

    project = generate_project(
        model, fresh / ANDROID_FOLDER, spec=contract,
        package=settings.package, app_id=settings.app_id, app_name=settings.app_name,
        photos=[photo.path for photo in samples],
    )  # fmt: skip
    return {
        "package": project.package,
        "app_id": project.app_id,
        "app_name": project.app_name,
    }


_imports = SharedWork()  # done once a process, counted in each build


def _load_tensorflow(clock: Clock, progress: Progress) -> None:
    """Imports it in a phase of its own, so that its seconds aren't the next step's."""

    def load() -> None:
        with clock("import tensorflow"), progress.phase("Loading TensorFlow"):
            import tensorflow  # noqa: F401

    if "import tensorflow" not in clock.seconds:
        _imports.once("tensorflow", clock, load)
