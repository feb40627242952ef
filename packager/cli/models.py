"""Commands on a model file: inspect, evaluate, predict, explain, verify, metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from packager.cli import options
from packager.cli.settings import takes_settings
from packager.data.settings import PhotoSettings
from packager.metadata.settings import MetadataSettings
from packager.terminal import stderr_progress

app = typer.Typer()
metadata_app = typer.Typer(help="Labels and metadata inside .tflite files.", no_args_is_help=True)
app.add_typer(metadata_app, name="metadata")


@app.command()
def inspect(model: options.Model, as_json: options.AsJson = False) -> None:
    """Show a .tflite file's tensors, operators, quantization, metadata and labels."""
    from packager.cli import models_tables, tables
    from packager.inspection import inspect_model

    tables.show(inspect_model(model), models_tables.inspection, as_json)


@app.command()
@takes_settings(PhotoSettings, only=("strict", "images"))
def evaluate(
    given: dict[str, Any],
    model: options.Model,
    data: options.Data,
    part: options.Part = None,
    locale: options.Locale = None,
    input_size: options.InputSize = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure the accuracy of a .tflite file on photos, for each way in which clients resize."""
    from packager.classifier_file import evaluate_file
    from packager.classifier_interface import parse_size
    from packager.cli import models_tables, tables

    result = evaluate_file(
        model, data, part=part, **given, locale=locale, input_size=parse_size(input_size),
        progress=stderr_progress(quiet),
    )  # fmt: skip
    tables.show(result, models_tables.evaluation, as_json)


@app.command()
def predict(
    model: options.Model,
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photo files.")],
    top: Annotated[int, typer.Option(help="Number of classes to show.")] = 3,
    locale: options.Locale = None,
    input_size: options.InputSize = None,
    as_json: options.AsJson = False,
) -> None:
    """Classify photos with a .tflite file."""
    from packager.classifier_file import demand_all_read, predict_photos
    from packager.classifier_interface import parse_size
    from packager.cli import models_tables, tables

    result = predict_photos(
        model, photos, top=top, locale=locale, input_size=parse_size(input_size)
    )
    tables.show(result, models_tables.predictions, as_json)
    demand_all_read(result)


@app.command()
def explain(
    model: options.Model,
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photo files.")],
    out: Annotated[Path, typer.Option(help="Output folder, with a PNG file per photo.")],
    label: Annotated[
        str | None,
        typer.Option("--class", help="Class to explain. [default: the predicted class]"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an older folder of explanations.")
    ] = False,
    locale: options.Locale = None,
    input_size: options.InputSize = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw which parts of a photo a .tflite file's prediction rests on."""
    from packager.classifier_interface import parse_size
    from packager.cli import models_tables, tables
    from packager.explain.run import demand_all_explained, explain_photos

    result = explain_photos(
        model, photos, out, label=label, locale=locale, input_size=parse_size(input_size),
        force=force, progress=stderr_progress(quiet),
    )  # fmt: skip
    tables.show(result, models_tables.explanations, as_json)
    demand_all_explained(result)


@app.command()
@takes_settings(PhotoSettings, only=("images",))
def verify(
    given: dict[str, Any],
    model: options.Model,
    data: options.Data,
    client: Annotated[
        str | None,
        typer.Option(help="Client: mediapipe or task-library. [default: both]"),
    ] = None,
    part: options.Part = None,
    input_size: options.InputSize = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Run a .tflite file in MediaPipe and the Task Library, and compare the accuracy."""
    from packager.classifier_interface import parse_size
    from packager.cli import models_tables, tables
    from packager.verify.comparison import verify_file

    result = verify_file(
        model, data, client, part=part, **given, input_size=parse_size(input_size),
        progress=stderr_progress(quiet),
    )  # fmt: skip
    tables.show(result, models_tables.verification, as_json)


@metadata_app.command("write")
@takes_settings(MetadataSettings, defaults=False)
def metadata_write(
    given: dict[str, Any],
    model: options.Model,
    labels: Annotated[
        Path, typer.Option(help="Text file with one label per line, in score order.")
    ],
    out: Annotated[Path | None, typer.Option(help="Output file. [default: MODEL itself]")] = None,
    mean: Annotated[
        str,
        typer.Option(
            help="Mean of the input, (pixel - mean) / std, pixels 0..255: 127.5 or R,G,B."
        ),
    ] = "",
    std: Annotated[str, typer.Option(help="Standard deviation, like --mean.")] = "",
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Remove existing metadata first, even if it is damaged."),
    ] = False,
    strip_index: Annotated[
        bool,
        typer.Option("--strip-index", help="Remove the number before each label, as in '0 cat'."),
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Write labels and metadata into any .tflite image classifier."""
    from packager.cli import models_tables, tables
    from packager.metadata.labelling import label_model

    result = label_model(
        model,
        labels,
        out,
        mean=mean,
        std=std,
        replace=replace,
        strip_index=strip_index,
        **given,
        progress=stderr_progress(quiet=False),
    )
    tables.show(result, models_tables.metadata, as_json)
