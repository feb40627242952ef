"""Settings of the model: the backbone and its pretrained weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from packager.backbones.timm_models import is_timm, timm_spec
from packager.errors import SettingsError
from packager.options import Option, any_path
from packager.specs import ModelSpec, get_spec

AUTO = "auto"  # as a spec: `packager.choose` chooses one


def is_file(weights: str) -> bool:
    """Whether `weights` names a file."""
    return weights not in ("auto", "none")


@dataclass(frozen=True)
class ModelSettings:
    """The backbone and its weights; values are checked on construction.

    Attributes:
        spec: name of a model spec (see `packager.specs.SPECS`), "timm:NAME" of one of timm's
            models, or "auto" for `packager.choose.build_best`.
        backbone: a Keras file, SavedModel or TF Hub module in place of `spec`.
        input_size: side of `backbone`'s input in pixels.
        mean, std: normalization of `backbone`'s input, "127.5" or "R,G,B", for pixels 0..255.
        weights: "auto", "none" (random initialization) or a state dict file.
    """

    spec: Annotated[
        str,
        Option(
            "Model to train (see `packager specs`), timm:NAME, or 'auto' to choose one.", "--spec"
        ),
    ] = "lite0"
    backbone: Annotated[
        Path | None,
        Option(
            "Custom backbone in place of --spec: a Keras file, SavedModel or TF Hub module.",
            "--backbone",
            example="backbone.keras", is_path=any_path,
        ),
    ] = None  # fmt: skip
    input_size: Annotated[
        int | None,
        Option("Side of --backbone's input image in pixels.", "--input-size", example=224),
    ] = None
    mean: Annotated[
        str, Option("Mean for --backbone's input, (pixel - mean) / std: 127.5, or R,G,B.", "--mean")
    ] = ""
    std: Annotated[
        str, Option("Standard deviation for --backbone's input, like --mean.", "--std")
    ] = ""
    weights: Annotated[
        str | Path,
        Option(
            "Pretrained weights: 'auto', 'none' (random initialization) or a state dict file.",
            "--weights",
            is_path=is_file,
        ),
    ] = "auto"  # fmt: skip

    def __post_init__(self) -> None:
        if self.backbone is not None:
            if self.spec != ModelSettings.spec:
                raise SettingsError(
                    f"it can't be combined with --spec {self.spec}",
                    where="--backbone",
                    fix="Give only one of the two.",
                )
            return
        if self.spec != AUTO and not is_timm(self.spec):
            get_spec(self.spec)
        if self.input_size is not None or self.mean or self.std:
            raise SettingsError(
                "--input-size, --mean and --std describe a custom backbone",
                where=self.spec,
                fix="Leave them out, or give --backbone too.",
            )


def chosen_spec(settings: ModelSettings) -> ModelSpec:
    """The model spec that the settings name.

    Raises:
        SettingsError: a setting of a custom backbone is missing or out of range, the spec is
            "auto", or timm has no such model.
        WeightsError: the custom backbone doesn't exist, or has an unsupported format.
    """
    if settings.backbone is None:
        return timm_spec(settings.spec) if is_timm(settings.spec) else get_spec(settings.spec)
    from packager.backbones.custom import custom_spec

    return custom_spec(settings.backbone, settings.input_size, settings.mean, settings.std)
