"""Tables of `android`, `web` and `report`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from packager.android.changes import BESIDE
from packager.cli.tables import new_table, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from packager.android.changes import FileUpdate, Outcome
    from packager.android.project import AndroidProject
    from packager.android.update import ProjectUpdate
    from packager.report.page import Report
    from packager.web.serve import Served
    from packager.web.site import WebPage


def android(project: AndroidProject) -> Iterable[RenderableType]:
    """Its names, and how to run it."""
    table = new_table("app", "id", "package", "labels>", "files>")
    table.add_row(
        plain(project.app_name), project.app_id, project.package, str(len(project.labels)),
        str(project.files),
    )  # fmt: skip
    yield table
    yield plain(f"Open {project.folder} in Android Studio, or run ./gradlew installDebug there.")


_ALONE: tuple[Outcome, ...] = ("replaced", "added", "removed")


def update(result: ProjectUpdate) -> Iterable[RenderableType]:
    """The number of updated files, and the outcome for files that the user changed."""
    yourselves = [file for file in result.files if file.outcome not in _ALONE]
    if yourselves:
        table = new_table("your changes in", "what the update does" if result.dry_run else "now")
        for file in yourselves:
            table.add_row(plain(file.name), _told(file))
        yield table
    outcomes = Counter(file.outcome for file in result.files)
    counts = ", ".join(f"{outcomes[each]} {each}" for each in _ALONE)
    if any(outcomes[each] for each in _ALONE):
        yield plain(f"{'Other files' if yourselves else 'Files'}: {counts}.")
    else:
        yield plain(f"{'All else' if yourselves else 'Everything'} is up to date.")
    if result.dry_run:
        yield plain("Nothing was written.")


def _told(file: FileUpdate) -> str:
    marked = "1 conflict is" if file.conflicts == 1 else f"{file.conflicts} conflicts are"
    return {
        "merged": "merged with packager's changes",
        "kept": "kept as it is; packager has not changed it",
        "deleted": "stays deleted; packager has changed it",
        "conflict": f"{marked} marked in it",
        "beside": f"kept; the new one is {PurePosixPath(file.name).name}{BESIDE}",
        "dropped": "kept; packager's project has no such file any more",
    }.get(file.outcome, file.outcome)


def web(page: WebPage) -> Iterable[RenderableType]:
    """The content of the folder, and how to open the page."""
    runtime = "in the folder" if page.bundled else "loaded by the browser"
    yield plain(f"{page.folder}: {page.files} files, {len(page.labels)} labels, runtime {runtime}.")
    yield plain(f"Put it on any web server, or try it here: python -m http.server -d {page.folder}")


def served(page: Served) -> Iterable[RenderableType]:
    """The address, as text and, for phones, as a QR code."""
    yield plain(page.address)
    if page.certificate:
        yield _qr_code(page.address)
        yield plain(
            "The browser warns about the certificate, since this machine made it. Continue there."
        )
        yield plain(f"Its SHA-256 is {page.certificate}.")
    yield plain("Press Ctrl-C to stop.")


def _qr_code(text: str) -> RenderableType:
    """Two rows of modules in a line of text."""
    import segno
    from rich.text import Text

    modules = [list(row) for row in segno.make(text, error="l").matrix_iter(border=4)]
    if len(modules) % 2:
        modules.append([0] * len(modules[0]))
    blocks = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
    lines = (
        "".join(blocks[int(above), int(below)] for above, below in zip(*pair, strict=True))
        for pair in zip(modules[::2], modules[1::2], strict=True)
    )
    return Text("\n".join(lines), style="black on white", no_wrap=True)


def report(result: Report) -> Iterable[RenderableType]:
    """The places of the page and its figures."""
    yield plain(f"{result.page}")
    for plot in result.plots:
        yield plain(f"{plot}")
