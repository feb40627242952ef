from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from packager.cli.device_option import BenchGroup, DeviceCommand, with_any_device

app = typer.Typer(cls=BenchGroup, no_args_is_help=True)


@app.command("run")
def run(
    models: Annotated[list[str] | None, typer.Argument()] = None,
    device: Annotated[str | None, typer.Option()] = None,
) -> None:
    typer.echo(f"run {models} {device!r}")


@app.command("show")
def show(files: list[str]) -> None:
    typer.echo(f"show {files}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a.tflite b.tflite", "run ['a.tflite', 'b.tflite'] None"),
        ("run a.tflite", "run ['a.tflite'] None"),
        ("--device R5C a.tflite", "run ['a.tflite'] 'R5C'"),
        ("a.tflite --device", "run ['a.tflite'] ''"),
        ("--device a.tflite", "run ['a.tflite'] ''"),
        ("run a.tflite --device=R5C", "run ['a.tflite'] 'R5C'"),
        ("show run.json", "show ['run.json']"),
        ("./show", "run ['./show'] None"),
    ],
)
def test_run_needs_not_be_named(line: str, said: str) -> None:
    done = CliRunner().invoke(app, line.split())
    assert done.exit_code == 0, done.output
    assert done.output.strip() == said


@pytest.mark.parametrize("line", ["", "--help"])
def test_help_is_the_groups(line: str) -> None:
    assert "show" in CliRunner().invoke(app, line.split()).output


def test_device_may_stand_alone_in_other_commands_too() -> None:
    other = typer.Typer()

    @other.command(cls=DeviceCommand)
    def compare(device: Annotated[str | None, typer.Option()] = None, out: str = "") -> None:
        typer.echo(f"{device!r} {out}")

    assert CliRunner().invoke(other, ["--device", "--out", "a"]).output == "'' a\n"


def test_device_before_what_is_no_serial(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"")
    assert with_any_device(["--device", str(model)]) == ["--device=", str(model)]
    assert with_any_device(["--device", "--quiet"]) == ["--device=", "--quiet"]
    assert with_any_device(["--device", "10.0.0.7:5555"]) == ["--device", "10.0.0.7:5555"]
    assert with_any_device(["--", "--device"]) == ["--", "--device"]
