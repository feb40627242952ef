from __future__ import annotations

from pathlib import Path

import pytest

from packager.build import BuildSettings
from packager.report.facts import repeat_command


@pytest.mark.parametrize(
    ("settings", "command"),
    [
        (
            BuildSettings(),
            "packager build --spec lite0 --data demo --quantize int8 --seed 0",
        ),
        (
            BuildSettings(
                spec="lite2", data=Path("/home/me/my photos"), out=Path("dist/x"), force=True,
                quantization="fp16", weights="/w/lite2.pth", seed=7, epochs=3, strict=True,
                version="2", name="it's", android=False,
            ),
            "packager build --spec lite2 --data 'path/to/my photos' --quantize fp16 "
            "--weights path/to/lite2.pth --seed 7 --epochs 3 --strict --name 'it'\"'\"'s' "
            "--model-version 2 --no-android",
        ),
        (
            BuildSettings(data="flowers", max_accuracy_drop=1.5, app_id="org.me.x"),
            "packager build --spec lite0 --data flowers --quantize int8 --seed 0 "
            "--max-accuracy-drop 1.5 --app-id org.me.x",
        ),
    ],
)  # fmt: skip
def test_command_repeats_the_settings(settings: BuildSettings, command: str) -> None:
    assert repeat_command(settings) == command


def test_every_flag_is_one_of_the_command_line() -> None:
    from dataclasses import fields, replace

    from typer.main import get_command

    from packager.cli import app

    build = get_command(app).commands["build"]  # type: ignore[attr-defined]
    known = {name for each in build.params for name in (*each.opts, *each.secondary_opts)}
    settings = BuildSettings()
    for field in fields(settings):
        value = not field.default if isinstance(field.default, bool) else "x"
        words = repeat_command(replace(settings, **{field.name: value})).split()
        assert {word for word in words if word.startswith("--")} <= known, field.name
