"""The command on photos alone: `photos`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from packager.cli import options
from packager.cli.settings import takes_settings
from packager.data.settings import PhotoSettings
from packager.options import made
from packager.terminal import stderr_progress

app = typer.Typer()


@app.command()
@takes_settings(PhotoSettings, only=("images", "exclude", "strict"))
def photos(
    given: dict[str, Any],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Photos: a folder with one subfolder per class, a CSV file, a zip or tar "
            "archive, hf:OWNER/NAME, 'demo' or 'flowers'.",
        ),
    ],
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write an HTML page that shows the photos found."
        ),
    ] = None,
    list_: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Write all findings to this CSV file."),
    ] = None,
    spec: Annotated[str, typer.Option(help="Model whose feature vectors are used.")] = "lite0",
    seed: Annotated[int, typer.Option(help="Random seed of the cross-validation folds.")] = 0,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Check photos for near duplicates, wrong labels, outliers, blur, exposure and shortcuts."""
    from packager.audit.listing import write_list
    from packager.audit.page import write_page
    from packager.audit.run import audit_photos
    from packager.cli import photos_tables, tables
    from packager.options import paths
    from packager.out_folder import check_outputs

    settings = made(PhotoSettings, {**given, "data": data})
    check_outputs({"--html": html, "--list": list_}, paths(settings))
    result = audit_photos(settings, spec, seed=seed, progress=stderr_progress(quiet))
    if list_ is not None:
        write_list(result, list_)
    if html is not None:
        write_page(result, html)
    tables.show(result, photos_tables.audit, as_json)
