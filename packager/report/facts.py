"""report.json: its format, the conversion of earlier formats, and the versions in it."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Mapping
from typing import Any

from packager import __version__

FORMAT = 4


def upgraded(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a report.json of an earlier format as the present one has them.

    Format 1 has a row of the confusion matrix for each class, and a line by class for those too
    that have no photo and were not predicted. Format 2 has some of the settings in one list, and
    other names for the strategies of quantization. Format 3 has other names for false accept rates.
    """
    facts = dict(facts)
    if facts["format"] == 1:
        facts["accuracy"] = {
            name: {view: _sparse(values) for view, values in part.items()}
            if name in ("float32", "exported")
            else part
            for name, part in facts["accuracy"].items()
        }
    if facts["format"] < 3:
        facts["recipe"] = _recipe(facts.pop("settings"))
        if facts.get("quantization") is not None:
            facts["quantization"] = _constrained(facts["quantization"])
    if facts.get("unknown") is not None:
        facts["unknown"] = _false_accepts(facts["unknown"])
    return {**facts, "format": FORMAT}


def _sparse(view: Mapping[str, Any]) -> dict[str, Any]:
    cells = [
        (true, predicted, photos)
        for true, row in enumerate(view["confusion"])
        for predicted, photos in enumerate(row)
        if photos
    ]
    there = {index for true, predicted, _ in cells for index in (true, predicted)}
    lines = [{"index": i, **line} for i, line in enumerate(view["per_class"]) if i in there]
    return {**view, "confusion": cells, "per_class": lines}


def _constrained(quantization: Mapping[str, Any]) -> dict[str, Any]:
    attempts = [{**each, "strategy": each["name"]} for each in quantization["rungs"]]
    return {"met": quantization["held"], "attempts": attempts}


def _false_accepts(unknown: Mapping[str, Any]) -> dict[str, Any]:
    def renamed(rates: Mapping[str, Any] | None) -> dict[str, Any] | None:
        return None if rates is None else {**rates, "false_accept_rate": rates["let_through"]}

    now = {**unknown, "drawings": renamed(unknown["strange"])}
    return {**now, "negatives": renamed(unknown.get("negatives"))}


def _recipe(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of it, what the page shows."""
    return {
        "seed": settings["seed"],
        "photos": {"split": settings["split"]},
        "quantization": {
            "type": settings["quantization"],
            "max_accuracy_drop": settings["max_accuracy_drop"],
        },
        "metadata": {"author": settings["author"], "licence": settings["licence"]},
    }


def build_versions() -> dict[str, str]:
    """The versions of a build's dependencies."""
    import platform

    versions = {
        "packager": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    for name in ("tensorflow", "tensorflow-cpu", "ai-edge-litert", "keras", "numpy", "pillow"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions
