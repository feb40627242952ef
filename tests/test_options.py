from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest

from packager.errors import SettingsError
from packager.options import Option, flag_of, made, paths, settings_of, tables
from packager.recipe import Recipe


def is_file(text: str) -> bool:
    return text != "auto"


@dataclass(frozen=True)
class Oven:
    heat: Annotated[int, Option("Degrees.", "--heat")] = 180
    fan: Annotated[bool, Option("Blow.", "--fan")] = False
    hurry: Annotated[bool, Option("This time only.", "--hurry", kept=False)] = False

    def __post_init__(self) -> None:
        if self.heat > 300:
            raise SettingsError("too hot", where="--heat", fix="Cool down.")


@dataclass(frozen=True)
class Dough:
    flour: Annotated[str | Path, Option("Which.", "--flour", is_path=is_file)] = "auto"
    seeds: Annotated[tuple[Path, ...], Option("On top.", "--seeds", is_path=is_file)] = ()


@dataclass(frozen=True)
class Bread:
    salt: Annotated[float, Option("Of all.")] = 0.02
    oven: Oven = field(default_factory=Oven)
    dough: Dough = field(default_factory=Dough)


@dataclass(frozen=True)
class Order:
    count: int
    bread: Bread = field(default_factory=Bread)


def test_keys_are_those_of_the_part_however_deep_it_lies() -> None:
    keys = ["salt", "oven.heat", "oven.fan", "oven.hurry", "dough.flour", "dough.seeds"]
    assert [each.key for each in settings_of(Bread)] == keys
    assert [each.key for each in settings_of(Order)] == keys
    assert [each.key for each in settings_of(Oven)] == ["heat", "fan", "hurry"]


def test_values_by_keys_make_a_composition_whose_parts_check_them() -> None:
    order = made(Order, {"oven.heat": 220, "salt": 0.01}, count=3)
    assert order == Order(3, Bread(0.01, Oven(220)))
    with pytest.raises(SettingsError, match="too hot"):
        made(Bread, {"oven.heat": 400})


def test_tables_hold_what_a_recipe_keeps_as_plain_values() -> None:
    bread = Bread(dough=Dough(Path("auto"), (Path("a"), Path("/b"))), oven=Oven(hurry=True))
    assert tables(bread) == {
        "salt": 0.02,
        "oven": {"heat": 180, "fan": False},
        "dough": {"flour": "./auto", "seeds": ["a", "/b"]},
    }
    assert paths(bread) == [Path("auto"), Path("a"), Path("/b")]
    assert paths(Bread()) == []


def test_flags_as_they_are_written() -> None:
    known = {each.key: each for each in settings_of(Bread)}
    assert flag_of(known["oven.fan"], True) == ["--fan"]
    assert flag_of(known["oven.fan"], False) == ["--no-fan"]
    assert flag_of(known["oven.heat"], 3) == ["--heat", "3"]
    assert flag_of(known["dough.seeds"], ("a", "b")) == ["--seeds", "a", "--seeds", "b"]


def test_settings_of_a_build_are_declared_in_full() -> None:
    settings = settings_of(Recipe)
    flags = [each.option.flag for each in settings if each.option.flag]
    assert len({*flags}) == len(flags)
    for each in settings:
        assert each.option.help.endswith("."), each.key
        # Of a setting that may be None a recipe shows an example.
        assert each.default is not None or each.option.example is not None, each.key
