"""A folder such as the pages tell of, in which their commands run."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer.main

from packager.cli.application import app
from tests.conftest import PHOTOS
from tests.docs.pages import Command

BUILD = ["build", "--data", "photos", "--out", "dist/flowers"]
# Words of commands that are only read, and why.
ONLY_READ = {
    "--backbone": "needs a Keras model",
    "--device": "needs a phone",
    "--engine": "needs a cluster",
    "--fine-tune": "takes minutes",
    "--max-accuracy-drop": "takes as long as it needs",
    "--max-size": "builds every model",
    "--serve": "ends by Ctrl-C",
    "newer.tflite": "is for a project of older templates",
    "--weights": "needs weights that no package has",
    "demo": "draws and builds from 300 photos",
    "verify": "needs two environments of its own",
}
# What is added to commands so that they take little time.
CHEAPER = {
    "bench dist/*/model.tflite": ("--runs", "3"),
    "compare": ("--specs", "lite0", "--runs", "3"),
}


@dataclass(frozen=True)
class Said:
    """What a command printed, results and progress in the order they came, and its exit status."""

    text: str
    status: int


def run(arguments: Sequence[str]) -> Said:
    """`packager` with these arguments, in the working folder, patterns expanded."""
    said = io.StringIO()
    status: object = 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            words = [name for word in arguments for name in _matches(word)]
            typer.main.get_command(app).main(words, prog_name="packager")
        except SystemExit as end:
            status = end.code
    return Said(said.getvalue(), status if isinstance(status, int) else 1)


def _matches(word: str) -> list[str]:
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def make_folder(folder: Path) -> Said:
    """Forty flowers, files that pages name, and the build that they begin with."""
    shutil.copytree(PHOTOS, folder / "photos", ignore=shutil.ignore_patterns("*.csv"))
    for label, name in (("roses", "rose.jpg"), ("tulips", "tulips.jpg")):
        shutil.copy(min((PHOTOS / label).iterdir()), folder / name)
    with inside(folder):
        said = run(BUILD)
        assert said.status == 0, said.text
    shutil.copy(folder / "dist/flowers/model.tflite", folder / "flowers.tflite")
    return said


def add_what_is_left_out(photos: Path) -> None:
    """The files that docs/data.md names, in a folder of flowers."""
    some = sorted((photos / "daisy").iterdir())
    (photos / "daisy" / "IMG_0011.dng").write_bytes(b"II*\0")
    (photos / "daisy" / "IMG_0012.jpg").write_bytes(some[0].read_bytes()[:2000])
    (photos / "daisy" / "empty.png").touch()
    shutil.copy(some[1], photos / "daisy" / "copy.jpg")
    shutil.copy(some[2], photos / "roses" / "wrong.jpg")


def runs(command: Command) -> bool:
    """Whether it is run: what builds only if the page shows what it says."""
    arguments = command.packager
    if arguments is None or set(arguments) & ONLY_READ.keys():
        return False
    if any(word.startswith("/") for word in arguments):  # a place outside of the folder
        return False
    return bool(command.shown) or arguments == BUILD or arguments[0] not in ("build", "compare")


def cheaper(arguments: Sequence[str]) -> list[str]:
    """With what makes it cheap, and without what stands where it would write."""
    if arguments[0] == "build":
        named = "--out" in arguments and arguments[arguments.index("--out") + 1]
        shutil.rmtree(named or "dist/photos-lite0-int8", ignore_errors=True)
    line = " ".join(arguments)
    return [*arguments, *(word for key in CHEAPER if line.startswith(key) for word in CHEAPER[key])]
