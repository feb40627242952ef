"""How long models take: `bench run`, `bench show`, `bench farm`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from packager.cli import options
from packager.cli.device_option import BenchGroup
from packager.terminal import stderr_progress

app = typer.Typer(
    name="bench",
    cls=BenchGroup,
    help="How long models take, here or on a phone. `packager bench MODEL` is `bench run MODEL`.",
    no_args_is_help=True,
)


@app.command("run")
def bench_run(
    models: Annotated[
        list[Path] | None, typer.Argument(metavar="MODEL", help=".tflite image classifiers.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Folder of photos, a sub-folder a class; a CSV file, zip or tar; hf:OWNER/NAME. "
            "[default: the demo photos]"
        ),
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
    apk: options.Apk = None,
    project: options.Project = None,
    engine: Annotated[
        str, typer.Option(help="On the phone: litert, or benchmark_model (TensorFlow's).")
    ] = "litert",
    binary: Annotated[
        Path | None, typer.Option(help="The native tool that benchmark_model stands for.")
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="benchmark_model: time each operator too.")
    ] = False,
    input_size: options.InputSize = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure models on this machine, or on a phone over adb."""
    from packager.bench.comparison import compare
    from packager.bench.plan import Plan, parse_threads
    from packager.bench.results import Source, results_json
    from packager.bench.run import bench_models, demand_measured
    from packager.classifier_interface import parse_size
    from packager.cli import bench_tables, tables

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
        progress=stderr_progress(quiet),
    )
    if as_json:
        from packager.console import write_data

        write_data(results_json(result))
    else:
        tables.show(compare([Source("", result)]), bench_tables.comparison)
    demand_measured(result)


@app.command("show")
def bench_show(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT", help="JSON files of results, or folders that a farm left."
        ),
    ],
    csv: Annotated[Path | None, typer.Option("--csv", help="CSV file to write too.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="HTML page to write too.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare results, the fastest first, with what makes them doubtful."""
    from packager.bench.comparison import compare_files, write_csv
    from packager.bench.page import write_page
    from packager.cli import bench_tables, tables
    from packager.out_folder import check_outputs

    check_outputs({"--csv": csv, "--html": html}, results)
    result = compare_files(results)
    if csv is not None:
        write_csv(result, csv)
    if html is not None:
        write_page(result, html)
    tables.show(result, bench_tables.comparison, as_json)


@app.command("farm")
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
    as_json: options.AsJson = False,
) -> None:
    """Print the command lines that run the phone's harness on Firebase Test Lab."""
    from packager.bench.comparison import compare_files
    from packager.bench.farm import DEVICES, farm_steps, shell_script
    from packager.cli import bench_tables, tables
    from packager.record import as_json as to_json

    if results is not None:
        tables.show(compare_files([results]), bench_tables.comparison, as_json)
        return
    steps = farm_steps(
        project, devices=device or DEVICES, bucket=bucket, name=name, minutes=minutes
    )
    from packager.console import write_data

    write_data(to_json(steps) if as_json else shell_script(steps))
