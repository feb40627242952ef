"""A newer model and newer templates brought into a project that its user has edited."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packager import files
from packager.android.base import Answers, Base, base_of, read_base
from packager.android.changes import (
    CONFLICTS,
    FileUpdate,
    NewFile,
    demand_resolved,
    plan_changes,
)
from packager.android.names import project_names
from packager.android.project import ASSETS, render_project
from packager.classifier_interface import Size
from packager.contract import MODEL_FILE, SPEC_FILE
from packager.errors import OutputError, RecordError, SettingsError, first_of
from packager.in_place import STAGE, Change, change_files, current, put_back
from packager.out_folder import held_folder, unwritable
from packager.written import BASE_FILE, OWN_FILES, RECORD_FILE, record_all, record_below, recorded

_SHOWN = 5
_SAMPLES = (ASSETS / "benchmark").as_posix() + "/"
_MODEL = re.compile(
    rf"{re.escape(ASSETS.as_posix())}/({re.escape(MODEL_FILE)}|{re.escape(SPEC_FILE)}|labels[^/]*\.txt)"
)


@dataclass(frozen=True)
class ProjectUpdate:
    """What was done to a project, or would be.

    Attributes:
        folder: the project; package: of its Kotlin code; app_id: of the installed app; app_name:
            on the screen.
        model: the .tflite that is in it now; labels: in the order of the scores.
        before: version of the packager that wrote the project last.
        files: those that something happened to, and those that the user changed, by name.
        dry_run: nothing was written.
    """

    folder: Path
    package: str
    app_id: str
    app_name: str
    model: Path
    labels: tuple[str, ...]
    before: str
    files: tuple[FileUpdate, ...]
    dry_run: bool

    @property
    def conflicts(self) -> tuple[FileUpdate, ...]:
        """Files that need the user's decision."""
        return tuple(file for file in self.files if file.outcome in CONFLICTS)


def update_project(
    model: Path,
    out: Path,
    *,
    package: str | None = None,
    app_id: str | None = None,
    app_name: str | None = None,
    spec: dict[str, Any] | None = None,
    locale: str | None = None,
    photos: Sequence[Path] = (),
    input_size: Size | None = None,
    base: Path | None = None,
    dry_run: bool = False,
) -> ProjectUpdate:
    """Writes the project in `out` anew around `model`, and keeps what its user did to it.

    A file that the user left alone is replaced. One that both changed is merged by lines with what
    packager wrote last; conflicts are marked in it as Git marks them, and of a binary file
    the new one is put beside it. Files that the user added or deleted stay so. All files are
    changed, or, on an error, none.

    Args:
        model, spec, input_size: as for `generate_project`.
        app_id, app_name, locale: by default those that the project was made with.
        package: by default that too; another one where the user has moved the code to it.
        photos: new ones for the benchmark; by default those that are in the project.
        base: a folder with the project as packager made it, for one that doesn't hold that itself.
        dry_run: only find out what would be done.

    Raises:
        OutputError: there is no project at `out`, it has no base, a link in it, or conflicts of an
            earlier update; or it can't be written.
        SettingsError: `package` isn't that of the code.
        RecordError: the base is damaged.
        ModelFileError, MetadataError: as `generate_project`.
    """
    _demand_project(out)
    with contextlib.ExitStack() as stack:
        try:
            if not dry_run:
                stack.enter_context(held_folder(out))
                put_back(out)
            elif os.path.lexists(out / STAGE):
                raise OutputError(
                    "an earlier update was interrupted",
                    where=out,
                    fix="Run this without --dry-run: it puts the files back first.",
                )
            before = _base(out, base, package=package, app_id=app_id, app_name=app_name)
            demand_resolved(out, before)
            if not photos:
                photos, ours = _sample_photos(out, before)
                before = before.without(ours)
            fresh = stack.enter_context(files.temporary_folder())
            answers = before.answers
            project = render_project(
                model, out, fresh, package=answers.package, app_id=app_id or answers.app_id,
                app_name=app_name or answers.app_name, spec=spec, locale=locale or answers.locale,
                photos=photos, input_size=input_size,
            )  # fmt: skip
            record_all(fresh)
            new = _new_files(fresh)
            together = frozenset(filter(_MODEL.fullmatch, before.names | new.keys()))
            updates, changes = plan_changes(out, before, new, together)
            if not dry_run:
                change_files(out, [*changes, *_own_files(out, fresh)])
                record_below(out.absolute().parent, out.absolute())
        except OSError as error:
            raise unwritable(out, error.strerror or str(error)) from error
    return ProjectUpdate(
        out,
        project.package,
        project.app_id,
        project.app_name,
        model,
        project.labels,
        before.version,
        tuple(updates),
        dry_run,
    )


def demand_update(
    update: bool, *, force: bool = False, dry_run: bool = False, base: Path | None = None
) -> None:
    """Raises `SettingsError` for options that don't go with an update, or only with one."""
    if update and force:
        raise SettingsError(
            "it replaces the project, and --update keeps your changes to it",
            where="--force",
            fix="Give one of the two.",
        )
    for option, given in (("--dry-run", dry_run), ("--base", base is not None)):
        if given and not update:
            raise SettingsError("it goes with --update", where=option, fix="Give --update too.")


def demand_merged(update: ProjectUpdate) -> None:
    """Raises `OutputError` when the user has something to decide."""
    names = [file.name for file in update.conflicts]
    if names:
        would = "there would be" if update.dry_run else "there are"
        raise OutputError(
            f"{would} conflicts between your changes and packager's: {first_of(names, _SHOWN)}",
            where=update.folder,
            fix="Commit or copy the project first; after the update, look at each of them."
            if update.dry_run
            else "Nothing of yours is lost: look at each of them, and then build the app.",
        )


def demand_updatable(out: Path) -> None:
    """Raises what `update_project` would, as far as that can be known without the new model."""
    _demand_project(out)
    demand_resolved(out, _base(out, None, package=None, app_id=None, app_name=None))


def _demand_project(out: Path) -> None:
    if not out.is_dir():
        raise OutputError(
            "there is no project to update",
            where=out,
            fix="Give --out the project's folder, or leave --update out to make one there.",
        )


def _base(
    out: Path, folder: Path | None, *, package: str | None, app_id: str | None, app_name: str | None
) -> Base:
    found = read_base(folder or out)
    if found is None and folder is None:
        raise OutputError(
            f"the project doesn't hold what packager wrote into it ({BASE_FILE}), so your changes "
            "can't be told from packager's: an older packager made it, or the file was deleted",
            where=out,
            fix="Give --base a folder with the project as packager made it, such as its first "
            "commit. If you changed nothing, --force replaces it.",
        )
    if found is None and folder is not None:
        found = _bare_base(folder, package=package, app_id=app_id, app_name=app_name)
    assert found is not None
    answers = found.answers
    try:
        project_names("", package=answers.package, app_id=answers.app_id, app_name=answers.app_name)
    except SettingsError as error:
        raise RecordError(
            f"the file is damaged: {error.what}", where=(folder or out) / BASE_FILE, fix=error.fix
        ) from None
    return _with_package(out, found, package)


def _bare_base(
    folder: Path, *, package: str | None, app_id: str | None, app_name: str | None
) -> Base:
    names = recorded(folder)
    if names is None:
        raise OutputError(
            f"the folder is no project that packager made: it has no {RECORD_FILE}",
            where=folder,
            fix="Give --base a folder with the project as packager made it.",
        )
    if package is None or app_id is None or app_name is None:
        raise SettingsError(
            "the older packager that made it kept no names",
            where="--base",
            fix="Give --package, --app-id and --app-name too, as they are in that folder.",
        )
    return base_of(folder, Answers(package, app_id, app_name), names)


def _with_package(out: Path, base: Base, package: str | None) -> Base:
    """The base as if it had been made with that package, to which the user has moved the code."""
    old = base.answers.package
    places = {name for name in base.names if f"/{_path(old)}/" in name}
    there = {name for name in places if (out / name).exists()}
    if package in (None, old):
        if places and not there:
            raise OutputError(
                f"none of the Kotlin files is where packager wrote it, in {_path(old)}",
                where=out,
                fix="If you moved them to another package, say which: --package.",
            )
        return base
    assert package is not None
    moved = base.moved(package)
    if there or not any((out / name).exists() for name in moved.names - base.names):
        raise SettingsError(
            f"the project's code is in {old}, and an update doesn't move it to {package}",
            where="--package",
            fix="Leave it out; or rename the package in Android Studio first, in all modules.",
        )
    return moved


def _path(package: str) -> str:
    return package.replace(".", "/")


def _sample_photos(out: Path, base: Base) -> tuple[Sequence[Path], Collection[str]]:
    """The benchmark's photos, to be used again; else the names of files that are the user's now."""
    ours = sorted(name for name in base.names if name.startswith(_SAMPLES))
    photos = [name for name in ours if name in base.digests]
    content = [current(out, name) for name in photos]
    if photos and all(content):
        return [out / name for name in photos], ()
    return (), ours


def _new_files(fresh: Path) -> dict[str, NewFile]:
    paths = {path.relative_to(fresh).as_posix(): path for path in sorted(fresh.rglob("*"))}
    return {
        name: NewFile(path.read_bytes(), os.access(path, os.X_OK))
        for name, path in paths.items()
        if path.is_file() and name not in OWN_FILES
    }


def _own_files(out: Path, fresh: Path) -> list[Change]:
    changes = [
        Change(name, current(out, name), (fresh / name).read_bytes()) for name in sorted(OWN_FILES)
    ]
    return [change for change in changes if change.old != change.new]
