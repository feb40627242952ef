"""All settings of `packager build`."""

from __future__ import annotations

from dataclasses import dataclass, field

from packager.backbones.settings import AUTO
from packager.bench.settings import LatencySource
from packager.build.settings import BuildSettings
from packager.errors import SettingsError
from packager.limits import Limits
from packager.options import settings_of

RECIPE_FILE = "packager.toml"


@dataclass(frozen=True)
class Recipe:
    """A build; with the spec "auto", the model is chosen. Values are checked on construction.

    Attributes:
        build: the build; limits: limits for choosing a model; latency: how latency is measured.
    """

    build: BuildSettings = field(default_factory=BuildSettings)
    limits: Limits = field(default_factory=Limits)
    latency: LatencySource = field(default_factory=LatencySource)

    def __post_init__(self) -> None:
        spec = self.build.model.spec
        given = [
            each.option.flag
            for each in settings_of(Recipe)
            if each.route[0] != "build" and each.of(self) != each.default
        ]
        if spec == AUTO and self.build.head.refit:
            raise SettingsError(
                "models are compared on the validation photos, and --refit would train on them",
                where="--refit",
                fix="Choose the model without it, then build that one with --spec and --refit.",
            )
        if spec != AUTO and given:
            raise SettingsError(
                f"it only applies to --spec auto, not to --spec {spec}",
                where=", ".join(given),
                fix="Leave it out, or use --spec auto.",
            )
