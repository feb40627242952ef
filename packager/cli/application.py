"""The command line as a whole: its groups of commands, and the options before them."""

from __future__ import annotations

from typing import Annotated

import typer

from packager import __version__
from packager.cli import bench, build, machine, models, outputs, photos, session

app = typer.Typer(
    name="packager",
    cls=session.Application,
    help="Turn a folder of photos into an image classifier (.tflite) and an Android app.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _group in (photos, build, models, outputs, bench, machine):
    app.add_typer(_group.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"packager {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(session.DEBUG, help="Show tracebacks and all output of TensorFlow."),
    ] = False,
) -> None:
    del version, debug  # read by session.Application


def main() -> None:
    """The `packager` command."""
    app()
