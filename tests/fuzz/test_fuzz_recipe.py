"""Recipes, with values and bytes changed."""

from __future__ import annotations

from pathlib import Path

from packager.build import BuildSettings, ModelSettings
from packager.limits import Limits
from packager.options import tables
from packager.recipe import Recipe
from packager.recipe_file import compose, read_recipe, recipe_text
from packager.report.facts import FORMAT
from tests.fuzz.mutation import check, mutated_bytes, mutated_json


def read(path: Path, content: bytes) -> None:
    """What is read can be written, and says the same when it's read again."""
    path.write_bytes(content)
    recipe = compose(read_recipe(path), {})
    again = path.with_name("again.toml")
    again.write_text(recipe_text(recipe), "utf-8")
    assert tables(compose(read_recipe(again), {})) == tables(recipe)


def test_fuzz_recipe(tmp_path: Path) -> None:
    auto = Recipe(BuildSettings(model=ModelSettings("auto")), Limits("20ms", candidates="lite0"))
    texts = [recipe_text(recipe).encode() for recipe in (Recipe(), auto)]
    check(lambda content: read(tmp_path / "packager.toml", content), mutated_bytes(texts))
    report = {"format": FORMAT, "working_folder": "/home/me", "recipe": tables(BuildSettings())}
    check(lambda content: read(tmp_path / "report.json", content), mutated_json(report))
