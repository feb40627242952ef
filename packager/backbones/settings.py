"""Which model is trained, and what it starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from packager.errors import SettingsError
from packager.options import Option, any_path
from packager.specs import ModelSpec, get_spec

AUTO = "auto"  # as a spec: `packager.choose` takes one


def is_file(weights: str) -> bool:
    """Whether they are in a file of the user's."""
    return weights not in ("auto", "none")


@dataclass(frozen=True)
class ModelSettings:
    """The backbone and its weights; checked when they are made.

    Attributes:
        spec: name of a model spec ("lite0".."lite4", "mobilenet_v2", "resnet50", or registered),
            or "auto" for `packager.choose.build_best`.
        backbone: a Keras file, SavedModel or TF Hub module in place of `spec`.
        input_size, mean, std: what that backbone takes: side in pixels; "127.5" or "R,G,B".
        weights: "auto", "none" (start from nothing) or a file.
    """

    spec: Annotated[
        str, Option("Model to train, see `packager specs`; 'auto' chooses one.", "--spec")
    ] = "lite0"
    backbone: Annotated[
        Path | None,
        Option(
            "Your own in its place: a Keras file, SavedModel or TF Hub module.", "--backbone",
            example="backbone.keras", is_path=any_path,
        ),
    ] = None  # fmt: skip
    input_size: Annotated[
        int | None, Option("Of --backbone: side of its image, pixels.", "--input-size", example=224)
    ] = None
    mean: Annotated[
        str, Option("Of --backbone: it takes (pixel - mean) / std; 127.5, or R,G,B.", "--mean")
    ] = ""
    std: Annotated[str, Option("Of --backbone: likewise.", "--std")] = ""
    weights: Annotated[
        str | Path,
        Option(
            "'auto', 'none' (start from nothing) or a state dict file.", "--weights",
            is_path=is_file,
        ),
    ] = "auto"  # fmt: skip

    def __post_init__(self) -> None:
        if self.backbone is not None:
            if self.spec != ModelSettings.spec:
                raise SettingsError(
                    f"there is a spec ({self.spec}) and a backbone of your own",
                    where="--backbone",
                    fix="Leave one of the two out.",
                )
            return
        if self.spec != AUTO:
            get_spec(self.spec)
        if self.input_size is not None or self.mean or self.std:
            raise SettingsError(
                "--input-size, --mean and --std describe a backbone of your own",
                where=self.spec,
                fix="Leave them out, or give --backbone too.",
            )


def chosen_spec(settings: ModelSettings) -> ModelSpec:
    """The model that the settings are about.

    Raises:
        SettingsError: of a backbone of the user's own something is missing or out of range, or
            the spec is "auto".
        WeightsError: there is no such backbone, or it is of another kind.
    """
    if settings.backbone is None:
        return get_spec(settings.spec)
    from packager.backbones.custom import custom_spec

    return custom_spec(settings.backbone, settings.input_size, settings.mean, settings.std)
