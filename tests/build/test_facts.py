from __future__ import annotations

from pathlib import Path

import pytest

from packager.build import BuildSettings, HeadSettings
from packager.build.facts import repeat_command
from tests.settings import build_settings


@pytest.mark.parametrize(
    ("settings", "command"),
    [
        (
            BuildSettings(),
            "packager build --spec lite0 --data demo --quantize int8 --seed 0",
        ),
        (
            build_settings(
                spec="lite2", data=Path("/home/me/my photos"), out=Path("dist/x"), force=True,
                quantize="fp16", weights="/w/lite2.pth", seed=7, epochs=3, strict=True,
                model_version="2", name="it's", android=False,
            ),
            "packager build --spec lite2 --data 'path/to/my photos' --quantize fp16 "
            "--seed 7 --weights path/to/lite2.pth --strict --epochs 3 --name 'it'\"'\"'s' "
            "--model-version 2 --no-android",
        ),
        (
            build_settings(data="flowers", max_accuracy_drop=1.5, app_id="org.me.x"),
            "packager build --spec lite0 --data flowers --quantize int8 --seed 0 "
            "--max-accuracy-drop 1.5 --app-id org.me.x",
        ),
    ],
)  # fmt: skip
def test_command_repeats_the_settings(settings: BuildSettings, command: str) -> None:
    assert repeat_command(settings) == command


def test_what_has_no_flag_is_not_in_the_command() -> None:
    settings = BuildSettings(head=HeadSettings(dropout=0.2))
    assert repeat_command(settings) == repeat_command(BuildSettings())
