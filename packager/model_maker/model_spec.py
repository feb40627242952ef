"""Model specs under Model Maker's names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from packager.errors import SettingsError
from packager.specs import SPECS, ModelSpec, get_spec

_NAMES = {
    **{f"efficientnet_lite{number}": f"lite{number}" for number in range(5)},
    "mobilenet_v2": "mobilenet_v2",
    "resnet_50": "resnet50",
}
IMAGE_CLASSIFICATION_MODELS = list(_NAMES)

efficientnet_lite0_spec = partial(get_spec, "lite0")
efficientnet_lite1_spec = partial(get_spec, "lite1")
efficientnet_lite2_spec = partial(get_spec, "lite2")
efficientnet_lite3_spec = partial(get_spec, "lite3")
efficientnet_lite4_spec = partial(get_spec, "lite4")
mobilenet_v2_spec = partial(get_spec, "mobilenet_v2")
resnet_50_spec = partial(get_spec, "resnet50")


def get(spec_or_str: str | ModelSpec | Callable[[], ModelSpec]) -> ModelSpec:
    """The spec with that name (Model Maker's or packager's), or made by that function.

    Raises `SettingsError` that lists the names there are.
    """
    if isinstance(spec_or_str, ModelSpec):
        return spec_or_str
    if not isinstance(spec_or_str, str):
        return spec_or_str()
    name = _NAMES.get(spec_or_str, spec_or_str)
    if name not in SPECS:
        raise SettingsError(
            f"unknown model spec {spec_or_str!r}",
            where="model_spec",
            fix=f"Use one of: {', '.join(_NAMES)}.",
        )
    return get_spec(name)
