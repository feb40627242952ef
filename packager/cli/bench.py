"""Commands that measure latency: `bench run`, `bench show`, `bench farm`."""

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
    help="Measure latency, here or on a phone. `packager bench MODEL` means `bench run MODEL`.",
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
            help="Photos: a folder with one subfolder per class, a CSV file, a zip or tar archive "
            "or hf:OWNER/NAME. [default: the demo photos]"
        ),
    ] = None,
    runs: Annotated[int, typer.Option(help="Measured runs per combination.")] = 100,
    threads: Annotated[str, typer.Option(help="Comma-separated numbers of CPU threads.")] = "1,2,4",
    out: Annotated[
        Path | None,
        typer.Option(help="Output file (JSON). [default: none; bench.json with --device]"),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="[SERIAL]",
            help="Measure on this phone; without SERIAL on the only one connected.",
        ),
    ] = None,
    apk: options.Apk = None,
    project: options.Project = None,
    engine: Annotated[
        str,
        typer.Option(
            help="With --device: litert, or benchmark_model (TensorFlow's benchmark tool)."
        ),
    ] = "litert",
    binary: Annotated[
        Path | None, typer.Option(help="With --engine benchmark_model: the tool's binary.")
    ] = None,
    profile: Annotated[
        bool,
        typer.Option("--profile", help="With --engine benchmark_model: also time each operator."),
    ] = False,
    input_size: options.InputSize = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure the latency of models on this machine, or on a phone over adb."""
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
            metavar="RESULT", help="Result files (JSON), or result folders of a device farm."
        ),
    ],
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Also write the table to this CSV file.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write the results to this HTML page.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare results, fastest first, with warnings about unreliable ones."""
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
        Path, typer.Argument(metavar="PROJECT", help="Android project.", show_default=False)
    ] = Path(),
    device: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL:VERSION", help="Phone, such as redfin:30; may be repeated."),
    ] = None,
    bucket: Annotated[
        str | None, typer.Option(help="Cloud Storage bucket. [default: Test Lab's own]")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the results folder.")] = "packager-bench",
    minutes: Annotated[int, typer.Option(help="Time limit per phone.")] = 30,
    results: Annotated[
        Path | None, typer.Option(help="Compare the results in this folder, fetched from the farm.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Print the commands that run the latency harness on Firebase Test Lab."""
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
