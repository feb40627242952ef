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


def test_new_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for name in ("first", "second"):
        with files.new_folder(target) as fresh:
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
    with files.new_folder(target) as fresh:
        (fresh / "kept").write_text("kept")
    with pytest.raises(KeyboardInterrupt), files.new_folder(target) as fresh:
        (fresh / "half").write_text("half")
        raise KeyboardInterrupt
    assert [entry.name for entry in target.iterdir()] == ["kept"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_file_in_the_way_is_an_error_and_stays(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("a file")
    with pytest.raises(OSError, match="out"), files.new_folder(target) as fresh:
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
            with files.new_folder(Path({str(target)!r})) as fresh:
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
