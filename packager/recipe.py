"""Everything that `packager build` can be told, put together."""

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
    """A build; where its spec is "auto", its model is chosen. Checked when it is made.

    Attributes:
        build: all but the choice; limits: what a model may cost to be chosen; latency: how that is
            measured.
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
                "models are compared over validation photos, and this would learn from them",
                where="--refit",
                fix="Find the model without it, then build that one with --spec and --refit.",
            )
        if spec != AUTO and given:
            raise SettingsError(
                f"that is for choosing a model, and --spec {spec} has chosen",
                where=", ".join(given),
                fix="Leave it out, or use --spec auto.",
            )
