from __future__ import annotations

import os
from pathlib import Path

import pytest

from packager import linked_copy
from packager.linked_copy import copy_linked, state_of


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "a" / "empty").mkdir(parents=True)
    (folder / "a" / "script").write_text("one")
    (folder / "a" / "script").chmod(0o755)
    (folder / "link").symlink_to("a/script")
    (folder / "dangling").symlink_to("/nowhere")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize("links", [True, False])
def test_copies_all_but_pipes(
    links: bool, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:

        def refused(*_: object) -> None:
            raise OSError("no hard links here")

        monkeypatch.setattr(linked_copy.os, "link", refused)
    target = tmp_path / "target"
    copy_linked(source, target)
    names = {path.relative_to(target).as_posix() for path in target.rglob("*")}
    assert names == {"a", "a/empty", "a/script", "link", "dangling"}
    assert os.access(target / "a" / "script", os.X_OK)
    assert (target / "link").readlink() == Path("a/script")
    (target / "new").write_text("two")
    (target / "new").replace(target / "a" / "script")
    assert (source / "a" / "script").read_text() == "one"


def test_what_somebody_does_shows_in_the_state(source: Path) -> None:
    before = state_of(source)
    copy_linked(source, source.with_name("copy"))
    assert state_of(source) == before
    (source / "a" / "script").write_text("another")
    edited = state_of(source)
    assert edited != before
    (source / "a" / "empty").rmdir()
    assert state_of(source) != edited
    assert state_of(source / "nothing") == {}
