"""Rows and results that nobody measured, for the tests of what is made of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from packager.compare.rows import Latency, PhoneLatency, Row, Top1


def row(spec: str = "lite0", quantization: str = "int8", **changes: Any) -> Row:
    """One of a model that was built and measured; `top1` and `ms` are short for more."""
    top1, milliseconds = changes.pop("top1", 0.9), changes.pop("ms", 10.0)
    made = Row(
        spec,
        f"Model {spec}",
        quantization,
        model=f"{spec}-{quantization}/model.tflite",
        bytes=4_000_000,
        sha256=f"{spec}-{quantization}",
        parameters=3_356_405,
        multiply_adds=383_913_952,
        top1=Top1(top1, top1),
        host_latency_ms=Latency(milliseconds + 1, milliseconds, 1),
        build_seconds=20.0,
    )
    return replace(made, **changes)


def on_pixel(milliseconds: float, matched: str = "sha256") -> PhoneLatency:
    """What a phone's GPU took."""
    return PhoneLatency(milliseconds, milliseconds, None, "GPU", "Google Pixel 8 (API 35)", matched)
