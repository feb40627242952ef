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
