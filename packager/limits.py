"""Limits of size, latency and accuracy for `--spec auto`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from packager.errors import SettingsError
from packager.options import Option

_MILLISECONDS = {"ms": 1.0, "s": 1000.0}
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


@dataclass(frozen=True)
class Limits:
    """Limits on the model that is chosen; values are checked on construction. None: no limit.

    Attributes:
        max_latency: median inference latency: "20ms" or "0.02s".
        max_size: file size: "8MB", "8MiB" or "500KB".
        min_accuracy: accuracy on the validation photos, mean of both views, above 0 and up to 1.
        candidates: comma-separated names of specs; empty: all but resnet50 whose weights are
            available.
    """

    max_latency: Annotated[
        str | None,
        Option(
            "With --spec auto: maximum median inference latency, such as 20ms.",
            "--max-latency",
            example="20ms",
        ),
    ] = None
    max_size: Annotated[
        str | None,
        Option("With --spec auto: maximum file size, such as 8MB.", "--max-size", example="8MB"),
    ] = None
    min_accuracy: Annotated[
        float | None,
        Option(
            "With --spec auto: minimum accuracy on the validation photos, such as 0.9.",
            "--min-accuracy",
            example=0.9,
        ),
    ] = None
    candidates: Annotated[
        str,
        Option(
            "With --spec auto: models to choose from.",
            "--candidates",
            usual="all but resnet50",
        ),
    ] = ""

    def __post_init__(self) -> None:
        _ = self.latency_ms, self.size_bytes
        if self.min_accuracy is not None and not 0 < self.min_accuracy <= 1:
            raise SettingsError(
                f"{self.min_accuracy:g} is out of range",
                where="--min-accuracy",
                fix="Give a share of the photos above 0 and at most 1, such as 0.9.",
            )

    @property
    def latency_ms(self) -> float | None:
        """`max_latency` in milliseconds."""
        if self.max_latency is None:
            return None
        return _quantity(self.max_latency, _MILLISECONDS, "--max-latency", "20ms or 0.02s")

    @property
    def size_bytes(self) -> int | None:
        """`max_size` in bytes."""
        if self.max_size is None:
            return None
        return int(_quantity(self.max_size, _BYTES, "--max-size", "8MB, 8MiB or 500KB"))


def _quantity(text: str, units: dict[str, float] | dict[str, int], flag: str, like: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*", text)
    named = {unit.lower(): factor for unit, factor in units.items()}
    unit = match[2].lower() if match else ""
    if match is None or unit not in named or not 0 < float(match[1]) < 1e15:
        if match is not None and not unit:
            what = f"{text!r} has no unit, and could mean several"
        else:
            what = f"{text!r} is no {'time' if 'ms' in units else 'size'} above 0"
        raise SettingsError(what, where=flag, fix=f"Write it like {like}.")
    return float(match[1]) * named[unit]
