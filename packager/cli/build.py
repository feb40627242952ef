"""From photos to models: `build`, `compare` and `recipe`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from packager.cli import options
from packager.cli.device_option import DeviceCommand
from packager.cli.settings import takes_settings
from packager.options import made, settings_of
from packager.recipe import RECIPE_FILE, Recipe
from packager.terminal import stderr_progress

app = typer.Typer()

_ONE_RUN = [each.key for each in settings_of(Recipe) if not each.option.kept]
_COMPARED_ONLY = ("latency.threads", "latency.runs")
# Of a single build, not of each row of a comparison.
_COMPARED = (
    "model.weights", "photos.images", "photos.exclude", "photos.split", "photos.strict",
    "head.epochs", "head.batch_size", "head.learning_rate", "fine_tuning.mode",
    "fine_tuning.epochs", "fine_tuning.augment", "seed",
    "quantization.max_accuracy_drop", "latency.threads", "latency.runs", "latency.bench",
    "latency.device", "latency.apk", "latency.project",
)  # fmt: skip


@app.command(cls=DeviceCommand)
@takes_settings(Recipe, without=_COMPARED_ONLY)
def build(
    given: dict[str, Any],
    recipe: Annotated[
        Path | None,
        typer.Option(
            help="File of settings, TOML or a build's report.json; flags win. "
            f"[default: {RECIPE_FILE}, if there is one here]",
            metavar="FILE",
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a classifier on photos and export it as a verified .tflite."""
    from packager.android.update import demand_merged
    from packager.backbones.settings import AUTO
    from packager.build import build as run
    from packager.choose import build_best
    from packager.cli import build_tables, tables
    from packager.recipe_file import compose, find_recipe

    file, progress = find_recipe(recipe), stderr_progress(quiet)
    if file is not None:
        progress.say(f"Settings from {file.path}.")
    settings = compose(file, given)
    if settings.build.model.spec == AUTO:
        choice = build_best(settings, progress=progress)
        tables.show(choice, build_tables.choice)
        result = choice.result
    else:
        result = run(settings.build, progress=progress)
        tables.show(result, build_tables.build)
    demand_merged(result.app_update)


@app.command("recipe", cls=DeviceCommand)
@takes_settings(Recipe, without=(*_COMPARED_ONLY, *_ONE_RUN, "output.folder"))
def write_recipe(
    given: dict[str, Any],
    recipe: Annotated[
        Path | None,
        typer.Option(
            help="Start from this one, TOML or a build's report.json. [default: the defaults]",
            metavar="FILE",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write, such as packager.toml.", metavar="FILE")
    ] = None,
) -> None:
    """Print every setting of `build` with its default, or the value given here, as TOML."""
    from packager import recipe_file
    from packager.console import write_data

    file = None if recipe is None else recipe_file.read_recipe(recipe)
    settings = recipe_file.compose(file, given)
    if out is None:
        write_data(recipe_file.recipe_text(settings))
    else:
        recipe_file.write_recipe(settings, out)


@app.command(cls=DeviceCommand)
@takes_settings(Recipe, only=_COMPARED)
def compare(
    given: dict[str, Any],
    specs: Annotated[str, typer.Option(help="Models, as `packager specs` lists them.")],
    data: Annotated[
        str,
        typer.Option(
            help="Folder of photos, a sub-folder a class; a CSV file, zip or tar; hf:OWNER/NAME; "
            "'demo' or 'flowers'."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to make, with one a model in it.")],
    quantize: Annotated[
        str, typer.Option(help="none, fp16, dynamic, int8, int16x8; a row for each.")
    ] = "none,int8",
    force: Annotated[
        bool, typer.Option("--force", help="Start anew, not from an older comparison at --out.")
    ] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="CSV file to write too.")] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as Markdown.")
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Build several models from the same photos: size, accuracy and latency side by side."""
    from packager.cli import build_tables, tables
    from packager.compare import CompareSettings
    from packager.compare import compare as run
    from packager.compare.candidates import parse_names
    from packager.compare.folder import comparison_files
    from packager.compare.formats import markdown_table, write_csv
    from packager.options import paths
    from packager.out_folder import check_outputs

    settings = made(
        CompareSettings,
        {**given, "photos.data": data},
        specs=parse_names(specs),
        quantizations=parse_names(quantize),
        out=out,
        force=force,
    )
    check_outputs({"--csv": csv}, [*paths(settings), *comparison_files(out)])
    result = run(settings, progress=stderr_progress(quiet))
    if csv is not None:
        write_csv(result, csv)
    if markdown:
        from packager.console import write_data

        write_data(markdown_table(result))
    else:
        tables.show(result, build_tables.model_comparison, as_json)
