"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only results.")]
Locale = Annotated[
    str | None,
    typer.Option(help="Language of the class names, such as pt-BR. [default: en, or the labels]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A .tflite image classifier.")]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        help="Photos: a folder with one subfolder per class, a CSV file, a zip or tar archive or "
        "hf:OWNER/NAME.",
    ),
]
Part = Annotated[
    str | None,
    typer.Option(
        "--part",
        help="Photos to use: 'test' (the test photos of the model's report.json) or 'all'. "
        "[default: test with such a report, else all]",
    ),
]

InputSize = Annotated[
    str | None,
    typer.Option(
        help="Input size of a model that doesn't fix one: 224, or HEIGHTxWIDTH in pixels.",
        metavar="SIZE",
    ),
]
Apk = Annotated[Path | None, typer.Option(help="Built latency harness: an APK, or its folder.")]
Project = Annotated[
    Path | None, typer.Option(help="Android project to build the latency harness from.")
]
