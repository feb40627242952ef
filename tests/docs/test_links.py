"""Links of the pages that the site hasn't, such as README.md; `mkdocs build` checks the others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pymdownx.slugs import slugify

from tests.conftest import ROOT
from tests.docs.conftest import Count
from tests.docs.pages import PAGES, links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path, count: Count) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        count("links followed", 1)
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{page.name}: {link}"
        assert target.is_relative_to(ROOT.resolve()), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def anchors(page: Path) -> set[str]:
    """Of its headings, as GitHub and the site make them."""
    slug = slugify(case="lower")
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {slug(re.sub(r"[`*]", "", each), "-") for each in re.findall(r"^#+ (.*)$", text, re.M)}
