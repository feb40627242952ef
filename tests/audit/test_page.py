from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from packager.audit.findings import PROBLEMS, Finding
from packager.audit.listing import list_text, write_list
from packager.audit.page import render_page, write_page
from packager.data.source import listed_paths
from packager.errors import OutputError
from tests.audit.audits import audit
from tests.conftest import save_photo


class Text(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_each_finding_is_shown_and_escaped(tmp_path: Path) -> None:
    for number in range(2):
        save_photo(tmp_path / f"a/<b>{number}.jpg", (200, 0, 0), number)
    page = render_page(audit(tmp_path))
    seen = Text(page)
    assert "i" not in seen.tags
    assert "<b>0.jpg" not in page
    for problem in PROBLEMS:
        if problem not in ("near duplicate", "contradiction"):
            assert f"{problem} by 12" in seen.text
        assert f'id="{problem.replace(" ", "-")}"' in page
    assert page.count("data:image/jpeg;base64,") == 2 * 8 + 3
    assert page.count("not shown") == 1
    assert "a<i>: its photos are small. That alone separates 99 % of them" in seen.text
    assert "2 photos of 31" in seen.text
    assert not re.search(r"https?://", page)


def test_of_many_the_first_are_shown(tmp_path: Path) -> None:
    many = tuple(
        Finding("dark", f"a/{number}.jpg", "a", "dark", score=0.6) for number in range(500)
    )
    page = render_page(audit(tmp_path, findings=many))
    assert page.count("<figure") == 12
    assert "The first 12 of 500; the list has all." in Text(page).text


def test_nothing_found_and_too_many_photos(tmp_path: Path) -> None:
    page = Text(render_page(audit(tmp_path, findings=(), notes=(), labels_checked=False))).text
    assert "No problems were found." in page
    assert "too many photos to check labels" in page


def test_the_list_is_what_exclude_reads(tmp_path: Path) -> None:
    made = audit(tmp_path)
    write_list(made, tmp_path / "found.csv")
    text = (tmp_path / "found.csv").read_text()
    assert text == list_text(made)
    assert text.splitlines()[0] == "path,problem,label,suggested,score,group,detail"
    assert len(text.splitlines()) == 1 + len(made.findings)
    assert listed_paths(tmp_path / "found.csv") == ["a/<b>0.jpg", "a/<b>1.jpg"]
    assert "'=b&" in text  # no formula for a spreadsheet


def test_files_that_cant_be_written_are_told(tmp_path: Path) -> None:
    for write in (write_list, write_page):
        with pytest.raises(OutputError, match="can't be written"):
            write(audit(tmp_path), tmp_path)
