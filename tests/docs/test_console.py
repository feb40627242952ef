"""Commands in the pages: those that are cheap run, and say what the page shows below them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.conftest import Count
from tests.docs.folder import (
    BUILD,
    Said,
    add_what_is_left_out,
    cheaper,
    inside,
    make_folder,
    run,
    runs,
)
from tests.docs.output import differences
from tests.docs.pages import PAGES, blocks, commands
from tests.metadata.tiny_models import tiny_model


def _measure(folder: Path) -> None:
    with inside(folder):
        quick = ("--runs", "3", "--threads", "1")
        run(["bench", "flowers.tflite", "--data", "photos", "--out", "bench.json", *quick])


PREPARED: dict[str, Callable[[Path], object]] = {
    "android.md": lambda folder: (folder / "bare.tflite").write_bytes(tiny_model(classes=5)),
    "bench.md": lambda folder: (folder / "dist/flowers/android").rename(folder / "project"),
    "report.md": _measure,
    "data.md": lambda folder: add_what_is_left_out(folder / "photos"),
}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, session_cache: Path) -> tuple[Path, Said]:
    """The folder in which pages begin, and what its build said."""
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PACKAGER_CACHE", str(session_cache))
        return folder, make_folder(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(c.packager for b in blocks(page) for c in commands(b))],
    ids=lambda page: page.name,
)
def test_commands_run_and_say_what_the_page_shows(
    page: Path, made: tuple[Path, Said], warm_cache: Path, tmp_path: Path, count: Count
) -> None:
    folder, built = made
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    PREPARED.get(page.name, lambda _: None)(tmp_path)
    for block in blocks(page):
        for command in commands(block):
            arguments = command.packager
            if arguments is None or not runs(command):
                continue
            count("commands run", 1)
            with inside(tmp_path):
                said = built if arguments == BUILD else run(cheaper(arguments))
            refused = any(line.startswith("error: ") for line in command.shown)
            assert (said.status != 0) == refused, f"{command}\n{said.text}"
            if command.shown:
                count("outputs compared", 1)
                different = differences(command.shown, said.text.splitlines())
                assert not different, "\n".join([str(command), *different])
