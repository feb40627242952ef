"""`packager bench MODEL` as `packager bench run MODEL`, and `--device` without a value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

DEFAULT = "run"
_DEVICE = "--device"


class BenchGroup(TyperGroup):
    """A group whose default command is `run`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Inserts `run` unless the first word is a command or a help option."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [DEFAULT, *args]
        if args and args[0] == DEFAULT:
            args = with_any_device(args)
        return super().parse_args(ctx, args)


class DeviceCommand(TyperCommand):
    """A command that takes `--device` without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads the command line."""
        return super().parse_args(ctx, with_any_device(args))


def with_any_device(args: Sequence[str]) -> list[str]:
    """Adds an empty serial to a `--device` before an option, a model, or the end."""
    given = list(args)
    for place, word in enumerate(given):
        if word == "--":
            break
        following = given[place + 1] if place + 1 < len(given) else None
        if word == _DEVICE and (following is None or _is_no_serial(following)):
            given[place] = f"{_DEVICE}="
    return given


def _is_no_serial(word: str) -> bool:
    return word.startswith("-") or word.endswith(".tflite") or Path(word).is_file()
