from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from packager import in_place
from packager.errors import OutputError, RecordError
from packager.in_place import STAGE, Change, change_files, current, is_inside, put_back

CHANGES = [
    Change("a/replaced", b"old", b"new"),
    Change("a/deep/removed", b"old", None),
    Change("b/added", None, b"new"),
    Change("script", b"old", b"new", executable=True),
]
AFTER = {"a/replaced": b"new", "b/added": b"new", "script": b"new", "mine": b"mine"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for change in CHANGES:
        if change.old is not None:
            (tmp_path / change.name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / change.name).write_bytes(change.old)
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "a/replaced").chmod(0o640)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_changes_all_and_leaves_nothing_behind(folder: Path) -> None:
    change_files(folder, CHANGES)
    assert files(folder) == AFTER
    assert {path.name for path in folder.iterdir()} == {"a", "b", "script", "mine"}
    assert not (folder / "a" / "deep").exists()
    assert (folder / "a/replaced").stat().st_mode & 0o777 == 0o640
    assert os.access(folder / "script", os.X_OK)
    assert not put_back(folder)


@pytest.mark.parametrize("stop", range(len(CHANGES)))
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_on_the_way_changes_nothing(
    stop: int, error: type[BaseException], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(folder)
    carry_out = in_place._carry_out

    def failing(place: Path, stage: Path, number: int, change: Change) -> None:
        if number == stop:
            raise error
        carry_out(place, stage, number, change)

    monkeypatch.setattr(in_place, "_carry_out", failing)
    with pytest.raises(error):
        change_files(folder, CHANGES)
    assert files(folder) == before
    assert not (folder / "b").exists()
    assert not (folder / STAGE).exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from packager import in_place
from tests.test_in_place import CHANGES
folder, stop, step = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
original = getattr(in_place, step)
def killed(place, stage, number, change):
    if number == stop:
        os.kill(os.getpid(), signal.SIGKILL)
    original(place, stage, number, change)
setattr(in_place, step, killed)
in_place.change_files(folder, CHANGES)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(("step", "stop"), [("_prepare", 2), ("_carry_out", 0), ("_carry_out", 3)])
def test_a_kill_on_the_way_is_put_back(step: str, stop: int, folder: Path) -> None:
    before = files(folder)
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, folder, str(stop), step],
        cwd=Path(__file__).parents[1], check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL
    assert (folder / STAGE).is_dir()
    (folder / "mine").write_bytes(b"edited since")
    assert put_back(folder)
    assert files(folder) == {**before, "mine": b"edited since"}
    change_files(folder, CHANGES)
    assert files(folder) == {**AFTER, "mine": b"edited since"}


def interrupted(folder: Path, entries: list[dict[str, str | None]]) -> None:
    (folder / STAGE / "old").mkdir(parents=True)
    (folder / STAGE / "old" / "0").write_bytes(b"theirs")
    journal = {"format": 1, "files": entries}
    (folder / STAGE / "journal.json").write_text(json.dumps(journal))


def test_what_was_edited_since_the_kill_stays(folder: Path) -> None:
    entry = in_place._entry(Change("mine", b"old", b"new"))
    interrupted(folder, [entry])
    assert put_back(folder)
    assert files(folder)["mine"] == b"mine"


def test_a_journal_that_leads_elsewhere_is_refused(folder: Path) -> None:
    project = folder / "a"
    (folder / "mine").write_bytes(b"mine")
    interrupted(project, [in_place._entry(Change("../mine", b"theirs", b"mine"))])
    with pytest.raises(RecordError, match="leads outside of the folder"):
        put_back(project)
    assert (folder / "mine").read_bytes() == b"mine"


def test_a_link_in_place_of_the_stage_is_refused(folder: Path) -> None:
    (folder / STAGE).symlink_to(folder / "a")
    with pytest.raises(OutputError, match="not a folder of packager"):
        put_back(folder)


def test_what_was_changed_meanwhile_stops_it(folder: Path) -> None:
    (folder / "a/replaced").write_bytes(b"by an editor")
    before = files(folder)
    with pytest.raises(OutputError, match="changed while packager was running"):
        change_files(folder, CHANGES)
    assert files(folder) == before


@pytest.mark.parametrize("name", ["a", "a/b.kt", ".github/workflows/x.yml", "C"])
def test_names_inside(name: str) -> None:
    assert is_inside(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "/a", "../a", "a/../../b", "a//b", "a/", "C:/a", "C:a", "\\\\host\\a", "a\\..\\b",
     ".git/config", "a\0", "a\ud800", "a" * 256, "a/" * 600 + "a"],
)  # fmt: skip
def test_names_elsewhere(name: str) -> None:
    assert not is_inside(name)


def test_reads_no_link(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "mine")
    assert current(folder, "mine") == b"mine"
    assert current(folder, "nothing/here") is None
    with pytest.raises(OutputError, match="this is a link"):
        current(folder, "link")
