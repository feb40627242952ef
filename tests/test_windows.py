"""The rules of Windows for files, kept on this system while a build and a download run.

Windows neither renames nor deletes a file that is open or mapped into memory, and has no fcntl,
no preadv and no CPU affinity. What stays untested: its paths, its console, its processes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from packager import files, in_place
from packager.build import build
from packager.errors import OutputError
from packager.recipe import Recipe
from packager.recipe_file import recipe_text
from tests.settings import build_settings

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def open_files() -> set[str]:
    """Whatever this process has open, or mapped."""
    found = set()
    for handle in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(handle.readlink()))
    for line in Path("/proc/self/maps").read_text().splitlines():
        found.add(line.split(maxsplit=5)[-1])
    return found


def is_held(path: Path) -> bool:
    """Whether it is open, or a folder that something open lies in."""
    real = os.path.realpath(path)
    return any(name == real or name.startswith(f"{real}/") for name in open_files())


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Gives the operations that Windows would have refused and nobody expected to be refused."""
    refused: list[str] = []

    def strict(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def operation(*paths: Any, **how: Any) -> Any:
            folder = how.get("dir_fd")
            above = Path() if folder is None else Path(f"/proc/self/fd/{folder}").readlink()
            for each in paths[:2]:
                path = above / os.fsdecode(each)
                if path.is_relative_to(tmp_path) and not path.is_dir() and is_held(path):
                    refused.append(f"{name} {path.name}")
                    raise PermissionError(13, "it is in use", str(path))
            return real(*paths, **how)

        return operation

    for name in ("replace", "rename", "unlink", "remove"):
        monkeypatch.setattr(os, name, strict(name))
    monkeypatch.setattr(files, "_WINDOWS", True)
    monkeypatch.setattr(files, "_LOCKS", False)
    monkeypatch.setattr(files, "_exchange", lambda *_: False)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.delattr(os, "preadv")
    monkeypatch.delattr(os, "sched_getaffinity")
    return refused


def test_a_failed_write_leaves_nothing(windows: list[str], tmp_path: Path) -> None:
    files.write_text(tmp_path / "a.txt", "old")
    with pytest.raises(TypeError):
        files.write_bytes(tmp_path / "a.txt", 1)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"
    assert windows == []


def test_a_folder_is_swapped_and_its_lock_deleted(windows: list[str], tmp_path: Path) -> None:
    for content in ("old", "new"):
        with files.new_folder(tmp_path / "out", replaceable=lambda _: None) as fresh:
            (fresh / "a.txt").write_text(content)
    assert (tmp_path / "out" / "a.txt").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert windows == []


def test_a_file_that_is_read_meanwhile_is_replaced_once_it_is_closed(
    windows: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.txt"
    files.write_text(target, "old")
    reader = target.open()
    monkeypatch.setattr(files, "_pause", lambda _: reader.close())
    files.write_text(target, "new")
    assert target.read_text() == "new"
    assert windows == ["replace a.txt"]


def test_a_file_that_stays_open_is_left_as_it_was(
    windows: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(files, "_pause", waited.append)
    target = tmp_path / "a.txt"
    files.write_text(target, "old")
    with target.open(), pytest.raises(OutputError, match=r"can't be written \(it is in use"):
        files.write_output(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert 0.5 < sum(waited) < 5


def test_a_recipe_names_a_path_on_another_drive_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def relpath(path: str, start: str) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", relpath)
    monkeypatch.chdir(tmp_path)
    text = recipe_text(Recipe(build_settings(data=Path("photos"))), tmp_path / "kept")
    assert f'data = "{tmp_path / "photos"}"' in text


def test_files_are_changed_in_place(windows: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    in_place.change_files(tmp_path, [
        in_place.Change("a.txt", b"old", b"new"), in_place.Change("b.txt", None, b"b")
    ])  # fmt: skip
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.txt": "new", "b.txt": "b"
    }  # fmt: skip
    assert windows == []


@pytest.mark.slow
def test_a_build_and_the_same_again(
    windows: list[str], tmp_path: Path, photos: Path, cache: Path
) -> None:
    for force in (False, True):
        build(build_settings(data=photos, out=tmp_path / "out", epochs=3, force=force, web=True))
    assert windows == []
