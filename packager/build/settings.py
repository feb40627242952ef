"""What to build: the parts, each of which belongs to one step, put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from packager.android.settings import AppSettings
from packager.backbones.settings import ModelSettings, chosen_spec
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
    """The folder that is made.

    Attributes:
        folder: None means dist/DATA-SPEC-QUANTIZATION.
        force: an older build there is replaced.
        update_app: an app in it is kept as its user edited it, and updated around the model.
        plots: whether the report's figures are written as PNG files too.
        web: whether a web page is made around the model.
    """

    folder: Annotated[
        Path | None,
        Option(
            "Folder to make.", "--out", usual="dist/DATA-SPEC-QUANTIZE", example="dist/flowers",
            is_path=any_path,
        ),
    ] = None  # fmt: skip
    force: Annotated[bool, Option("Replace an older build at --out.", "--force", kept=False)] = (
        False
    )
    update_app: Annotated[
        bool,
        Option(
            "With --force: keep your edits in OUT/android, and update it.", "--update-app",
            kept=False,
        ),
    ] = False  # fmt: skip
    plots: Annotated[
        bool, Option("Write the report's figures to OUT/plots as PNG too.", "--plots")
    ] = False
    web: Annotated[bool, Option("Make a web page around the model, in OUT/web.", "--web")] = False

    def __post_init__(self) -> None:
        if self.update_app and not self.force:
            raise SettingsError(
                "it is for an older build, which is replaced around its app",
                where="--update-app",
                fix="Give --force too.",
            )


@dataclass(frozen=True)
class BuildSettings:
    """What to build. Each part is a step's, and documented with it; `seed` is of all of them.

    A recipe has the parts as tables of the same names.
    """

    seed: Annotated[int, Option("Of split, training and calibration.", "--seed")] = 0
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
                "there is no app without an Android project",
                where="--update-app",
                fix="Give either it or --no-android.",
            )
        for flag, given in (("--refit", self.head.refit), ("--unknown", self.unknown.enabled)):
            if given and self.fine_tuning.mode != "none":
                raise SettingsError(
                    "this rests on features of a backbone that stays as it is",
                    where=flag,
                    fix=f"Leave {flag} or --fine-tune out.",
                )


def out_folder(settings: BuildSettings) -> Path:
    """`settings.output.folder`, or what stands for it."""
    from packager.data.source import source_name

    if settings.output.folder is not None:
        return settings.output.folder
    model = settings.model
    spec = model.spec if model.backbone is None else chosen_spec(model).name
    return Path("dist") / f"{source_name(settings.photos.data)}-{spec}-{settings.quantization.type}"
