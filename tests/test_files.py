from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from packager import files
from packager.errors import OutputError


def anything(_: Path) -> None:
    """Every older folder may be replaced."""


def test_written_file_is_there_with_usual_permissions(tmp_path: Path) -> None:
    files.write_text(tmp_path / "deep" / "a.txt", "één\n")
    assert (tmp_path / "deep" / "a.txt").read_bytes() == "één\n".encode()
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "deep" / "a.txt").stat().st_mode == plain.stat().st_mode


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    files.write_text(target, "old")
    with pytest.raises(TypeError):
        files.write_bytes(target, "not bytes")  # type: ignore[arg-type]
    assert target.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_unfinished_files_of_the_dead_are_cleared_and_no_others(tmp_path: Path) -> None:
    (tmp_path / ".a.txt.0123abcd.tmp").write_text("half")
    (tmp_path / ".mine.tmp").write_text("mine")
    program = textwrap.dedent(
        f"""
        import sys, time
        from pathlib import Path
        from packager import files
        with files._unfinished(Path({str(tmp_path)!r}), "b.txt") as (file, name):
            print(name, flush=True)
            sys.stdin.read()
        """
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    living = Path(child.stdout.readline().decode().strip())
    files.clear_dead_files(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {living.name, ".mine.tmp"}
    child.kill()
    child.communicate()
    files.clear_dead_files(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {".mine.tmp"}


def test_what_came_meanwhile_is_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with (
        pytest.raises(OutputError, match="created by something else meanwhile"),
        files.new_folder(target) as fresh,
    ):
        (fresh / "new").write_text("new")
        target.mkdir()
        (target / "mine").write_text("mine")
    assert [entry.name for entry in target.iterdir()] == ["mine"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("exchange", [True, False])
def test_what_must_not_be_lost_is_looked_for_before_and_after_the_swap(
    exchange: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchange:
        monkeypatch.setattr(files, "_exchange", lambda *_: False)
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").write_text("old")

    def refuse(folder: Path) -> None:
        if folder != target:  # a file that came in the moment of the swap
            raise OutputError("not ours", where=folder, fix="")

    with (
        pytest.raises(OutputError, match="not ours"),
        files.new_folder(target, replaceable=refuse) as fresh,
    ):
        (fresh / "new").write_text("new")
    assert [entry.name for entry in target.iterdir()] == ["old"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_what_a_kill_left_aside_is_put_back(tmp_path: Path) -> None:
    target, aside = tmp_path / "out", tmp_path / ".out.old.tmp"
    aside.mkdir()
    (aside / "only").write_text("copy")
    (tmp_path / ".out.0123abcd.tmp").mkdir()
    (tmp_path / ".out.b.0123abcd.tmp").mkdir()  # of another folder, `out.b`
    with files.held(target):
        assert (target / "only").read_text() == "copy"
        assert {entry.name for entry in tmp_path.iterdir()} == {
            "out", ".out.lock", ".out.b.0123abcd.tmp",
        }  # fmt: skip
    aside.mkdir()
    (aside / "only").write_text("another")
    with pytest.raises(OutputError, match="interrupted run left"), files.held(target):
        pass
    assert (aside / "only").read_text() == "another"


def test_a_folder_is_made_by_one_process_at_a_time(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    with files.held(target):
        with pytest.raises(OutputError, match="another run of packager"), files.held(target):
            pass
        with files.held(tmp_path / "deep" / "other"):
            pass
    with files.held(target):
        pass
    assert list(tmp_path.iterdir()) == []  # nor are folders left that nothing came into


def test_new_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for name in ("first", "second"):
        with files.new_folder(target, replaceable=anything) as fresh:
            (fresh / name).write_text(name)
    assert [entry.name for entry in target.iterdir()] == ["second"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_new_folder_without_exchange_replaces_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_exchange", lambda *_: False)
    test_new_folder_replaces_the_old_one_whole(tmp_path)


def test_exception_leaves_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with files.new_folder(target, replaceable=anything) as fresh:
        (fresh / "kept").write_text("kept")
    with pytest.raises(KeyboardInterrupt), files.new_folder(target, replaceable=anything) as fresh:
        (fresh / "half").write_text("half")
        raise KeyboardInterrupt
    assert [entry.name for entry in target.iterdir()] == ["kept"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_file_in_the_way_is_an_error_and_stays(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("a file")
    with (
        pytest.raises(OSError, match="out"),
        files.new_folder(target, replaceable=anything) as fresh,
    ):
        (fresh / "new").write_text("new")
    assert target.read_text() == "a file"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_at_any_moment_the_folder_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    program = textwrap.dedent(
        f"""
        from pathlib import Path
        from packager import files
        number = 0
        while True:
            with files.new_folder(Path({str(target)!r}), replaceable=lambda _: None) as fresh:
                for name in "abcd":
                    (fresh / name).write_text(str(number))
            number += 1
            if number == 1:
                print("begun", flush=True)
        """
    )
    for attempt in range(12):
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.003 * attempt)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        contents = {name: (target / name).read_text() for name in "abcd"}
        assert len(set(contents.values())) == 1


def test_temporary_folders_of_the_dead_are_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "packager-run-0123abcd.tmp").mkdir()
    (tmp_path / "packager-run-0123abcd.tmp" / "model").write_text("large")
    with files.temporary_folder() as one, files.temporary_folder() as other:
        assert {path.name for path in tmp_path.iterdir()} == {one.name, other.name}
    assert list(tmp_path.iterdir()) == []


def test_no_place_for_temporary_files_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with (
        pytest.raises(OutputError, match="no writable folder for temporary files"),
        files.temporary_folder(),
    ):
        pass
    with pytest.raises(OutputError, match="no writable folder for temporary files"):
        files.temporary_file()
