"""Settings of a build, composed of one part per step."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from packager.android.settings import AppSettings
from packager.backbones.settings import ModelSettings, chosen_spec
from packager.backbones.timm_models import is_timm
from packager.data.settings import PhotoSettings
from packager.errors import SettingsError
from packager.export.settings import QuantizationSettings
from packager.metadata.settings import MetadataSettings
from packager.options import Option, any_path
from packager.training.settings import (
    FeatureSettings,
    FineTuneSettings,
    HeadSettings,
    UnknownSettings,
    check_seed,
)


@dataclass(frozen=True)
class OutputSettings:
    """The output folder.

    Attributes:
        folder: None means dist/DATA-SPEC-QUANTIZATION.
        force: whether an older build there is replaced.
        update_app: whether an app in it keeps its user's edits and is updated around the model.
        plots: whether the report's figures are also written as SVG files.
        web: whether a web page that runs the model is generated.
    """

    folder: Annotated[
        Path | None,
        Option(
            "Output folder.", "--out", usual="dist/DATA-SPEC-QUANTIZE", example="dist/flowers",
            is_path=any_path,
        ),
    ] = None  # fmt: skip
    force: Annotated[bool, Option("Replace an older build in --out.", "--force", kept=False)] = (
        False
    )
    update_app: Annotated[
        bool,
        Option(
            "With --force: update the project in OUT/android and keep your edits.", "--update-app",
            kept=False,
        ),
    ] = False  # fmt: skip
    plots: Annotated[
        bool, Option("Also write the report's figures to OUT/plots as SVG files.", "--plots")
    ] = False
    web: Annotated[
        bool, Option("Also generate a web page that runs the model, in OUT/web.", "--web")
    ] = False

    def __post_init__(self) -> None:
        if self.update_app and not self.force:
            raise SettingsError(
                "it only applies when an older build is replaced",
                where="--update-app",
                fix="Add --force.",
            )


@dataclass(frozen=True)
class BuildSettings:
    """Settings of a build. Each part belongs to a step; all steps use `seed`.

    In a recipe, each part is a table of the same name.
    """

    seed: Annotated[
        int, Option("Random seed of the split, training and calibration.", "--seed")
    ] = 0
    model: ModelSettings = field(default_factory=ModelSettings)
    photos: PhotoSettings = field(default_factory=PhotoSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    head: HeadSettings = field(default_factory=HeadSettings)
    fine_tuning: FineTuneSettings = field(default_factory=FineTuneSettings)
    unknown: UnknownSettings = field(default_factory=UnknownSettings)
    quantization: QuantizationSettings = field(default_factory=QuantizationSettings)
    metadata: MetadataSettings = field(default_factory=MetadataSettings)
    app: AppSettings = field(default_factory=AppSettings)
    output: OutputSettings = field(default_factory=OutputSettings)

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.output.update_app and not self.app.android:
            raise SettingsError(
                "it can't be combined with --no-android",
                where="--update-app",
                fix="Give only one of the two.",
            )
        frozen_only = {
            "--refit": self.head.refit,
            "--unknown": self.unknown.enabled,
            f"--spec {self.model.spec}": is_timm(self.model.spec),
        }
        for flag, given in frozen_only.items():
            if given and self.fine_tuning.mode != "none":
                raise SettingsError(
                    "it needs a frozen backbone, and can't be combined with --fine-tune",
                    where=flag,
                    fix=f"Remove {flag} or --fine-tune.",
                )


def out_folder(settings: BuildSettings) -> Path:
    """`settings.output.folder`, or its default."""
    from packager.data.source import source_name

    if settings.output.folder is not None:
        return settings.output.folder
    model = settings.model
    plain = model.backbone is None and not is_timm(model.spec)
    spec = model.spec if plain else chosen_spec(model).name
    return Path("dist") / f"{source_name(settings.photos.data)}-{spec}-{settings.quantization.type}"
