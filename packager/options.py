"""Settings, declared once for Python, the command line and recipes.

A part of the settings is a frozen dataclass beside the step that uses it. `Annotated` gives each of
its fields an `Option`: what it means, its flag, and whether it is a path. The parts are fields of
other dataclasses, which compose them. The command line and recipes read all of it from here.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from packager.errors import SettingsError

_T = TypeVar("_T")


@dataclass(frozen=True)
class Option:
    """The declaration of a setting.

    Attributes:
        help: one sentence.
        flag: of the command line; empty for a setting without one.
        usual: the meaning of None; example: a value, where the default is None.
        is_path: whether a text is the path of a file, for settings that take one.
        metavar: the placeholder for a value in the help.
        kept: False for a setting of a single run, which recipes don't contain.
    """

    help: str
    flag: str = ""
    usual: str = ""
    example: Any = None
    is_path: Callable[[str], bool] | None = None
    kept: bool = True
    metavar: str = ""


def any_path(text: str) -> bool:
    """For settings that only take a path."""
    return bool(text)


@dataclass(frozen=True, eq=False)
class Setting:
    """A field of a part, and its place.

    Attributes:
        table: name of the part; empty for what belongs to all. name: of the field.
        owner: the part's class; route: the fields that lead to it, from the composition.
        type: of its values.
    """

    table: str
    name: str
    owner: type
    route: tuple[str, ...]
    type: Any
    default: Any
    option: Option

    @property
    def key(self) -> str:
        """Its key in a recipe: "head.epochs"."""
        return f"{self.table}.{self.name}" if self.table else self.name

    def of(self, settings: object) -> Any:
        """Its value in a composition."""
        return functools.reduce(getattr, self.route, settings)

    def plain(self, value: Any) -> Any:
        """A value as JSON or TOML have it."""
        if isinstance(value, Path):
            # A folder called "demo" is not the set of that name.
            names = self.option.is_path is not None and not self.option.is_path(str(value))
            return os.path.join(".", value) if names else str(value)  # noqa: PTH118
        return [self.plain(each) for each in value] if isinstance(value, tuple) else value

    def path(self, value: Any) -> Path | None:
        """The file that a value names, if it names one."""
        test = self.option.is_path
        return Path(value) if value is not None and test is not None and (
            isinstance(value, Path) or test(value)
        ) else None  # fmt: skip


_KNOWN: dict[type, tuple[Setting, ...]] = {}


def settings_of(composition: type) -> tuple[Setting, ...]:
    """All settings of a composition, or of a part alone, in the order of its fields."""
    if composition not in _KNOWN:
        _KNOWN[composition] = tuple(_settings(composition, "", ()))
    return _KNOWN[composition]


def _settings(owner: type, table: str, route: tuple[str, ...]) -> Iterable[Setting]:
    hints = typing.get_type_hints(owner, include_extras=True)
    fields = dataclasses.fields(owner)
    composes = any(dataclasses.is_dataclass(hints[field.name]) for field in fields)
    for field in fields:
        hint, place = hints[field.name], (*route, field.name)
        if dataclasses.is_dataclass(hint):
            yield from _settings(typing.cast(type, hint), field.name, place)
            continue
        for option in getattr(hint, "__metadata__", ()):
            if isinstance(option, Option):
                yield Setting(
                    "" if composes else table, field.name, owner, place,
                    typing.get_args(hint)[0], field.default, option,
                )  # fmt: skip


def made(composition: type[_T], values: Mapping[str, Any], **others: Any) -> _T:
    """A composition with these values, by their keys; what isn't given has its default.

    `others` are fields of the composition itself that aren't settings.

    Raises what its parts raise when they are made.
    """
    routes = {setting.route: values[setting.key] for setting in settings_of(composition)
              if setting.key in values}  # fmt: skip
    return _made(composition, (), routes, others)


def _made(
    owner: type[_T], route: tuple[str, ...], values: Mapping[tuple[str, ...], Any],
    others: Mapping[str, Any] = MappingProxyType({}),
) -> _T:  # fmt: skip
    given = dict(others)
    for name, hint in typing.get_type_hints(owner).items():
        place = (*route, name)
        if dataclasses.is_dataclass(hint):
            given[name] = _made(typing.cast(type, hint), place, values)
        elif place in values:
            given[name] = values[place]
    return owner(**given)


def tables(settings: object) -> dict[str, Any]:
    """Every setting that a recipe keeps, as JSON or TOML have it: a table for each part."""
    found: dict[str, Any] = {}
    for setting in settings_of(type(settings)):
        if setting.option.kept:
            table = found.setdefault(setting.table, {}) if setting.table else found
            table[setting.name] = setting.plain(setting.of(settings))
    return found


def paths(settings: object) -> list[Path]:
    """Every file or folder that settings name."""
    values = [(each, each.of(settings)) for each in settings_of(type(settings))]
    return [
        path
        for setting, value in values
        for one in (value if isinstance(value, tuple) else (value,))
        if (path := setting.path(one)) is not None
    ]


def flag_of(setting: Setting, value: Any) -> list[str]:
    """The command line arguments that give a setting this value."""
    flag = setting.option.flag
    if value is True:
        return [flag]
    if value is False:
        return [negated(flag)]
    if isinstance(value, tuple):
        return [word for each in value for word in (flag, str(each))]
    return [flag, str(value)]


def negated(flag: str) -> str:
    """ "--no-strict" of "--strict"."""
    return "--no-" + flag.removeprefix("--")


def in_folder(path: str | Path, folder: str) -> str:
    """A path that counts from `folder`, as one that counts from here; "~/photos" stays."""
    text = str(path)
    return text if not folder or text.startswith("~") else os.path.join(folder, text)  # noqa: PTH118


def demand_ranges(rows: Iterable[tuple[str, Any, bool, str]]) -> None:
    """Raises `SettingsError` for the first invalid (setting, value, whether valid, rule)."""
    for where, value, good, rule in rows:
        if not good:
            raise SettingsError(f"{value} is out of range", where=where, fix=f"Use {rule}.")


def is_share(value: float) -> bool:
    """Whether it is from 0 up to 1, without 1."""
    return 0 <= value < 1


def is_rate(value: float) -> bool:
    """Whether it is above 0 and at most 1."""
    return math.isfinite(value) and 0 < value <= 1
