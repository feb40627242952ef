"""Settings of builds by the names of the command line's flags."""

from __future__ import annotations

from typing import Any

from packager.build import BuildSettings
from packager.options import made, settings_of


def build_settings(base: BuildSettings | None = None, **given: Any) -> BuildSettings:
    """`build_settings(data=photos, fine_tune="tail")`; what isn't given is as in `base`."""
    known = {
        each.option.flag.strip("-").replace("-", "_"): each
        for each in settings_of(BuildSettings)
        if each.option.flag
    }
    values = {} if base is None else {each.key: each.of(base) for each in settings_of(type(base))}
    return made(BuildSettings, {**values, **{known[name].key: given[name] for name in given}})
