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
# Settings that `compare` applies to every row.
_COMPARED = (
    "model.weights", "photos.images", "photos.exclude", "photos.split", "photos.strict",
    "head.epochs", "head.batch_size", "head.learning_rate", "fine_tuning.mode",
    "fine_tuning.minutes", "fine_tuning.epochs", "fine_tuning.augment", "seed",
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
            help="Settings file: TOML, or a build's report.json. Options override it. "
            f"[default: {RECIPE_FILE} in the current folder, if it exists]",
            metavar="FILE",
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a classifier on photos, export it as a .tflite file, and evaluate that file."""
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
            help="Settings file to start from: TOML, or a build's report.json. "
            "[default: the defaults]",
            metavar="FILE",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Output file, such as packager.toml.", metavar="FILE")
    ] = None,
) -> None:
    """Print every setting of `build` as TOML, with its default or the value given."""
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
    specs: Annotated[str, typer.Option(help="Comma-separated models (see `packager specs`).")],
    data: Annotated[
        str,
        typer.Option(
            help="Photos: a folder with one subfolder per class, a CSV file, a zip or tar "
            "archive, hf:OWNER/NAME, 'demo' or 'flowers'."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Output folder, with a subfolder per model.")],
    quantize: Annotated[
        str,
        typer.Option(help="Comma-separated quantizations: none, fp16, dynamic, int8 or int16x8."),
    ] = "none,int8",
    force: Annotated[
        bool,
        typer.Option("--force", help="Start over in place of continuing the comparison in --out."),
    ] = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Also write the table to this CSV file.")
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as Markdown.")
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Build several models from the same photos, and compare size, accuracy and latency."""
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
