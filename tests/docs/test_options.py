"""Every command has a page, and every option is told of in a page that a person wrote.

The page of a command has the name of its first word. What the site adds to it at build time, the
help of every option, doesn't count; another page does.
"""

from __future__ import annotations

import re

import pytest

from docs.hooks import commands, page_of
from tests.conftest import ROOT
from tests.docs.conftest import Count
from tests.docs.pages import PAGES

TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)


@pytest.mark.parametrize("command", [name for name, _ in commands()])
def test_every_command_has_a_page(command: str) -> None:
    page = ROOT / "docs" / page_of(command)
    assert page.exists()
    assert f"packager {command}" in page.read_text("utf-8")


def test_every_option_is_in_a_page(count: Count) -> None:
    options = [
        (name, each)
        for name, command in commands()
        for each in command.params
        if each.param_type_name == "option" and not each.hidden
    ]
    count("options found", len(options))
    untold = [
        f"packager {name} {each.opts[0]}"
        for name, each in options
        if not any(
            re.search(rf"{re.escape(flag)}(?![\w-])", TEXT)
            for flag in [*each.opts, *each.secondary_opts]
        )
    ]
    assert not untold
