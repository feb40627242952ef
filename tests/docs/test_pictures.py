"""Pictures in the docs, and how the terminal's is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.docs.pages import PAGES, links
from tests.docs.pictures import draw_report, on_screen, terminal


def test_every_picture_is_shown_by_a_page() -> None:
    shown = {link.rpartition("/")[2] for page in PAGES for link in links(page)}
    pictures = [path for kind in ("svg", "webp") for path in (ROOT / "docs").glob(f"*.{kind}")]
    assert pictures
    assert not [path.name for path in pictures if path.name not in shown]


def test_pictures_load_nothing() -> None:
    for picture in (ROOT / "docs").glob("*.svg"):
        assert "url(http" not in picture.read_text("utf-8")


def test_the_screen_has_what_was_written_last() -> None:
    bars = "one 1/2\r\ntwo 0/2\r\x1b[2K\x1b[1A\x1b[2Kone 2/2\r\n\x1b[32mtwo\x1b[0m 1/2\n"
    assert on_screen(bars + "done\n") == "one 2/2\n\x1b[32mtwo\x1b[0m 1/2\ndone"


@pytest.mark.slow
def test_a_terminal_is_drawn() -> None:
    picture = terminal(["specs"])
    assert picture.startswith("<svg")
    assert "lite0" in picture
    assert "@font-face" not in picture


@pytest.mark.slow
def test_a_report_is_drawn_in_light_and_dark(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    dark = "@media (prefers-color-scheme: dark) { html { background: black } }"
    report.write_text(f"<style>html {{ background: white }} {dark}</style>")
    draw_report(report, tmp_path)
    colours = [
        Image.open(tmp_path / f"report-{scheme}.webp").getpixel((50, 50))
        for scheme in ("light", "dark")
    ]
    assert colours == [(255, 255, 255), (0, 0, 0)]
