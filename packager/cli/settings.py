"""Command line options generated from the settings' declarations."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from packager.options import Setting, negated, settings_of

Command = Callable[..., None]


def takes_settings(
    composition: type,
    *,
    only: Collection[str] = (),
    without: Collection[str] = (),
    defaults: bool = True,
) -> Callable[[Command], Command]:
    """Adds an option to a command for each setting of `composition` that has a flag.

    The command receives the values that were on the command line as `given`, by their keys, as
    `packager.options.made` takes them.

    Args:
        only: keys of the settings to add; empty: all. without: keys to leave out.
        defaults: whether the help shows default values.
    """
    chosen = {
        _parameter(setting): setting
        for setting in settings_of(composition)
        if setting.option.flag and (not only or setting.key in only) and setting.key not in without
    }

    def decorate(command: Command) -> Command:
        def run(**values: Any) -> None:
            found = {name: values.pop(name) for name in chosen}
            given = {
                chosen[name].key: tuple(value) if isinstance(value, list) else value
                for name, value in found.items()
                if value not in (None, [])
            }
            command(given=given, **values)

        own = inspect.signature(command, eval_str=True).parameters
        arguments = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=_annotation(setting, defaults),
            )
            for name, setting in chosen.items()
        ]
        others = [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, each in own.items()
            if name != "given"
        ]
        run.__signature__ = inspect.Signature([*others, *arguments])  # type: ignore[attr-defined]
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return decorate


def _parameter(setting: Setting) -> str:
    return setting.option.flag.strip("-").replace("-", "_")


def _annotation(setting: Setting, defaults: bool) -> Any:
    option, kind = setting.option, _type(setting.type)
    flag, shown = option.flag, option.usual or setting.default
    if kind is bool:
        flag = f"{flag}/{negated(flag)}" if option.kept else flag
        shown = option.usual
    default = f" [default: {shown}]" if defaults and shown not in (None, "", ()) else ""
    return Annotated[
        kind | None,
        typer.Option(
            flag, help=option.help + default, show_default=False, metavar=option.metavar or None
        ),
    ]


def _type(hint: Any) -> Any:
    """The type that typer reads for a field of type `hint`."""
    if typing.get_origin(hint) is tuple:
        return list[typing.get_args(hint)[0]]  # type: ignore[misc]
    if isinstance(hint, types.UnionType):
        kinds = [each for each in typing.get_args(hint) if each is not type(None)]
        return str if set(kinds) == {str, Path} else kinds[0]
    return hint
