"""The pages around the code against the code."""

from __future__ import annotations

import re

import pytest

from packager import __version__
from tests.conftest import ROOT


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_files_that_pages_name_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    linked = re.findall(r"\]\((?!https:)([^)#]+)", text)
    named = [name for name in re.findall(r"`(\.?\w[\w.-]*/[\w./-]+)`", text) if "NAME" not in name]
    assert [name for name in (*linked, *named) if not (ROOT / name).exists()] == []
    assert page != "CONTRIBUTING.md" or len(named) > 40


def test_the_citation_has_the_version_of_the_code() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
