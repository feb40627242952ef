"""The command line: parse, call one library function, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from packager import __version__, session

app = typer.Typer(
    name="packager",
    cls=session.Application,
    help="From a folder of photos to an image classifier (.tflite) ready for an Android app.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
metadata_app = typer.Typer(help="Labels and metadata inside .tflite files.", no_args_is_help=True)
app.add_typer(metadata_app, name="metadata")


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
        typer.Option(session.DEBUG, help="Show errors in full and all that TensorFlow prints."),
    ] = False,
) -> None:
    del version, debug  # looked at by session.Application


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but results.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A .tflite image classifier.")]
Data = Annotated[Path, typer.Option("--data", help="Folder of photos, a sub-folder a class.")]
Part = Annotated[
    str | None,
    typer.Option(
        "--part",
        help="Which photos: 'test' (those that the model's report.json keeps for testing) or "
        "'all'. By default test where there is such a report, else all.",
    ),
]

AppId = Annotated[
    str | None,
    typer.Option(
        help="The app's id, such as com.example.flowers. [default: from the model's name]"
    ),
]
AppName = Annotated[
    str | None, typer.Option(help="The name below its icon. [default: from the model's name]")
]
Package = Annotated[
    str | None, typer.Option(help="Package of its Kotlin code. [default: the app's id]")
]


@app.command()
def build(
    spec: Annotated[str, typer.Option(help="Model to train; see `packager specs`.")] = "lite0",
    quantize: Annotated[str, typer.Option(help="none, fp16, dynamic, int8 or int16x8.")] = "int8",
    data: Annotated[
        str,
        typer.Option(
            help="Folder of photos, a sub-folder a class; or 'demo' (drawn here, no network) or "
            "'flowers' (3,670 photos, downloaded once)."
        ),
    ] = "demo",
    out: Annotated[
        Path | None, typer.Option(help="Folder to make. [default: dist/DATA-SPEC-QUANTIZE]")
    ] = None,
    io: Annotated[
        str | None,
        typer.Option(help="Input and output: uint8, int8, float32. [default: uint8 for int8]"),
    ] = None,
    weights: Annotated[
        str, typer.Option(help="'auto', 'none' (start from nothing) or a state dict file.")
    ] = "auto",
    split: Annotated[
        str, typer.Option(help="Shares of training, validation and test photos.")
    ] = "80/10/10",
    epochs: Annotated[int | None, typer.Option(help="At most so many epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples a training step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Adam's highest rate.")] = None,
    seed: Annotated[int, typer.Option(help="Of split, training and calibration.")] = 0,
    max_accuracy_drop: Annotated[
        float | None,
        typer.Option(help="Fail when quantization costs more points of top-1 than this."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Unreadable photos are an error.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an older build at --out.")
    ] = False,
    name: Annotated[str, typer.Option(help="The model's name, in its metadata.")] = "",
    description: Annotated[str, typer.Option(help="Its description.")] = "",
    model_version: Annotated[str, typer.Option(help="Its version.")] = "1",
    author: Annotated[str, typer.Option(help="Its author.")] = "",
    licence: Annotated[str, typer.Option(help="Its licence.")] = "",
    no_android: Annotated[
        bool, typer.Option("--no-android", help="Leave the Android project out.")
    ] = False,
    app_id: AppId = None,
    app_name: AppName = None,
    package: Package = None,
    quiet: Quiet = False,
) -> None:
    """Train a classifier on photos and export it as a verified .tflite."""
    from packager import tables
    from packager.build import BuildSettings
    from packager.build import build as run

    result = run(
        BuildSettings(
            spec=spec,
            data=data,
            out=out,
            quantization=quantize,
            io=io,
            weights=weights,
            split=split,
            seed=seed,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            strict=strict,
            force=force,
            max_accuracy_drop=max_accuracy_drop,
            name=name,
            description=description,
            version=model_version,
            author=author,
            licence=licence,
            android=not no_android,
            app_id=app_id,
            app_name=app_name,
            package=package,
        ),
        progress=session.progress(quiet),
    )
    tables.show(result, tables.build)


@app.command()
def specs(as_json: AsJson = False) -> None:
    """List the models that can be trained."""
    from packager import tables
    from packager.specs import SPECS

    tables.show(tuple(SPECS.values()), tables.specs, as_json)


@app.command()
def weights(as_json: AsJson = False) -> None:
    """List pretrained weights: present or not, where, size, licence."""
    from packager import tables
    from packager.backbones.weights import list_weights

    tables.show(list_weights(), tables.weights, as_json)


@app.command()
def inspect(model: Model, as_json: AsJson = False) -> None:
    """Show a .tflite file's tensors, operators, quantization, metadata and labels."""
    from packager import tables
    from packager.inspection import inspect_model

    tables.show(inspect_model(model), tables.inspection, as_json)


@app.command()
def evaluate(
    model: Model,
    data: Data,
    part: Part = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Unreadable photos are an error.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure a .tflite file over photos, in each view that clients feed."""
    from packager import tables
    from packager.classifier_file import evaluate_file

    result = evaluate_file(model, data, part=part, strict=strict, progress=session.progress(quiet))
    tables.show(result, tables.evaluation, as_json)


@app.command()
def predict(
    model: Model,
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos.")],
    top: Annotated[int, typer.Option(help="How many classes to show.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Classify photos with a .tflite file."""
    from packager import tables
    from packager.classifier_file import predict_photos

    tables.show(predict_photos(model, photos, top=top), tables.predictions, as_json)


@app.command()
def verify(
    model: Model,
    data: Data,
    client: Annotated[
        str | None,
        typer.Option(help="mediapipe or task-library. [default: both, one after the other]"),
    ] = None,
    part: Part = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a .tflite file through the real clients, and compare with our own evaluation."""
    from packager import tables
    from packager.verify.comparison import verify_file

    result = verify_file(model, data, client, part=part, progress=session.progress(quiet))
    tables.show(result, tables.verification, as_json)


@metadata_app.command("write")
def metadata_write(
    model: Model,
    labels: Annotated[Path, typer.Option(help="Text file, a label a line, in score order.")],
    out: Annotated[Path | None, typer.Option(help="File to write. [default: MODEL itself]")] = None,
    mean: Annotated[
        str, typer.Option(help="Normalisation of pixels 0..255: 127.5, or R,G,B.")
    ] = "",
    std: Annotated[str, typer.Option(help="Its divisor, likewise.")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Drop all older metadata first, read or damaged.")
    ] = False,
    name: Annotated[str, typer.Option(help="The model's name.")] = "",
    description: Annotated[str, typer.Option(help="Its description.")] = "",
    model_version: Annotated[str, typer.Option(help="Its version.")] = "",
    author: Annotated[str, typer.Option(help="Its author.")] = "",
    licence: Annotated[str, typer.Option(help="Its licence.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write labels and metadata into anybody's .tflite image classifier."""
    from packager import tables
    from packager.metadata.labelling import label_model

    result = label_model(
        model,
        labels,
        out,
        mean=mean,
        std=std,
        replace=replace,
        name=name,
        description=description,
        version=model_version,
        author=author,
        licence=licence,
    )
    tables.show(result, tables.metadata, as_json)


@app.command()
def android(
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    app_id: AppId = None,
    app_name: AppName = None,
    package: Package = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an older project at --out.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an Android project around any .tflite image classifier with labels inside."""
    from packager import tables
    from packager.android.project import generate_project

    result = generate_project(
        model, out, package=package, app_id=app_id, app_name=app_name, force=force
    )
    tables.show(result, tables.android, as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Show what this machine has for the Android side, and what is missing."""
    from packager import tables
    from packager.doctor import check_machine

    tables.show(check_machine(), tables.doctor, as_json)


def main() -> None:
    """The `packager` command."""
    app()
