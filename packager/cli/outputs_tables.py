"""Tables of `android` and `report`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from packager.cli.tables import new_table, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from packager.android.project import AndroidProject
    from packager.report.page import Report


def android(project: AndroidProject) -> Iterable[RenderableType]:
    """What it is called, and how to see it run."""
    table = new_table("app", "id", "package", "labels>", "files>")
    table.add_row(
        plain(project.app_name), project.app_id, project.package, str(len(project.labels)),
        str(project.files),
    )  # fmt: skip
    yield table
    yield plain(f"Open {project.folder} in Android Studio, or run ./gradlew installDebug there.")


def report(result: Report) -> Iterable[RenderableType]:
    """Where the page is, and its figures."""
    yield plain(f"{result.page}")
    for plot in result.plots:
        yield plain(f"{plot}")
