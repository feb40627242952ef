"""Options and arguments that several commands take, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but results.")]
Locale = Annotated[
    str | None,
    typer.Option(help="Language of the classes' names: en, pt-BR. [default: en, or the labels]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A .tflite image classifier.")]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        help="Folder of photos, a sub-folder a class; a CSV file, zip or tar; hf:OWNER/NAME.",
    ),
]
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
Apk = Annotated[
    Path | None, typer.Option(help="The built harness: an APK, or the folder it is in.")
]
Project = Annotated[
    Path | None, typer.Option(help="An Android project, to build the harness from.")
]
