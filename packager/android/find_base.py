"""The base that a project's changes are compared with, and the package of its code."""

from __future__ import annotations

import os
from pathlib import Path

from packager.android.base import Answers, Base, base_of, read_base
from packager.android.names import project_names
from packager.errors import OutputError, SettingsError
from packager.written import BASE_FILE, OF_GRADLE, recorded

_SPEC = "app/src/main/assets/model_spec.json"


def find_base(
    out: Path,
    folder: Path | None = None,
    *,
    package: str | None = None,
    app_id: str | None = None,
    app_name: str | None = None,
) -> Base:
    """The base of the project in `out`: the one in it, or that of another `folder`.

    Args:
        folder: with the project as packager made it, of whatever version.
        package: of the code, where the user has moved it; for a folder without a base in it, the
            one that it was made with, as are `app_id` and `app_name`.

    Raises:
        OutputError: there is none. RecordError: it is damaged.
        SettingsError: `package` isn't that of the code, or a name is missing.
    """
    found = read_base(folder or out)
    if found is None and folder is not None:
        found = _bare_base(folder, package=package, app_id=app_id, app_name=app_name)
    if found is None:
        raise OutputError(
            f"the project doesn't hold what packager wrote into it ({BASE_FILE}), so your changes "
            "can't be distinguished from packager's: an older packager generated it, or the file "
            "was deleted",
            where=out,
            fix="Run packager android --update with --base, a folder with the project as packager "
            "made it, such as its first commit. If you changed nothing, --force replaces it.",
        )
    return _with_package(out, found, package)


def _bare_base(
    folder: Path, *, package: str | None, app_id: str | None, app_name: str | None
) -> Base:
    if not (folder / _SPEC).is_file():
        raise OutputError(
            f"the folder is not a project that packager generated: it has no {_SPEC}",
            where=folder,
            fix="Give --base a folder with the project as packager made it.",
        )
    if package is None or app_id is None or app_name is None:
        raise SettingsError(
            "the older packager that generated it stored no names",
            where="--base",
            fix="Also give --package, --app-id and --app-name, as they are in that folder.",
        )
    given = project_names("", package=package, app_id=app_id, app_name=app_name)
    names = recorded(folder) or _files(folder)
    return base_of(folder, Answers(given.package, given.app_id, given.app_name), names)


def _files(folder: Path) -> set[str]:
    """All but what Git and Gradle have put there: the first packagers left no record."""
    names = set()
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in OF_GRADLE and name != ".git"]
        names |= {Path(root, name).relative_to(folder).as_posix() for name in files}
    return names - {".git", "local.properties"}


def _with_package(out: Path, base: Base, package: str | None) -> Base:
    """The base as if it had been made with that package, to which the user has moved the code."""
    old = base.answers.package
    places = {name for name in base.names if f"/{_path(old)}/" in name}
    there = {name for name in places if (out / name).exists()}
    if package in (None, old):
        if places and not there:
            raise OutputError(
                f"no Kotlin file is where packager wrote it, in {_path(old)}",
                where=out,
                fix="If you moved them to another package, give it: --package.",
            )
        return base
    assert package is not None
    moved = base.moved(package)
    if there or not any((out / name).exists() for name in moved.names - base.names):
        raise SettingsError(
            f"the project's code is in {old}, and an update doesn't move it to {package}",
            where="--package",
            fix="Leave it out, or first rename the package in all modules in Android Studio.",
        )
    return moved


def _path(package: str) -> str:
    return package.replace(".", "/")
