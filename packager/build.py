"""From photos to a verified .tflite: the one module that knows the order of the steps."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager import files
from packager.errors import AccuracyError, OutputError, SettingsError
from packager.progress import SILENT, Progress
from packager.record import as_json
from packager.specs import ModelSpec, get_spec

if TYPE_CHECKING:
    from packager.backbones.weights import Weights
    from packager.data.folder import Photo, PhotoFolder
    from packager.data.split import Split
    from packager.evaluation import Evaluation
    from packager.inference import Normalisation
    from packager.training.features import Extraction
    from packager.training.head import Head, HeadSettings

FLOAT_MODEL_FILE = "model_float32.tflite"
ANDROID_FOLDER = "android"
_OURS = {
    "model.tflite", "labels.txt", "model_spec.json", "report.json", FLOAT_MODEL_FILE,
    ANDROID_FOLDER,
}  # fmt: skip
_CALIBRATION_PHOTOS = 50
_SAMPLE_PHOTOS = 6  # in the Android project


@dataclass(frozen=True)
class BuildSettings:
    """What to build.

    Attributes:
        spec: name of a model spec ("lite0".."lite4", "mobilenet_v2").
        data: a folder of photos, "demo" or "flowers".
        out: the folder to make; None means dist/DATA-SPEC-QUANTIZATION.
        quantization: "none", "fp16", "dynamic", "int8" or "int16x8".
        io: "uint8", "int8" or "float32"; None for what is usual.
        weights: "auto", "none" (start from nothing) or a file.
        split: shares of training, validation and test photos, such as "80/10/10".
        seed: of everything random.
        epochs, batch_size, learning_rate: of the head; None for the defaults.
        strict: unreadable photos are an error.
        force: an older build at `out` is replaced.
        max_accuracy_drop: points of top-1 that quantization may cost, in either view.
        name, description, version, author, licence: for the metadata; empty for the defaults.
        android: whether to make an Android project around the model.
        app_id, app_name, package: of that project; None for the defaults.
    """

    spec: str = "lite0"
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
    strict: bool = False
    force: bool = False
    max_accuracy_drop: float | None = None
    name: str = ""
    description: str = ""
    version: str = "1"
    author: str = ""
    licence: str = ""
    android: bool = True
    app_id: str | None = None
    app_name: str | None = None
    package: str | None = None


@dataclass(frozen=True)
class BuildResult:
    """What was built.

    Attributes:
        out: the folder; model: the .tflite in it.
        classes: the labels, in the order of the scores.
        evaluation: of the exported file; float_evaluation: of the same before quantization.
        model_bytes, float_bytes: sizes of both files.
        seconds: of each phase, and "total".
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


@dataclass
class _Clock:
    """Seconds of each phase."""

    seconds: dict[str, float] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)

    @contextlib.contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.seconds[phase] = time.monotonic() - begun

    def stop(self) -> dict[str, float]:
        return {**self.seconds, "total": time.monotonic() - self.begun}


def build(settings: BuildSettings, *, progress: Progress = SILENT) -> BuildResult:
    """Builds the folder `settings.out`: model, labels, contract and report.

    Raises the `PackagerError` of whichever step fails; nothing is then left at `out` that was
    not there before, but for `AccuracyError`, which leaves the float model there.
    """
    from packager.data.folder import scan_folder
    from packager.data.split import parse_split, split_photos
    from packager.export.quantize import io_type

    spec = get_spec(settings.spec)
    io = io_type(settings.quantization, settings.io)
    fractions = parse_split(settings.split)
    head_settings = _head_settings(settings)
    if settings.max_accuracy_drop is not None and not 0 <= settings.max_accuracy_drop <= 100:
        raise SettingsError(
            f"{settings.max_accuracy_drop} points is out of range",
            where="--max-accuracy-drop",
            fix="Use 0 to 100.",
        )
    out = (
        settings.out or Path("dist") / f"{_data_name(settings)}-{spec.name}-{settings.quantization}"
    )
    _check_out(out, force=settings.force)
    if settings.android:
        from packager.android.names import project_names

        project_names(
            "", package=settings.package, app_id=settings.app_id, app_name=settings.app_name
        )

    clock = _Clock()
    with clock("data"):
        root = _photo_root(settings, out, progress)
        folder = scan_folder(root, strict=settings.strict, progress=progress)
        split = split_photos(folder, fractions, settings.seed)
    progress.say(
        f"{len(folder.photos)} photos in {len(folder.classes)} classes: {len(split.train)} to "
        f"train, {len(split.validation)} to validate, {len(split.test)} to test."
    )
    trained = _train(spec, settings, head_settings, split, folder, clock, progress)
    models = _export(spec, settings, io, folder, split.train, trained, clock, progress)
    evaluations: list[Evaluation] = []
    with clock("evaluation"):
        from packager.evaluation import evaluate_model

        for phase, model in (
            ("Evaluating float32", models.float32),
            (f"Evaluating {settings.quantization}", models.exported),
        ):
            if model is models.float32 and evaluations:
                evaluations.append(evaluations[0])  # not quantized: the same file
                continue
            evaluations.append(
                evaluate_model(
                    model, split.test, folder.classes, trained.normalisation,
                    progress=progress, phase=phase,
                )
            )  # fmt: skip
    float_evaluation, evaluation = evaluations
    too_much = _drop(float_evaluation, evaluation) > (
        100.0 if settings.max_accuracy_drop is None else settings.max_accuracy_drop
    )

    from packager.contract import LABELS_FILE, MODEL_FILE, SPEC_FILE, labels_text, model_spec
    from packager.report.facts import build_facts

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
        settings, head_settings, io, spec, folder, split, trained, models, evaluations, seconds
    )
    try:
        with files.new_folder(out) as fresh:
            files.write_bytes(fresh / model_file, model)
            files.write_text(fresh / LABELS_FILE, labels_text(folder.classes))
            files.write_text(fresh / SPEC_FILE, as_json(contract))
            if settings.android and not too_much:
                report["android"] = _android(
                    settings, fresh, fresh / model_file, contract, split.test
                )
            files.write_text(fresh / "report.json", as_json(report))
    except OSError as error:
        raise _unwritable(out, error.strerror or str(error)) from error
    if too_much:
        raise AccuracyError(
            f"{settings.quantization} costs {_drop(float_evaluation, evaluation):.1f} points of "
            f"top-1 on the test photos, more than the {settings.max_accuracy_drop} allowed",
            where=out,
            fix=f"The float model is there as {FLOAT_MODEL_FILE}. Try --quantize fp16, more "
            "photos, or a higher --max-accuracy-drop.",
        )
    return BuildResult(
        out, out / model_file, spec.name, settings.quantization, folder.classes,
        evaluation, float_evaluation, len(models.exported), len(models.float32), seconds,
        out / ANDROID_FOLDER if settings.android else None,
    )  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """What training came to, and with what."""

    backbone: bytes
    backbone_cached: bool
    weights: Weights
    extraction: Extraction
    head: Head
    normalisation: Normalisation


@dataclass(frozen=True)
class Models:
    """The files, with metadata: before quantization, and the one that is exported."""

    name: str
    float32: bytes
    exported: bytes
    calibration: int


def _head_settings(settings: BuildSettings) -> HeadSettings:
    from packager.training.head import HeadSettings

    given = {
        name: getattr(settings, name)
        for name in ("epochs", "batch_size", "learning_rate")
        if getattr(settings, name) is not None
    }
    return HeadSettings(**given, seed=settings.seed)


def _data_name(settings: BuildSettings) -> str:
    return Path(settings.data).expanduser().absolute().name or "photos"


def _photo_root(settings: BuildSettings, out: Path, progress: Progress) -> Path:
    if settings.data == "demo":
        from packager.data.demo import demo_photos

        progress.say("Using the demo set: five drawn classes, made on this machine.")
        return demo_photos(progress=progress)
    if settings.data == "flowers":
        from packager.data.flowers import flower_photos

        return flower_photos(progress=progress)
    root = Path(settings.data).expanduser()
    if out.absolute().resolve().is_relative_to(root.absolute().resolve()):
        raise SettingsError(
            "the output would lie among the photos, and count as a class of the next build",
            where=out,
            fix="Give --out a folder outside of --data.",
        )
    return root


def _train(
    spec: ModelSpec, settings: BuildSettings, head_settings: HeadSettings, split: Split,
    folder: PhotoFolder, clock: _Clock, progress: Progress,
) -> Trained:  # fmt: skip
    from packager.backbones.weights import find_weights
    from packager.export.convert import cached_backbone, converted_backbone
    from packager.inference import Normalisation
    from packager.training.features import FeatureStore, extract_features, load_features
    from packager.training.head import train_head

    with clock("weights"):
        weights = find_weights(spec, settings.weights, progress=progress)
        backbone = cached_backbone(spec, weights, seed=settings.seed)
    cached = backbone is not None
    if backbone is None:
        _load_tensorflow(clock, progress)
        with clock("backbone conversion"), progress.phase("Converting the backbone"):
            backbone = converted_backbone(spec, weights, seed=settings.seed)
    store = FeatureStore(spec, backbone.sha256)
    with clock("feature extraction"):
        extraction = extract_features(
            (*split.train, *split.validation), spec, backbone.model, store, progress=progress
        )
    if extraction.damaged:
        progress.warn(f"{extraction.damaged} damaged cache entries were made anew.")
    lost = {reject.path for reject in extraction.rejects}
    for reject in extraction.rejects:
        progress.warn(f"{reject.path} changed while in use and is left out: {reject.reason}")
    with clock("head training"):
        train, validation = (
            load_features([photo for photo in part if photo.path not in lost], store)
            for part in (split.train, split.validation)
        )
        head = train_head(train, validation, len(folder.classes), head_settings, progress=progress)
    return Trained(
        backbone.model, cached, weights, extraction, head,
        Normalisation((spec.mean,), (spec.std,)),
    )  # fmt: skip


def _export(
    spec: ModelSpec, settings: BuildSettings, io: str, folder: PhotoFolder,
    train: Sequence[Photo], trained: Trained, clock: _Clock, progress: Progress,
) -> Models:  # fmt: skip
    from packager.export.calibration import representative_dataset, representative_photos
    from packager.export.graft import attach_head
    from packager.export.quantize import quantize
    from packager.metadata.writer import ClassifierMetadata, write_metadata

    photos = representative_photos(train, _CALIBRATION_PHOTOS, settings.seed)
    with clock("float export"):
        plain = attach_head(trained.backbone, trained.head.kernel, trained.head.bias)
    calibrated = settings.quantization in ("int8", "int16x8")
    if calibrated:
        _load_tensorflow(clock, progress)
    with (
        clock("quantization"),
        progress.phase(
            f"Quantizing to {settings.quantization}", 2 * len(photos) if calibrated else None
        ) as phase,
    ):
        quantized = quantize(
            plain,
            settings.quantization,
            io=io,
            input_range=((0 - spec.mean) / spec.std, (255 - spec.mean) / spec.std),
            representative=lambda: representative_dataset(photos, spec, phase),
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
    return Models(name, float32, exported, 2 * len(photos) if calibrated else 0)


def _drop(float_evaluation: Evaluation, evaluation: Evaluation) -> float:
    """Points of top-1 lost, in the view that lost more."""
    return 100 * max(
        before.top1 - after.top1
        for before, after in zip(float_evaluation.views, evaluation.views, strict=True)
    )


def _unwritable(out: Path, why: str) -> OutputError:
    return OutputError(
        f"the folder can't be written ({why})",
        where=out,
        fix="Give --out a place that you may write in, with some MB free.",
    )


def _check_out(out: Path, *, force: bool) -> None:
    """Raises `OutputError` unless `out` is free, or an older build that may be replaced."""
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise OutputError("this is a file", where=parent, fix="Give --out another place.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise _unwritable(out, f"{parent} is not yours to write in")
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir() or out.is_symlink():
        raise OutputError("this is not a folder", where=out, fix="Give --out another place.")
    present = {entry.name for entry in out.iterdir()}
    if not present:
        return
    if not force:
        raise OutputError(
            "the folder exists already",
            where=out,
            fix="Give --out another place, or --force to replace an older build.",
        )
    foreign = sorted(present - _OURS)
    if foreign or "report.json" not in present:
        raise OutputError(
            "the folder holds things that packager did not make"
            + (f": {', '.join(foreign[:5])}" if foreign else ""),
            where=out,
            fix="Move them away, or give --out another place; --force replaces only a build.",
        )
    if ANDROID_FOLDER in present:
        from packager.android.changes import fingerprint

        if _made_fingerprint(out) != fingerprint(out / ANDROID_FOLDER):
            raise OutputError(
                "the Android project there was changed since packager made it",
                where=out / ANDROID_FOLDER,
                fix="Move it away, or give --out another place: --force would lose the changes.",
            )


def _made_fingerprint(out: Path) -> str | None:
    """That of the Android project, as the report of an older build has it."""
    try:
        return str(json.loads((out / "report.json").read_text("utf-8"))["android"]["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _android(
    settings: BuildSettings,
    fresh: Path,
    model: Path,
    contract: dict[str, Any],
    test: Sequence[Photo],
) -> dict[str, str]:
    from packager.android.changes import fingerprint
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
        "fingerprint": fingerprint(project.folder),
    }


def _load_tensorflow(clock: _Clock, progress: Progress) -> None:
    """Imports it in a phase of its own, so that its seconds aren't the next step's."""
    if "import tensorflow" not in clock.seconds:
        with clock("import tensorflow"), progress.phase("Loading TensorFlow"):
            import tensorflow  # noqa: F401
