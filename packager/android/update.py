"""Updates a project that its user has edited to a newer model and newer templates."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packager import files
from packager.android.base import Answers, Base
from packager.android.changes import (
    CONFLICTS,
    FileUpdate,
    NewFile,
    demand_resolved,
    plan_changes,
)
from packager.android.find_base import find_base
from packager.android.npu import check_npu
from packager.android.project import ASSETS, render_project
from packager.classifier_interface import Size
from packager.contract import MODEL_FILE, SPEC_FILE
from packager.errors import OutputError, SettingsError, first_of
from packager.in_place import STAGE, Change, change_files, current, digest_of, put_back
from packager.linked_copy import copy_linked
from packager.out_folder import held_folder, unwritable
from packager.written import OWN_FILES, record_all, record_below

_SHOWN = 5
_SAMPLES = (ASSETS / "benchmark").as_posix() + "/"
_MODEL = re.compile(
    rf"{re.escape(ASSETS.as_posix())}/({re.escape(MODEL_FILE)}|{re.escape(SPEC_FILE)}|labels[^/]*\.txt)"
)


@dataclass(frozen=True)
class ProjectUpdate:
    """What an update did to a project, or would do.

    Attributes:
        folder: the project; package: of its Kotlin code; app_id: of the installed app; app_name:
            on the screen.
        model: the .tflite that is in it now; labels: in the order of the scores.
        before: version of the packager that wrote the project last.
        files: files that were changed by the update or by the user, by name.
        dry_run: whether nothing was written.
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
    def names(self) -> dict[str, str]:
        """As report.json has them."""
        return {"package": self.package, "app_id": self.app_id, "app_name": self.app_name}

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
    npu: str | None = None,
    base: Path | None = None,
    dry_run: bool = False,
) -> ProjectUpdate:
    """Updates the project in `out` to `model`, and keeps its user's changes.

    A file that the user left alone is replaced. One that both changed is merged by lines with what
    packager wrote last; conflicts are marked in it as Git marks them, and of a binary file
    the new one is put beside it. Files that the user added or deleted stay so. All files are
    changed, or, on an error, none.

    Args:
        model, spec, input_size: as for `generate_project`.
        app_id, app_name, locale, npu: by default those that the project was made with; an empty
            locale or npu is none.
        package: by default that too; another one where the user has moved the code to it.
        photos: new ones for the benchmark; by default those that are in the project.
        base: a folder with the project as packager made it, for one that doesn't hold that itself.
        dry_run: only find out what would be done.

    Raises:
        OutputError: there is no project at `out`, it has no base, a link in it, or conflicts of an
            earlier update; or it can't be written.
        SettingsError: `package` isn't that of the code, or LiteRT has no library for `npu`.
        RecordError: the base is damaged.
        ModelFileError, MetadataError: as `generate_project`.
    """
    check_npu(npu or None)
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
            before = find_base(out, base, package=package, app_id=app_id, app_name=app_name)
            demand_resolved(out, before)
            if not photos:
                photos, ours = _sample_photos(out, before)
                before = before.without(ours)
            fresh = stack.enter_context(files.temporary_folder())
            answers = before.answers
            project = render_project(
                model, out, fresh, package=answers.package, app_id=app_id or answers.app_id,
                app_name=app_name or answers.app_name, spec=spec,
                locale=_answer(locale, answers.locale), photos=photos, input_size=input_size,
                npu=_answer(npu, answers.npu),
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


def remembered(out: Path, *, package: str | None = None) -> Answers:
    """What the project in `out` was made with.

    Raises what `update_project` raises, as far as that can be known without the new model.
    """
    _demand_project(out)
    base = find_base(out, package=package)
    demand_resolved(out, base)
    return base.answers


def keep_project(
    older: Path,
    fresh: Path,
    model: Path,
    *,
    package: str | None = None,
    app_id: str | None = None,
    app_name: str | None = None,
) -> ProjectUpdate | None:
    """Puts the user's project `older`, updated around `model`, in the place of `fresh`.

    `fresh` is a new project around it, whose photos are used. Where there is none, because the
    model isn't good enough, the user's comes there as it is, and None is given. `older` itself
    stays as it is.

    Raises as `update_project`.
    """
    if not fresh.exists():
        copy_linked(older, fresh)
        return None
    new = fresh.with_name(f".{fresh.name}.new")
    fresh.rename(new)
    copy_linked(older, fresh)
    photos = sorted((new / _SAMPLES / "photos").glob("*.png"))
    update = update_project(
        model, fresh, package=package, app_id=app_id, app_name=app_name, photos=photos
    )
    shutil.rmtree(new)
    return replace(update, folder=older)


def demand_update(
    update: bool, *, force: bool = False, dry_run: bool = False, base: Path | None = None
) -> None:
    """Raises `SettingsError` for options that conflict with --update, or that need it."""
    if update and force:
        raise SettingsError(
            "it replaces the project, while --update keeps your changes",
            where="--force",
            fix="Give only one of the two.",
        )
    for option, given in (("--dry-run", dry_run), ("--base", base is not None)):
        if given and not update:
            raise SettingsError(
                "it can only be used with --update", where=option, fix="Add --update."
            )


def demand_merged(update: ProjectUpdate | None) -> None:
    """Raises `OutputError` when the user has to resolve conflicts."""
    if update is not None and update.conflicts:
        names = [file.name for file in update.conflicts]
        would = "there would be" if update.dry_run else "there are"
        raise OutputError(
            f"{would} conflicts between your changes and packager's: {first_of(names, _SHOWN)}",
            where=update.folder,
            fix="Commit or copy the project first; after the update, look at each of them."
            if update.dry_run
            else "Nothing of yours is lost: look at each of them, and then build the app.",
        )


def _demand_project(out: Path) -> None:
    if not out.is_dir():
        raise OutputError(
            "there is no project to update",
            where=out,
            fix="Give the project's folder as --out, or leave out --update to generate a new one.",
        )


def _answer(given: str | None, remembered: str | None) -> str | None:
    return remembered if given is None else given or None


def _sample_photos(out: Path, base: Base) -> tuple[Sequence[Path], Collection[str]]:
    """The benchmark's photos, to be reused; or, when the user changed one, the names of all
    that packager wrote there, which it leaves alone from then on."""
    ours = sorted(name for name in base.names if name.startswith(_SAMPLES))
    photos = [name for name in ours if name in base.digests]
    content = {name: current(out, name) for name in photos}
    if all(found and digest_of(found) == base.digests[name] for name, found in content.items()):
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
