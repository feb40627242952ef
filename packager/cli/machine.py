"""Commands about this installation: `specs`, `weights`, `doctor`."""

from __future__ import annotations

import typer

from packager.cli import options

app = typer.Typer()


@app.command()
def specs(as_json: options.AsJson = False) -> None:
    """List the models that can be trained."""
    from packager.cli import machine_tables, tables
    from packager.specs import SPECS

    tables.show(tuple(SPECS.values()), machine_tables.specs, as_json)


@app.command()
def weights(as_json: options.AsJson = False) -> None:
    """List the pretrained weights: whether present, where, size, licence."""
    from packager.backbones.weights import list_weights
    from packager.cli import machine_tables, tables

    tables.show(list_weights(), machine_tables.weights, as_json)


@app.command()
def doctor(as_json: options.AsJson = False) -> None:
    """Check packager's own installation, and which Android tools this machine has."""
    from packager.cli import machine_tables, tables
    from packager.doctor import check_machine

    tables.show(check_machine(), machine_tables.doctor, as_json)
