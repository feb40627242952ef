"""The site builds: every link and anchor leads somewhere, every page is in the navigation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs.conftest import Count

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `mkdocs build --strict` makes."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_it_builds_strictly(site: Path, count: Count) -> None:
    pages = {path.parent.relative_to(site).as_posix() for path in site.rglob("index.html")}
    count("pages of the site", len(pages))
    for page in (ROOT / "docs").glob("*.md"):
        assert (page.stem if page.stem != "index" else ".") in pages
    assert {"commands", "reference/build", "reference/errors"} <= pages
    assert not list(site.rglob("*.py"))


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        loaded = [
            value or each
            for tag in re.findall(r"<(?:script|img|source|iframe|link)\b[^>]*>", text)
            if not re.search(r"rel=\W?(canonical|next|prev)", tag)
            for value, each in re.findall(r"\s(?:src|srcset|href)=(?:\"([^\"]*)\"|([^\s>]+))", tag)
        ]
        assert loaded
        for each in loaded:
            assert (page.parent / each).exists() or page.name == "404.html", f"{page}: {each}"
        assert not [each for each in loaded if re.match(r"(https?:)?//", each)], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import )[\"']?(https?:)?//", style.read_text("utf-8")), style


def test_search_finds_options_and_functions(site: Path) -> None:
    found = (site / "search" / "search_index.json").read_text("utf-8")
    assert "--max-accuracy-drop" in found
    assert "generate_project" in found
