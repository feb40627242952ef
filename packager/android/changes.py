"""What an update does to each file of a project, from three versions of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packager import __version__
from packager.android.base import Base
from packager.android.merge import (
    has_conflict,
    is_text,
    merge_texts,
    same_text,
    with_line_ends_of,
)
from packager.errors import OutputError, first_of
from packager.in_place import Change, current, digest_of

BESIDE = ".packager-new"
_SHOWN = 5

Outcome = Literal[
    "added",
    "replaced",
    "removed",
    "merged",
    "kept",
    "deleted",
    "conflict",
    "beside",
    "dropped",
]
CONFLICTS: tuple[Outcome, ...] = ("conflict", "beside", "dropped")


@dataclass(frozen=True)
class FileUpdate:
    """What happens to a file.

    Attributes:
        name: relative to the project, "/" between its parts.
        outcome: added, replaced, removed: files that the user left alone. merged: with the user's
            changes. kept: as the user changed it, packager didn't. deleted: by the user, and
            stays so although packager changed it. conflict: marked in the file. beside: the
            user's stays, the new one is NAME.packager-new. dropped: the user's stays, and the new
            project has no such file.
        conflicts: how many are marked in it.
    """

    name: str
    outcome: Outcome
    conflicts: int = 0


@dataclass(frozen=True)
class NewFile:
    """A file as packager makes it today."""

    content: bytes
    executable: bool = False


def demand_resolved(folder: Path, base: Base) -> None:
    """Raises `OutputError` while a conflict of an earlier update is there, or a link."""
    unresolved = []
    for name in sorted(base.names):
        if current(folder, name + BESIDE) is not None:
            unresolved.append(name + BESIDE)
        content = current(folder, name) if name in base.texts else None
        if content is not None and has_conflict(content):
            unresolved.append(name)
    if unresolved:
        raise OutputError(
            f"conflicts of an earlier update are unresolved: {first_of(unresolved, _SHOWN)}",
            where=folder,
            fix=f"Edit the text between <<<<<<< and >>>>>>>, put each file that ends in {BESIDE} "
            "in its place or delete it, and run this again.",
        )


def plan_changes(
    folder: Path, base: Base, new: Mapping[str, NewFile], together: frozenset[str]
) -> tuple[list[FileUpdate], list[Change]]:
    """What is to happen to the project in `folder`, and the changes that bring it about.

    Args:
        base: what packager wrote last; new: what it writes today.
        together: names of files that fit one another only: when the user changed one of them and
            packager one too, all of the new ones are put beside the user's.

    Raises:
        OutputError: a link, a folder or the like is where a file has to be.
    """
    plan = _Plan(folder, base, new)
    names = sorted(base.names | new.keys())
    bundle = [name for name in names if name in together]
    mixed = any(map(plan.is_edited, bundle)) and any(map(plan.is_moved, bundle))
    steps = [
        step
        for name in names
        for step in (plan.beside(name) if mixed and name in together else plan.steps(name))
    ]
    return [update for update, _ in steps], [change for _, change in steps if change is not None]


_Step = tuple[FileUpdate, Change | None]


class _Plan:
    def __init__(self, folder: Path, base: Base, new: Mapping[str, NewFile]) -> None:
        self._folder, self._base, self._new = folder, base, new
        self._yours = {name: current(folder, name) for name in base.names | new.keys()}

    def is_edited(self, name: str) -> bool:
        """Whether it differs from both what packager wrote last and what it would write now."""
        yours, new = self._yours[name], self._new.get(name)
        return not self._is_base(name, yours) and not (new and new.content == yours)

    def is_moved(self, name: str) -> bool:
        """Whether packager would write it differently than last time."""
        new = self._new.get(name)
        return not self._is_base(name, None if new is None else new.content)

    def steps(self, name: str) -> Iterator[_Step]:
        yours, new = self._yours[name], self._new.get(name)
        if new is None:
            if yours is not None and self._is_base(name, yours):
                yield FileUpdate(name, "removed"), Change(name, yours, None)
            elif yours is not None:
                yield FileUpdate(name, "dropped"), None
        elif yours is None:
            if name not in self._base.names:
                yield FileUpdate(name, "added"), self._change(name, new.content)
            elif self.is_moved(name):
                yield FileUpdate(name, "deleted"), None
        elif not self.is_moved(name):
            if not self._is_base(name, yours):
                yield FileUpdate(name, "kept"), None
        elif self._is_base(name, yours):
            yield from self._replaced(name, yours, new.content)
        elif not same_text(yours, new.content):
            yield from self._merged(name, yours, new.content)

    def beside(self, name: str) -> Iterator[_Step]:
        """The new file next to the user's, which stays."""
        new = self._new.get(name)
        if new is None or new.content == self._yours[name]:
            return
        older = current(self._folder, name + BESIDE)
        yield FileUpdate(name, "beside"), Change(name + BESIDE, older, new.content)

    def _replaced(self, name: str, yours: bytes, new: bytes) -> Iterator[_Step]:
        content = new
        if name in self._base.texts and yours != self._base.texts[name] and is_text(new):
            content = with_line_ends_of(yours, new)
        if content != yours:
            yield FileUpdate(name, "replaced"), self._change(name, content)

    def _merged(self, name: str, yours: bytes, new: bytes) -> Iterator[_Step]:
        base = b"" if name not in self._base.names else self._base.texts.get(name)
        if base is None or not is_text(yours) or not is_text(new):
            yield from self.beside(name)
            return
        merged = merge_texts(base, yours, new, label=f"packager {__version__}")
        outcome: Outcome = "conflict" if merged.conflicts else "merged"
        change = self._change(name, merged.content) if merged.content != yours else None
        yield FileUpdate(name, outcome, merged.conflicts), change

    def _change(self, name: str, content: bytes) -> Change:
        return Change(name, self._yours[name], content, self._new[name].executable)

    def _is_base(self, name: str, content: bytes | None) -> bool:
        """Whether packager wrote that last; in texts, line endings don't count."""
        if content is None or name not in self._base.names:
            return content is None and name not in self._base.names
        if name in self._base.texts:
            return same_text(content, self._base.texts[name])
        return digest_of(content) == self._base.digests[name]
