"""The pictures in the docs, drawn anew.

    python -m tests.docs.pictures PHOTOS

builds from a folder of photos and puts into docs/ what a person then sees: the terminal (run.svg),
the report, and the page in a browser. Chromium and its driver are needed, and npm's address for
LiteRT.js. Pictures of the app come from `python -m tests.android.pictures`.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from packager.web.site import generate_page
from tests.conftest import PHOTOS, ROOT
from tests.docs.folder import inside
from tests.web.browser import driven, opened

DOCS = ROOT / "docs"
BUILD = ("build", "--data", "photos", "--out", "dist/flowers")
_COLUMNS = 110
_WIDE, _LONG, _PHONE = (1100, 860), (1100, 1160), (390, 1050)


def main(photos: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "photos").symlink_to(photos.resolve())
        with inside(folder):
            (DOCS / "run.svg").write_text(terminal(BUILD), encoding="utf-8")
        draw_report(folder / "dist/flowers/report.html", DOCS)
        draw_web_page(folder, DOCS)


def terminal(arguments: Sequence[str]) -> str:
    """A run of packager as SVG: what stands on the terminal at its end."""
    from rich.console import Console
    from rich.terminal_theme import MONOKAI
    from rich.text import Text

    said = _on_a_terminal([sys.executable, "-m", "packager", *arguments])
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ packager {' '.join(arguments)}", style="bold"))
    console.print(Text.from_ansi(on_screen(said)))
    svg = console.export_svg(title="packager", theme=MONOKAI, unique_id="run")
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # of another host
    return re.sub(r"Fira Code(?=, monospace)", "ui-monospace, Menlo, Consolas", svg)


def on_screen(said: str) -> str:
    """The lines that are left after all going up and erasing, with their colours."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|\n|[^\x1b\r\n]+", said):
        up = re.fullmatch(r"\x1b\[(\d*)A", part)
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif up:
            row -= int(up[1] or 1)
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part.endswith("m") or not part.startswith("\x1b"):
            lines[row] += part
    return "\n".join(lines).rstrip()


def _on_a_terminal(command: Sequence[str]) -> str:
    """What the command writes to a terminal of `_COLUMNS` columns."""
    import pty  # not on Windows

    told = {"COLUMNS": str(_COLUMNS), "LINES": "60", "TERM": "xterm-256color"}
    said = b""
    screen, terminal_end = pty.openpty()
    with subprocess.Popen(
        command, stdout=terminal_end, stderr=terminal_end, env={**os.environ, **told}
    ) as running:
        os.close(terminal_end)
        with contextlib.suppress(OSError):  # how Linux tells the end
            while part := os.read(screen, 65536):
                said += part
    os.close(screen)
    if running.returncode:
        raise SystemExit(said.decode())
    return said.decode()


def draw_report(report: Path, out: Path) -> None:
    """The top of the report, in light and dark."""
    with driven(out, "--hide-scrollbars") as driver:
        driver.get(report.resolve().as_uri())
        for scheme in ("light", "dark"):
            _set(driver, _LONG, scheme)
            _save(driver, out / f"report-{scheme}.webp")


def draw_web_page(folder: Path, out: Path) -> None:
    """One photo, a table of forty, and a phone's camera at night: photos whose licences we have."""
    photos = {
        label.name: sorted(each for each in label.iterdir() if each.suffix == ".jpg")
        for label in sorted(PHOTOS.iterdir())
        if label.is_dir()
    }
    model, site = folder / "dist/flowers/model.tflite", folder / "page"
    generate_page(model, site, photos=[some[0] for some in photos.values()], bundle=True)
    with opened(site, folder, "--hide-scrollbars") as page:
        _set(page.driver, _WIDE, "light")
        page.give([photos["tulips"][1]])
        page.until(lambda: page.text("verdict") != "")
        _save(page.driver, out / "web-page.webp")
        page.load()
        page.give([PHOTOS], "folder")
        page.until(lambda: page.text("state").startswith("40 photos"))
        page.script("document.getElementById('rows').closest('section').scrollIntoView()")
        _save(page.driver, out / "web-table.webp")
    frame, film = io.BytesIO(), folder / "film.mjpeg"
    Image.open(photos["dandelion"][0]).convert("RGB").resize((640, 480)).save(frame, "JPEG")
    film.write_bytes(frame.getvalue() * 3)
    flags = (
        "--hide-scrollbars",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    with opened(site, folder, *flags) as page:
        _set(page.driver, _PHONE, "dark")
        page.click("camera")
        page.until(lambda: "%" in page.text("verdict"))
        _save(page.driver, out / "web-phone.webp")


def _set(driver: Any, size: tuple[int, int], scheme: str) -> None:
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def _save(driver: Any, place: Path) -> None:
    with Image.open(io.BytesIO(driver.get_screenshot_as_png())) as picture:
        picture.convert("RGB").save(place, quality=80, method=6)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
