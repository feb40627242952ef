from __future__ import annotations

import pytest

from packager.errors import SettingsError
from packager.limits import Limits


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("20ms", 20), ("0.02s", 20), (" 20 ms ", 20), (".5 S", 500)]
)
def test_latencies(text: str, milliseconds: float) -> None:
    assert Limits(text).latency_ms == pytest.approx(milliseconds)


@pytest.mark.parametrize(
    ("text", "size"),
    [("8MB", 8_000_000), ("8MiB", 8_388_608), ("500KB", 500_000), ("1.5 mb", 1_500_000), ("9B", 9)],
)
def test_sizes(text: str, size: int) -> None:
    assert Limits(max_size=text).size_bytes == size


@pytest.mark.parametrize(
    ("latency", "size", "accuracy", "said"),
    [
        ("20", None, None, "no unit.*20ms or 0.02s"),
        (None, "8", None, "no unit.*8MB"),
        ("20MB", None, None, "no time"),
        (None, "20ms", None, "no size"),
        ("0ms", None, None, "no time above 0"),
        ("-3ms", None, None, "no time"),
        ("nanms", None, None, "no time"),
        (None, "", None, "no size"),
        (None, None, 90.0, "90 is out of range"),
        (None, None, 0.0, "out of range"),
    ],
)
def test_what_is_no_limit_is_refused(
    latency: str | None, size: str | None, accuracy: float | None, said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        Limits(latency, size, accuracy)
