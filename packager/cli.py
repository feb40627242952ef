"""The command line: parse, call one library function, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from packager import __version__, session
from packager.bench.group import BenchGroup, DeviceCommand

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
bench_app = typer.Typer(
    cls=BenchGroup,
    help="How long models take, here or on a phone. `packager bench MODEL` is `bench run MODEL`.",
    no_args_is_help=True,
)
app.add_typer(bench_app, name="bench")


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
Locale = Annotated[
    str | None,
    typer.Option(help="Language of the classes' names: en, pt-BR. [default: en, or the labels]"),
]
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

InputSize = Annotated[
    str | None,
    typer.Option(
        help="For a model whose input has no size: 224, or HEIGHTxWIDTH in pixels.",
        metavar="SIZE",
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
Plots = Annotated[
    bool, typer.Option("--plots", help="Write the report's figures to OUT/plots as PNG too.")
]


Weights = Annotated[
    str, typer.Option(help="'auto', 'none' (start from nothing) or a state dict file.")
]
Split = Annotated[str, typer.Option(help="Shares of training, validation and test photos.")]
Epochs = Annotated[int | None, typer.Option(help="At most so many epochs.")]
BatchSize = Annotated[int | None, typer.Option(help="Samples a training step.")]
LearningRate = Annotated[float | None, typer.Option(help="Adam's highest rate.")]
FineTune = Annotated[
    str, typer.Option(help="The backbone: none (stays frozen), tail (its last stages) or full.")
]
FineTuneEpochs = Annotated[int | None, typer.Option(help="At most so many epochs of fine-tuning.")]
Augment = Annotated[
    str | None,
    typer.Option(help="For full: none, basic, mixup or randaugment. [default: basic]"),
]
Seed = Annotated[int, typer.Option(help="Of split, training and calibration.")]
Strict = Annotated[bool, typer.Option("--strict", help="Unreadable photos are an error.")]
ModelName = Annotated[str, typer.Option(help="The model's name, in its metadata.")]
Description = Annotated[str, typer.Option(help="Its description.")]
ModelVersion = Annotated[str, typer.Option(help="Its version.")]
Author = Annotated[str, typer.Option(help="Its author.")]
Licence = Annotated[str, typer.Option(help="Its licence.")]
Bench = Annotated[
    list[Path] | None,
    typer.Option(
        "--bench", metavar="RESULT", help="Results of a phone that has the say; may be repeated."
    ),
]
Device = Annotated[
    str | None,
    typer.Option(metavar="[SERIAL]", help="Measure on this phone, or the only one, too."),
]
Apk = Annotated[
    Path | None, typer.Option(help="The built harness: an APK, or the folder it is in.")
]
Project = Annotated[
    Path | None, typer.Option(help="An Android project, to build the harness from.")
]


@app.command(cls=DeviceCommand)
def build(
    spec: Annotated[
        str, typer.Option(help="Model to train, see `packager specs`; 'auto' chooses one.")
    ] = "lite0",
    backbone: Annotated[
        Path | None,
        typer.Option(help="Your own in its place: a Keras file, SavedModel or TF Hub module."),
    ] = None,
    input_size: Annotated[
        int | None, typer.Option(help="Of --backbone: side of its image, pixels.")
    ] = None,
    mean: Annotated[
        str, typer.Option(help="Of --backbone: it takes (pixel - mean) / std; 127.5, or R,G,B.")
    ] = "",
    std: Annotated[str, typer.Option(help="Of --backbone: likewise.")] = "",
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
    weights: Weights = "auto",
    split: Split = "80/10/10",
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    fine_tune: FineTune = "none",
    fine_tune_epochs: FineTuneEpochs = None,
    augment: Augment = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with fine-tuning that was interrupted.")
    ] = False,
    seed: Seed = 0,
    max_accuracy_drop: Annotated[
        float | None,
        typer.Option(help="Points of top-1 that quantization may cost; dearer ways are tried."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="What extracts the features: local, or ray for a cluster.")
    ] = "local",
    strict: Strict = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an older build at --out.")
    ] = False,
    name: ModelName = "",
    description: Description = "",
    model_version: ModelVersion = "1",
    author: Author = "",
    licence: Licence = "",
    no_android: Annotated[
        bool, typer.Option("--no-android", help="Leave the Android project out.")
    ] = False,
    app_id: AppId = None,
    app_name: AppName = None,
    package: Package = None,
    max_latency: Annotated[
        str | None, typer.Option(help="--spec auto: such as 20ms, median of inference.")
    ] = None,
    max_size: Annotated[str | None, typer.Option(help="--spec auto: such as 8MB.")] = None,
    min_accuracy: Annotated[
        float | None, typer.Option(help="--spec auto: such as 0.9, on validation photos.")
    ] = None,
    candidates: Annotated[
        str | None,
        typer.Option(help="--spec auto: models to choose from. [default: lite0-4, mobilenet_v2]"),
    ] = None,
    bench: Bench = None,
    device: Device = None,
    apk: Apk = None,
    project: Project = None,
    plots: Plots = False,
    quiet: Quiet = False,
) -> None:
    """Train a classifier on photos and export it as a verified .tflite."""
    from packager import choose, tables
    from packager.build import BuildSettings
    from packager.build import build as run
    from packager.compare.candidates import parse_names
    from packager.compare.latency import LatencySource

    choose.demand_auto(
        spec, max_latency=max_latency, max_size=max_size, min_accuracy=min_accuracy,
        candidates=candidates, bench=bench, device=device, apk=apk, project=project,
    )  # fmt: skip
    settings = BuildSettings(
        spec=spec,
        backbone=backbone,
        input_size=input_size,
        mean=mean,
        std=std,
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
        fine_tune=fine_tune,
        fine_tune_epochs=fine_tune_epochs,
        augment=augment,
        resume=resume,
        strict=strict,
        force=force,
        max_accuracy_drop=max_accuracy_drop,
        engine=engine,
        name=name,
        description=description,
        version=model_version,
        author=author,
        licence=licence,
        android=not no_android,
        app_id=app_id,
        app_name=app_name,
        package=package,
        plots=plots,
    )
    source = LatencySource(bench=tuple(bench or ()), device=device, apk=apk, project=project)
    if spec == choose.AUTO:
        choice = choose.build_best(
            settings, choose.parse_limits(max_latency, max_size, min_accuracy),
            candidates=parse_names(candidates or ""), latency=source,
            progress=session.progress(quiet),
        )  # fmt: skip
        tables.show(choice, tables.choice)
    else:
        tables.show(run(settings, progress=session.progress(quiet)), tables.build)


@app.command(cls=DeviceCommand)
def compare(
    specs: Annotated[str, typer.Option(help="Models, as `packager specs` lists them.")],
    data: Annotated[
        str, typer.Option(help="Folder of photos, a sub-folder a class; 'demo' or 'flowers'.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to make, with one a model in it.")],
    quantize: Annotated[
        str, typer.Option(help="none, fp16, dynamic, int8, int16x8; a row for each.")
    ] = "none,int8",
    weights: Weights = "auto",
    split: Split = "80/10/10",
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    fine_tune: FineTune = "none",
    fine_tune_epochs: FineTuneEpochs = None,
    augment: Augment = None,
    seed: Seed = 0,
    max_accuracy_drop: Annotated[
        float | None,
        typer.Option(help="Leave a row out when quantization costs more points of top-1."),
    ] = None,
    threads: Annotated[int, typer.Option(help="Of the CPU, when measuring here.")] = 1,
    runs: Annotated[int, typer.Option(help="Measured runs of each model.")] = 100,
    bench: Bench = None,
    device: Device = None,
    apk: Apk = None,
    project: Project = None,
    strict: Strict = False,
    force: Annotated[
        bool, typer.Option("--force", help="Start anew, not from an older comparison at --out.")
    ] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="CSV file to write too.")] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as Markdown.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Build several models from the same photos: size, accuracy and latency side by side."""
    from packager import tables
    from packager.build import BuildSettings
    from packager.compare import CompareSettings
    from packager.compare import compare as run
    from packager.compare.candidates import parse_names
    from packager.compare.folder import comparison_files
    from packager.compare.formats import markdown_table, write_csv
    from packager.compare.latency import LatencySource
    from packager.out_folder import check_outputs

    read = [path for path in (*(bench or ()), apk, Path(data), Path(weights)) if path is not None]
    check_outputs({"--csv": csv}, [*read, *comparison_files(out)])
    settings = CompareSettings(
        specs=parse_names(specs),
        quantizations=parse_names(quantize),
        out=out,
        build=BuildSettings(
            data=data,
            weights=weights,
            split=split,
            seed=seed,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            fine_tune=fine_tune,
            fine_tune_epochs=fine_tune_epochs,
            augment=augment,
            max_accuracy_drop=max_accuracy_drop,
            strict=strict,
        ),
        latency=LatencySource(threads, runs, tuple(bench or ()), device, apk, project),
        force=force,
    )
    result = run(settings, progress=session.progress(quiet))
    if csv is not None:
        write_csv(result, csv)
    if markdown:
        from packager.console import write_data

        write_data(markdown_table(result))
    else:
        tables.show(result, tables.model_comparison, as_json)


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
    strict: Strict = False,
    locale: Locale = None,
    input_size: InputSize = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure a .tflite file over photos, in each view that clients feed."""
    from packager import tables
    from packager.classifier_file import evaluate_file
    from packager.classifier_interface import parse_size

    result = evaluate_file(
        model, data, part=part, strict=strict, locale=locale, input_size=parse_size(input_size),
        progress=session.progress(quiet),
    )  # fmt: skip
    tables.show(result, tables.evaluation, as_json)


@app.command()
def predict(
    model: Model,
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos.")],
    top: Annotated[int, typer.Option(help="How many classes to show.")] = 3,
    locale: Locale = None,
    input_size: InputSize = None,
    as_json: AsJson = False,
) -> None:
    """Classify photos with a .tflite file."""
    from packager import tables
    from packager.classifier_file import demand_all_read, predict_photos
    from packager.classifier_interface import parse_size

    result = predict_photos(
        model, photos, top=top, locale=locale, input_size=parse_size(input_size)
    )
    tables.show(result, tables.predictions, as_json)
    demand_all_read(result)


@app.command()
def verify(
    model: Model,
    data: Data,
    client: Annotated[
        str | None,
        typer.Option(help="mediapipe or task-library. [default: both, one after the other]"),
    ] = None,
    part: Part = None,
    input_size: InputSize = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a .tflite file through the real clients, and compare with our own evaluation."""
    from packager import tables
    from packager.classifier_interface import parse_size
    from packager.verify.comparison import verify_file

    result = verify_file(
        model, data, client, part=part, input_size=parse_size(input_size),
        progress=session.progress(quiet),
    )  # fmt: skip
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
    strip_index: Annotated[
        bool, typer.Option("--strip-index", help="Leave out the number before each label: '0 cat'.")
    ] = False,
    name: ModelName = "",
    description: Description = "",
    model_version: ModelVersion = "",
    author: Author = "",
    licence: Licence = "",
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
        strip_index=strip_index,
        name=name,
        description=description,
        version=model_version,
        author=author,
        licence=licence,
        progress=session.progress(quiet=False),
    )
    tables.show(result, tables.metadata, as_json)


@app.command()
def android(
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    app_id: AppId = None,
    app_name: AppName = None,
    package: Package = None,
    locale: Locale = None,
    input_size: InputSize = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an older project at --out.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an Android project around any .tflite image classifier with labels inside."""
    from packager import tables
    from packager.android.project import generate_project
    from packager.classifier_interface import parse_size

    result = generate_project(
        model, out, package=package, app_id=app_id, app_name=app_name, locale=locale, force=force,
        input_size=parse_size(input_size),
    )  # fmt: skip
    tables.show(result, tables.android, as_json)


@app.command()
def report(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder that build made.")],
    bench: Annotated[
        list[Path] | None,
        typer.Option(metavar="RESULT", help="Results of `packager bench`; may be repeated."),
    ] = None,
    comparison: Annotated[
        Path | None, typer.Option(help="comparison.json of `packager compare`, or its folder.")
    ] = None,
    plots: Plots = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a build's report.html again, with latencies or other models in it."""
    from packager import tables
    from packager.report.page import report_folder

    result = report_folder(
        out, bench or [], comparison=comparison, plots=plots, progress=session.progress(quiet)
    )
    tables.show(result, tables.report, as_json)


@bench_app.command("run")
def bench_run(
    models: Annotated[
        list[Path] | None, typer.Argument(metavar="MODEL", help=".tflite image classifiers.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of photos, a sub-folder a class. [default: the demo photos]"),
    ] = None,
    runs: Annotated[int, typer.Option(help="Measured runs of each combination.")] = 100,
    threads: Annotated[str, typer.Option(help="Of the CPU.")] = "1,2,4",
    out: Annotated[
        Path | None,
        typer.Option(help="JSON file to write. [default: none; with --device bench.json]"),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="[SERIAL]", help="Measure on this phone, or the only one."),
    ] = None,
    apk: Apk = None,
    project: Project = None,
    engine: Annotated[
        str, typer.Option(help="On the phone: litert, or benchmark_model (TensorFlow's).")
    ] = "litert",
    binary: Annotated[
        Path | None, typer.Option(help="The native tool that benchmark_model stands for.")
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="benchmark_model: time each operator too.")
    ] = False,
    input_size: InputSize = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure models on this machine, or on a phone over adb."""
    from packager import tables
    from packager.bench.comparison import compare
    from packager.bench.plan import Plan, parse_threads
    from packager.bench.results import Source, results_json
    from packager.bench.run import bench_models, demand_measured
    from packager.classifier_interface import parse_size

    result = bench_models(
        models or [],
        device=device,
        data=data,
        apk=apk,
        project=project,
        engine=engine,
        binary=binary,
        profile=profile,
        out=out,
        plan=Plan(threads=parse_threads(threads), runs=runs),
        input_size=parse_size(input_size),
        progress=session.progress(quiet),
    )
    if as_json:
        from packager.console import write_data

        write_data(results_json(result))
    else:
        tables.show(compare([Source("", result)]), tables.comparison)
    demand_measured(result)


@bench_app.command("show")
def bench_show(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT", help="JSON files of results, or folders that a farm left."
        ),
    ],
    csv: Annotated[Path | None, typer.Option("--csv", help="CSV file to write too.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="HTML page to write too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare results, the fastest first, with what makes them doubtful."""
    from packager import tables
    from packager.bench.comparison import compare_files, write_csv
    from packager.bench.page import write_page
    from packager.out_folder import check_outputs

    check_outputs({"--csv": csv, "--html": html}, results)
    result = compare_files(results)
    if csv is not None:
        write_csv(result, csv)
    if html is not None:
        write_page(result, html)
    tables.show(result, tables.comparison, as_json)


@bench_app.command("farm")
def bench_farm(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="The Android project.", show_default=False)
    ] = Path(),
    device: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL:VERSION", help="A phone, such as redfin:30; may be repeated."),
    ] = None,
    bucket: Annotated[
        str | None, typer.Option(help="Cloud Storage bucket. [default: Test Lab's own]")
    ] = None,
    name: Annotated[str, typer.Option(help="Folder for the results.")] = "packager-bench",
    minutes: Annotated[int, typer.Option(help="Time limit on each phone.")] = 30,
    results: Annotated[
        Path | None, typer.Option(help="Read the folder that was fetched, and compare.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the command lines that run the phone's harness on Firebase Test Lab."""
    from packager import tables
    from packager.bench.comparison import compare_files
    from packager.bench.farm import DEVICES, farm_steps, shell_script
    from packager.record import as_json as to_json

    if results is not None:
        tables.show(compare_files([results]), tables.comparison, as_json)
        return
    steps = farm_steps(
        project, devices=device or DEVICES, bucket=bucket, name=name, minutes=minutes
    )
    from packager.console import write_data

    write_data(to_json(steps) if as_json else shell_script(steps))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Show what this machine has for the Android side, and what is missing."""
    from packager import tables
    from packager.doctor import check_machine

    tables.show(check_machine(), tables.doctor, as_json)


def main() -> None:
    """The `packager` command."""
    app()
