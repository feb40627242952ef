"""The output folder of a command: whether it is free, or may be replaced."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from packager import files
from packager.errors import OutputError, SettingsError
from packager.linked_copy import state_of
from packager.written import demand_ours, record_all

FLOAT_MODEL_FILE = "model_float32.tflite"
ANDROID_FOLDER = "android"
WEB_FOLDER = "web"


def unwritable(out: Path, why: str) -> OutputError:
    return OutputError(
        f"the folder can't be written ({why})",
        where=out,
        fix="Choose a writable --out with some MB free.",
    )


def check_out(
    out: Path,
    *,
    force: bool,
    what: str = "build",
    kept: Collection[str] = (),
    ways: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Raises `OutputError` unless `out` is free, or a `what` of packager that may be replaced.

    The folders `kept` in it may hold anything. `ways`: as `packager.written.demand_ours` has them.
    """
    check_place(out)
    if not os.path.lexists(out):
        return
    if out.is_symlink() or not out.is_dir():
        raise OutputError("this is not a folder", where=out, fix="Choose another --out.")
    try:
        if not any(out.iterdir()):
            return
        if not force:
            raise OutputError(
                "the folder exists already",
                where=out,
                fix=f"Choose another --out, or use --force to replace an older {what}.",
            )
        demand_ours(out, passed=kept, ways=ways)
    except OSError as error:
        raise unwritable(out, error.strerror or str(error)) from None


def check_place(out: Path) -> None:
    """Raises `OutputError` when there can't be a folder of that name, whatever is there now."""
    try:
        _check_place(out)
    except (OSError, ValueError) as error:  # a name too long, a null byte
        raise unwritable(out, getattr(error, "strerror", None) or str(error)) from None


def _check_place(out: Path) -> None:
    parent = out.absolute()
    while not os.path.lexists(parent):
        _check_name(parent)
        parent = parent.parent
    if parent != out.absolute() and not parent.is_dir():
        raise OutputError("this is a file", where=parent, fix="Choose another --out.")
    folder = parent.parent if parent == out.absolute() else parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise unwritable(out, f"{folder} is not writable")


def _check_name(path: Path) -> None:
    """Raises `OSError` or `ValueError` for a name that no file can have."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.lstat(path)


@contextlib.contextmanager
def reserved(
    out: Path,
    *,
    force: bool,
    what: str = "build",
    kept: Collection[str] = (),
    ways: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Reserved]:
    """Holds `out` for this run, from the check until it is filled.

    Raises `OutputError` as `check_out`, or when another run is making the same folder.
    """
    check_out(out, force=force, what=what, kept=kept, ways=ways)
    with held_folder(out) as place:
        # What a killed run left aside is back.
        check_out(out, force=force, what=what, kept=kept, ways=ways)
        yield Reserved(out, place, force, kept)


@contextlib.contextmanager
def held_folder(out: Path) -> Iterator[files.Place]:
    """`packager.files.held`, with an `OutputError` when the place can't be written."""
    with contextlib.ExitStack() as stack:
        try:
            place = stack.enter_context(files.held(out.absolute()))
        except OSError as error:
            raise unwritable(out, error.strerror or str(error)) from error
        yield place


class Reserved:
    """A folder that is held for this run, see `reserved`."""

    def __init__(
        self, out: Path, place: files.Place, force: bool, kept: Collection[str] = ()
    ) -> None:
        self.out, self.kept = out, kept
        self._place, self._force = place, force

    @contextlib.contextmanager
    def filled(self) -> Iterator[Path]:
        """Gives a fresh folder to fill, which then takes its place, with a record of its files.

        With `force` the older one is replaced, if it still is as packager wrote it; the folders
        that are kept have to be brought along, and to stay as they are meanwhile.

        Raises `OutputError` when something else came there meanwhile, or it can't be written.
        """
        try:
            states = {name: state_of(self.out / name) for name in self.kept}

            def replaceable(older: Path) -> None:
                demand_ours(older, self.out, passed=self.kept)
                for name, state in states.items():
                    if state_of(older / name) != state:
                        raise OutputError(
                            "the folder was changed while packager was running, and nothing "
                            "was replaced",
                            where=self.out / name,
                            fix="Run it again.",
                        )

            with self._place.filled(replaceable if self._force else None) as fresh:
                yield fresh
                record_all(fresh, [name for name in self.kept if (fresh / name).is_dir()])
        except OSError as error:
            raise unwritable(self.out, error.strerror or str(error)) from error


def check_outputs(outputs: Mapping[str, Path | None], inputs: Iterable[Path]) -> None:
    """Checks output files, by their options, before any work.

    Raises `SettingsError` where one is an input or another output too, and `OutputError` where it
    can't be written.
    """
    taken = {_identity(path): path for path in inputs}
    for option, path in outputs.items():
        if path is None:
            continue
        if (same := taken.get(_identity(path))) is not None:
            raise SettingsError(
                f"it would overwrite {same}, which this command also reads or writes",
                where=f"{option} {path}",
                fix="Choose another file.",
            )
        taken[_identity(path)] = path
        _check_file(path)


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            why = "it is a folder"
        else:
            _check_place(path)
            return
    except OutputError as error:
        why = f"{error.where}: {error.what}"
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
    raise OutputError(
        f"can't be written ({why})", where=path, fix="Choose another file, or free some space."
    )


def _identity(path: Path) -> object:
    """The same for two names of one file."""
    try:
        found = path.stat()
    except OSError:
        return os.path.realpath(path)
    except ValueError:  # a null byte
        return str(path)
    return found.st_dev, found.st_ino
