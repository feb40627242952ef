"""Every block of code in every page runs, or is checked as far as it can be without running."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer.main
import yaml

from packager.cli.application import app
from tests.conftest import ROOT
from tests.docs.conftest import Count
from tests.docs.folder import run, runs
from tests.docs.messages import share_found
from tests.docs.pages import PAGES, Block, Command, blocks, commands

FOUND = {page: list(blocks(page)) for page in PAGES}
BLOCKS = [block for found in FOUND.values() for block in found]
COMMANDS = [command for block in BLOCKS for command in commands(block)]


def of(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.packager], ids=str)
def test_options_and_arguments_are_the_commands_own(command: Command) -> None:
    assert command.packager
    _read(command.packager)


def _read(arguments: Sequence[str]) -> None:
    """Reads a command line as far as its values, and runs nothing."""
    command, context, words = typer.main.get_command(app), None, list(arguments)
    while hasattr(command, "commands"):
        context = command.make_context(None, words, parent=context)
        _, command, words = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
    command.make_context(None, words, parent=context)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.packager is None], ids=str)
def test_other_programs_are_called_as_they_can_be(command: Command) -> None:
    given = re.match(r"((?:[A-Z_]+=(?:\$\(.*?\)|\S+) )*)(.*)", command.line.split(" #")[0])
    assert given
    for name in re.findall(r"([A-Z_]+)=", given[1]):
        assert _mentioned(name), f"{command}: nothing reads {name}"
    words = given[2].replace('"', "").split()
    program, *rest = words
    program = program.rpartition("/")[2] if "/bin/" in program else program
    program = re.sub(r"^python3\.\d+$", "python3", program)
    if program == "packager":
        _read(rest)
    elif program == "pip":
        extras = (ROOT / "pyproject.toml").read_text("utf-8")
        for extra in re.findall(r"\[([\w,]+)\]", command.line):
            for name in extra.split(","):
                assert re.search(rf"^{name} = \[", extras, re.MULTILINE), f"{command}: no {name}"
    elif program in ("python", "python3") and rest[0] == "-m":
        assert importlib.util.find_spec(rest[1]), command
        for path in (word for word in rest[2:] if word.startswith("tests/")):
            assert (ROOT / path).exists(), command
    elif program in ("python", "python3"):
        source = (ROOT / rest[0]).read_text("utf-8")
        for word in rest:
            assert not word.startswith("--") or f'"{word}"' in source, f"{command}: no {word}"
    elif program == "docker":
        assert (ROOT / "Dockerfile").exists()
        if rest[0] == "run":
            _read(rest[rest.index("packager") + 1 :])
    elif program == "nox":
        source = (ROOT / "noxfile.py").read_text("utf-8")
        sessions = rest[rest.index("-s") + 1 :] if "-s" in rest else []
        assert all(f"def {name}(" in source for name in sessions), command
    else:
        assert program in (".", "./gradlew", "cd", "git", "unzip"), f"{command}: nobody checks it"


def _mentioned(name: str) -> bool:
    return any(
        name in path.read_text("utf-8")
        for folder in ("packager", "tests")
        for path in (ROOT / folder).rglob("*.py")
    )


def test_messages_are_those_of_the_code() -> None:
    quoted = [
        (block, line)
        for block in BLOCKS
        if block.language == "text" or not any(runs(command) for command in commands(block))
        for line in block.text.splitlines()
        if re.match("(error|warning): ", line)
    ]
    unknown = [f"{block}: {line}" for block, line in quoted if share_found(line) < 0.6]
    assert len(quoted) > 10
    assert not unknown, "\n".join(unknown)


def test_synopses_have_options_of_the_command() -> None:
    for block in of("text"):
        for line in block.text.splitlines():
            if line.startswith("packager "):
                words = line.replace("[", " ").replace("]", " ").split()
                own = run([*words[1:3], "--help"]).text + run([words[1], "--help"]).text
                for word in words:
                    assert not word.startswith("--") or word in own, f"{block}: {word}"


@pytest.mark.slow
def test_python_has_the_types_that_the_api_has(tmp_path: Path) -> None:
    for page, found in FOUND.items():
        python = [block.text for block in found if block.language == "python"]
        if python:
            (tmp_path / f"{page.stem.replace('-', '_')}.py").write_text("\n".join(python))
    for block in of("diff"):
        added = [line[1:] for line in block.text.splitlines() if line.startswith("+")]
        (tmp_path / f"migration_{block.line}.py").write_text("\n".join(added))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *map(str, sorted(tmp_path.glob("*.py")))],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    unimportant = ("[name-defined]", "[no-untyped-def]", "[union-attr]")  # a page's own brevity
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert not [line for line in errors if not line.endswith(unimportant)], done.stdout
    assert done.returncode in (0, 1), done.stderr


def test_recipes_are_read(tmp_path: Path) -> None:
    for number, block in enumerate(of("toml")):
        recipe = tmp_path / f"{number}.toml"
        recipe.write_text(block.text)
        (tmp_path / "photos").mkdir(exist_ok=True)
        said = run(["recipe", "--recipe", str(recipe)])
        assert said.status == 0, f"{block}\n{said.text}"


def test_json_is_json() -> None:
    for block in of("json"):
        json.loads(block.text)


def test_workflows_use_the_action_as_it_is() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    steps = [
        step
        for block in of("yaml")
        for job in yaml.safe_load(block.text)["jobs"].values()
        for step in job["steps"]
    ]
    given = [step["with"].keys() for step in steps if step.get("id") == "packager"]
    assert given
    assert all(keys <= action["inputs"].keys() for keys in given)
    read = re.findall(r"steps\.packager\.outputs\.(\w+)", "".join(b.text for b in of("yaml")))
    assert {*read} <= action["outputs"].keys()


def test_kotlin_is_that_of_the_generated_readme() -> None:
    readme = (ROOT / "templates/android/README.md").read_text("utf-8")
    for block in of("kotlin"):
        for line in block.text.splitlines():
            assert line.removeprefix("// build.gradle.kts: ") in readme, f"{block}: {line}"


def test_every_block_has_a_language_that_is_checked(count: Count) -> None:
    count("pages", len(PAGES))
    count("blocks of code", len(BLOCKS))
    count("commands read", len(COMMANDS))
    checked = {"", "console", "diff", "json", "kotlin", "python", "sh", "text", "toml", "yaml"}
    assert not [str(block) for block in BLOCKS if block.language not in checked]
