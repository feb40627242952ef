"""Recipes in files: TOML for people, and the report.json of every build."""

from __future__ import annotations

import difflib
import json
import os
import sys
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packager import files
from packager.backbones.settings import AUTO
from packager.errors import OutputError, RecordError, SettingsError
from packager.options import Setting, in_folder, made, settings_of
from packager.reading import RECORD_BYTES, read_file
from packager.recipe import RECIPE_FILE, Recipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_OF_A_BACKBONE = ("model.backbone", "model.input_size", "model.mean", "model.std")
_OF_A_CHOICE = ("limits.", "latency.")
_MOST_WORDS = 1000  # errors quote the value
_LISTED = "`packager recipe` prints them all."
_KINDS = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text",
    list: "a list", dict: "a table", type(None): "null",
}  # fmt: skip


@dataclass(frozen=True)
class RecipeFile:
    """A recipe that was read.

    Attributes:
        path: the file; values: by key, of those settings that it has. Their paths count from the
            working folder.
    """

    path: Path
    values: Mapping[str, Any]


def find_recipe(path: Path | None) -> RecipeFile | None:
    """The recipe at `path`; without one that of the working folder, if it has one.

    Raises as `read_recipe`.
    """
    if path is None and not os.path.lexists(RECIPE_FILE):
        return None
    return read_recipe(path or Path(RECIPE_FILE))


def read_recipe(path: Path) -> RecipeFile:
    """Reads a recipe in TOML, or that of a build's report.json (any file called .json).

    Relative paths in TOML count from the folder of the file. Those of a report.json count from the
    folder that the build ran in, which it names.

    Raises:
        RecordError: it can't be read, isn't TOML or JSON, or a report.json without a recipe.
        SettingsError: there is no such setting, or it has a value of another kind; the message
            names file and key.
    """
    path = files.expanded(path, "--recipe")
    tables, folder = _report(path) if path.suffix.lower() == ".json" else _toml(path)
    known = {each.key: each for each in settings_of(Recipe) if each.option.kept}
    values = {
        key: _in_place(known[key], _checked(known[key], value, path), folder)
        for key, value in _keys(tables, known, path)
    }
    return RecipeFile(path, values)


def compose(recipe: RecipeFile | None, given: Mapping[str, Any]) -> Recipe:
    """A recipe's settings with `given` on top, by their keys; the others have their defaults.

    Where `given` has another model, or no fine-tuning, what the recipe says of its own is left out.

    Raises the `SettingsError` of a part; where the value is the file's, it names file and key.
    """
    if recipe is None:
        return made(Recipe, given)
    recipe = replace(recipe, values=_beside(recipe.values, given))
    values = {**recipe.values, **given}
    parts: dict[type, list[Setting]] = {}
    for setting in settings_of(Recipe):
        parts.setdefault(setting.owner, []).append(setting)
    for owner, settings in parts.items():
        try:
            owner(**{each.name: values[each.key] for each in settings if each.key in values})
        except SettingsError as error:
            raise _located(error, settings, recipe, given) from None
    try:
        return made(Recipe, values)
    except SettingsError as error:
        raise _located(error, settings_of(Recipe), recipe, given) from None


def recipe_text(recipe: Recipe, folder: Path | None = None) -> str:
    """A recipe in TOML: every setting, with a line on each; those that are None are commented out.

    Args:
        folder: that of the file, which relative paths will count from; None: the working folder.

    Raises `SettingsError` for a path that isn't Unicode, which TOML can't hold.
    """
    lines = [
        "# A recipe of `packager build`: put it into the working folder as packager.toml, or give",
        "# it with --recipe. Options override it. Relative paths refer to this file's folder.",
    ]
    table = ""
    settings = [each for each in settings_of(Recipe) if each.option.kept]
    for setting in sorted(settings, key=lambda each: bool(each.table)):  # TOML: tables come last
        if setting.table != table:
            table = setting.table
            lines += ["", f"[{table}]"]
        else:
            lines += [""] if not table else []
        lines += _lines(setting, setting.of(recipe), folder)
    return "\n".join(lines) + "\n"


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Writes `recipe_text` into a new file.

    Raises `OutputError` when there is one already, or it can't be written.
    """
    path = files.expanded(path, "--out")
    if os.path.lexists(path):
        raise OutputError(
            "the file exists already", where=path, fix="Delete it, or choose another --out."
        )
    try:
        files.write_text(path, recipe_text(recipe, path.parent))
    except OSError as error:
        raise OutputError(
            f"the recipe can't be written ({error.strerror or error})",
            where=path,
            fix="Choose an --out file in a writable folder.",
        ) from error


def _beside(values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a recipe that mean something beside those given."""
    moot: tuple[str, ...] = ()
    if given.get("fine_tuning.mode") == "none":
        moot += ("fine_tuning.",)
    if "model.spec" in given:
        moot += _OF_A_BACKBONE if given["model.spec"] == AUTO else (*_OF_A_BACKBONE, *_OF_A_CHOICE)
    if "model.backbone" in given:
        moot += ("model.spec", *_OF_A_CHOICE)
    return {key: value for key, value in values.items() if not key.startswith(moot)}


# Reading.


def _toml(path: Path) -> tuple[dict[str, Any], str]:
    """Its tables, and the folder that its paths count from; empty for the working folder."""
    try:
        tables = tomllib.loads(read_file(path, RECORD_BYTES).decode("utf-8-sig"))
    except OSError as error:
        raise _unreadable(path, f"the file can't be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"it isn't valid UTF-8 at byte {error.start}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _unreadable(path, f"it isn't valid TOML: {error}") from None
    return tables, "" if path.parent == Path() else str(path.parent)


def _report(path: Path) -> tuple[dict[str, Any], str]:
    from packager.record import read_record
    from packager.report.facts import FORMAT

    fix = "Give the report.json that packager build wrote, or a recipe in TOML."
    facts = read_record(path, dict[str, Any], fix=fix, newest=FORMAT)
    tables, folder = facts.get("recipe"), facts.get("working_folder")
    if not isinstance(tables, dict) or not isinstance(folder, str):
        raise RecordError(
            "the file contains no recipe: an earlier packager or another program wrote it",
            where=path,
            fix=fix,
        )
    return tables, "" if Path(folder) == Path.cwd() else folder


def _unreadable(path: Path, what: str) -> RecordError:
    return RecordError(what, where=path, fix="`packager recipe` prints a complete one.")


def _keys(
    tables: Mapping[str, Any], known: Mapping[str, Setting], path: Path
) -> Iterator[tuple[str, Any]]:
    """Each known key with its value; an unknown one is an error."""
    parts = {setting.table for setting in known.values()} - {""}
    for name, value in tables.items():
        if name in parts and not isinstance(value, dict):
            raise SettingsError(
                f"it is {_kind(value)}, not a table",
                where=f"{path}: `{name}`",
                fix=f"Write [{name}] on a line of its own, and its settings below it.",
            )
        inner = value.items() if isinstance(value, dict) else ()
        rows = [(f"{name}.{key}", each) for key, each in inner] if inner else [(name, value)]
        for key, each in rows:
            if key in known:
                yield key, each
            elif name not in parts or inner:
                raise _unknown(key, known, parts, path)


def _unknown(key: str, known: Iterable[str], parts: Iterable[str], path: Path) -> SettingsError:
    names = [*known, *(f"[{part}]" for part in parts)]
    (nearest,) = difflib.get_close_matches(key, names, n=1, cutoff=0)
    return SettingsError(
        f"unknown setting `{key[:60]}`",
        where=path,
        fix=f"Do you mean `{nearest}`? {_LISTED}",
    )


def _checked(setting: Setting, value: Any, path: Path) -> Any:
    """The value in the type of its field."""
    hint = setting.type
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in kinds:
        if typing.get_origin(kind) is tuple and isinstance(value, list):
            element = typing.get_args(kind)[0]
            if all(isinstance(each, str) for each in value):
                return tuple(element(each) for each in value)
        elif kind is float and type(value) is int:
            return float(value)
        elif kind is Path and isinstance(value, str) and str not in kinds:
            return Path(value)
        elif type(value) is kind:
            return value
    wanted = " or ".join(dict.fromkeys(_kind_of(kind) for kind in kinds if kind is not type(None)))
    raise SettingsError(
        f"it is {_kind(value)}, but takes {wanted}",
        where=f"{path}: `{setting.key}`",
        fix=f"{setting.option.help} {_LISTED}",
    )


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "a date or time")


def _kind_of(kind: Any) -> str:
    return "a list of texts" if typing.get_origin(kind) is tuple else _KINDS.get(kind, "a text")


def _in_place(setting: Setting, value: Any, folder: str) -> Any:
    """A relative path as one that counts from the working folder."""
    if isinstance(value, tuple):
        return tuple(_in_place(setting, each, folder) for each in value)
    path = setting.path(value)
    return value if path is None or not folder else type(value)(in_folder(value, folder))


def _located(
    error: SettingsError,
    settings: Sequence[Setting],
    recipe: RecipeFile,
    given: Mapping[str, Any],
) -> SettingsError:
    """The error at the file's key, where the value that it is about is the file's."""
    named = {*(error.where or "").split(", ")}
    own = [each for each in settings if each.key in recipe.values and each.key not in given]
    keys = [
        f"`{each.key}`"
        for each in own
        if {each.option.flag, each.name, each.name.replace("_", " ")} & named
    ]
    if not own or (not keys and any(each.key in given for each in settings)):
        return error
    where = ", ".join(keys) or error.where or f"[{own[0].table}]"
    return SettingsError(error.what[:_MOST_WORDS], where=f"{recipe.path}: {where}", fix=error.fix)


# Writing.


def _lines(setting: Setting, value: Any, folder: Path | None) -> list[str]:
    option = setting.option
    flag = f" ({option.flag})" if option.flag else ""
    usual = f" Default: {option.usual}." if option.usual else ""
    if value is None:
        shown = f"# {setting.name} = {_toml_value(option.example)}"
    else:
        shown = f"{setting.name} = {_toml_value(setting.plain(_moved(setting, value, folder)))}"
    return [f"# {option.help.rstrip('.')}{flag}.{usual}", shown]


def _moved(setting: Setting, value: Any, folder: Path | None) -> Any:
    """A path that counts from the working folder, as one that counts from `folder`."""
    if isinstance(value, tuple):
        return tuple(_moved(setting, each, folder) for each in value)
    path = setting.path(value)
    if path is None or folder is None or path.is_absolute() or str(path).startswith("~"):
        return value
    try:
        return type(value)(os.path.relpath(path, folder))
    except ValueError:  # on another drive of Windows
        return type(value)(path.absolute())


def _toml_value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise SettingsError(
            "TOML can't contain this name, which isn't valid Unicode",
            where=ascii(value),
            fix="Rename it.",
        ) from None
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
