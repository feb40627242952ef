"""The app in a build's folder that is replaced: its user's edits are kept, and it is updated."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from packager.android.settings import AppSettings
from packager.build.settings import BuildSettings, out_folder
from packager.out_folder import ANDROID_FOLDER, Reserved, reserved

if TYPE_CHECKING:
    from packager.android.update import ProjectUpdate

_WAY = "Add --update-app: it keeps your changes to the app, and adds the new model."


@contextlib.contextmanager
def reserved_build(settings: BuildSettings) -> Iterator[Reserved]:
    """Holds the build's folder; with `output.update_app` an app in it is kept.

    Raises `OutputError` as `packager.out_folder.reserved`, and what
    `packager.android.update.remembered` raises of the app.
    """
    from packager.android.update import remembered

    out = out_folder(settings)
    app = out / ANDROID_FOLDER
    kept = (ANDROID_FOLDER,) if settings.output.update_app and app.is_dir() else ()
    ways = {ANDROID_FOLDER: _WAY} if settings.app.android else {}
    with reserved(out, force=settings.output.force, kept=kept, ways=ways) as place:
        if kept:
            remembered(app, package=settings.app.package)
        yield place


def bring_app(
    place: Reserved, fresh: Path, model: Path, settings: AppSettings
) -> ProjectUpdate | None:
    """Replaces the app in `fresh` by the user's, updated to `model`; None without one.

    Raises as `packager.android.update.update_project`.
    """
    from packager.android.update import keep_project

    if ANDROID_FOLDER not in place.kept:
        return None
    return keep_project(
        place.out / ANDROID_FOLDER, fresh / ANDROID_FOLDER, model,
        package=settings.package, app_id=settings.id, app_name=settings.name,
    )  # fmt: skip
