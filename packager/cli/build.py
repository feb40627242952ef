"""From photos to models: `build` and `compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from packager.cli import options
from packager.cli.device_option import DeviceCommand
from packager.terminal import stderr_progress

app = typer.Typer()


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
    weights: options.Weights = "auto",
    split: options.Split = "80/10/10",
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    fine_tune: options.FineTune = "none",
    fine_tune_epochs: options.FineTuneEpochs = None,
    augment: options.Augment = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with fine-tuning that was interrupted.")
    ] = False,
    seed: options.Seed = 0,
    max_accuracy_drop: Annotated[
        float | None,
        typer.Option(help="Points of top-1 that quantization may cost; dearer ways are tried."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="What extracts the features: local, or ray for a cluster.")
    ] = "local",
    strict: options.Strict = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an older build at --out.")
    ] = False,
    name: options.ModelName = "",
    description: options.Description = "",
    model_version: options.ModelVersion = "1",
    author: options.Author = "",
    licence: options.Licence = "",
    no_android: Annotated[
        bool, typer.Option("--no-android", help="Leave the Android project out.")
    ] = False,
    app_id: options.AppId = None,
    app_name: options.AppName = None,
    package: options.Package = None,
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
    bench: options.Bench = None,
    device: options.Device = None,
    apk: options.Apk = None,
    project: options.Project = None,
    plots: options.Plots = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a classifier on photos and export it as a verified .tflite."""
    from packager import choose
    from packager.build import BuildSettings
    from packager.build import build as run
    from packager.cli import build_tables, tables
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
            progress=stderr_progress(quiet),
        )  # fmt: skip
        tables.show(choice, build_tables.choice)
    else:
        tables.show(run(settings, progress=stderr_progress(quiet)), build_tables.build)


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
    weights: options.Weights = "auto",
    split: options.Split = "80/10/10",
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    fine_tune: options.FineTune = "none",
    fine_tune_epochs: options.FineTuneEpochs = None,
    augment: options.Augment = None,
    seed: options.Seed = 0,
    max_accuracy_drop: Annotated[
        float | None,
        typer.Option(help="Leave a row out when quantization costs more points of top-1."),
    ] = None,
    threads: Annotated[int, typer.Option(help="Of the CPU, when measuring here.")] = 1,
    runs: Annotated[int, typer.Option(help="Measured runs of each model.")] = 100,
    bench: options.Bench = None,
    device: options.Device = None,
    apk: options.Apk = None,
    project: options.Project = None,
    strict: options.Strict = False,
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
    from packager.build import BuildSettings
    from packager.cli import build_tables, tables
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
    result = run(settings, progress=stderr_progress(quiet))
    if csv is not None:
        write_csv(result, csv)
    if markdown:
        from packager.console import write_data

        write_data(markdown_table(result))
    else:
        tables.show(result, build_tables.model_comparison, as_json)
