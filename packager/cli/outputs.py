"""Commands that generate from a model or a build: `android`, `web`, `report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from packager.android.settings import AppSettings
from packager.build.settings import OutputSettings
from packager.cli import options
from packager.cli.settings import takes_settings
from packager.terminal import stderr_progress

app = typer.Typer()


@app.command()
@takes_settings(AppSettings, without=("android",))
def android(
    given: dict[str, Any],
    model: options.Model,
    out: Annotated[Path, typer.Option(help="Output folder, or the project to update.")],
    locale: options.Locale = None,
    input_size: options.InputSize = None,
    npu: Annotated[
        str | None,
        typer.Option(
            help="Add LiteRT's NPU libraries to the app: google-tensor, mediatek or qualcomm.",
            metavar="VENDOR",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an older project in --out.")
    ] = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="Update the project to MODEL and the current templates, and keep your edits.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --update: only show the changes.")
    ] = False,
    base: Annotated[
        Path | None,
        typer.Option(
            help="With --update: the project as packager generated it, if the project itself "
            "doesn't contain that version.",
            metavar="FOLDER",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Generate an Android project around any .tflite image classifier that contains labels."""
    from packager.android.project import generate_project
    from packager.android.update import demand_merged, demand_update, update_project
    from packager.classifier_interface import parse_size
    from packager.cli import outputs_tables, tables

    names: dict[str, Any] = {
        {"id": "app_id", "name": "app_name"}.get(key, key): given[key] for key in given
    }
    demand_update(update, force=force, dry_run=dry_run, base=base)
    if update:
        updated = update_project(
            model, out, **names, locale=locale, input_size=parse_size(input_size), npu=npu,
            base=base, dry_run=dry_run,
        )  # fmt: skip
        tables.show(updated, outputs_tables.update, as_json)
        demand_merged(updated)
        return
    result = generate_project(
        model, out, **names, locale=locale, force=force, input_size=parse_size(input_size), npu=npu
    )  # fmt: skip
    tables.show(result, outputs_tables.android, as_json)


@app.command()
def web(
    model: options.Model,
    out: Annotated[Path | None, typer.Option(help="Output folder.")] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve the page until Ctrl-C, in place of --out.")
    ] = False,
    host: Annotated[
        str | None,
        typer.Option(
            help="With --serve: address to listen on, over HTTPS, for phones; 0.0.0.0 for all. "
            "[default: this machine only]",
            metavar="ADDRESS",
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="With --serve: port to listen on. [default: any free port]")
    ] = None,
    photo: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Sample photo for the page; may be repeated."),
    ] = None,
    bundle: Annotated[
        bool,
        typer.Option(
            "--bundle", help="Include the runtime, so that the page works without a network."
        ),
    ] = False,
    locale: options.Locale = None,
    input_size: options.InputSize = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an older page in --out.")] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Generate a web page that runs any .tflite image classifier that contains labels."""
    from packager.classifier_interface import parse_size
    from packager.cli import outputs_tables, tables
    from packager.web.serve import Served
    from packager.web.site import check_serving, demand_photos, generate_page, serve_page

    def ready(served: Served) -> None:
        tables.show(served, outputs_tables.served, as_json)
        sys.stdout.flush()

    check_serving(out, serve=serve, host=host, port=port)
    demand_photos(photo or [])
    size, progress = parse_size(input_size), stderr_progress(quiet)
    if out is None:
        serve_page(
            model, ready, host=host, port=port or 0, locale=locale, photos=photo or [],
            bundle=bundle, input_size=size, progress=progress,
        )  # fmt: skip
        return
    result = generate_page(
        model, out, locale=locale, photos=photo or [], bundle=bundle, force=force,
        input_size=size, progress=progress,
    )  # fmt: skip
    tables.show(result, outputs_tables.web, as_json)


@app.command()
@takes_settings(OutputSettings, only=("plots",))
def report(
    given: dict[str, Any],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Output folder of a build.")],
    bench: Annotated[
        list[Path] | None,
        typer.Option(metavar="RESULT", help="Result file of `packager bench`; may be repeated."),
    ] = None,
    comparison: Annotated[
        Path | None,
        typer.Option(help="Output folder of `packager compare`, or its comparison.json."),
    ] = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the report.html of a build again, with latencies or a comparison added."""
    from packager.cli import outputs_tables, tables
    from packager.report.page import report_folder

    result = report_folder(
        out, bench or [], comparison=comparison, progress=stderr_progress(quiet), **given
    )
    tables.show(result, outputs_tables.report, as_json)
