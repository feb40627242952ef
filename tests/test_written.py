from __future__ import annotations

import os
from pathlib import Path

import pytest

from packager.errors import OutputError
from packager.written import demand_ours, demand_unchanged, has_record, record_all, record_more


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder as packager leaves it, with a Gradle project inside."""
    folder = tmp_path / "out"
    for name in ("model.tflite", "android/build.gradle.kts", "android/app/build.gradle.kts",
                 "android/app/src/A.kt"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    record_all(folder)
    return folder


def add(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("mine")


def test_what_packager_wrote_is_ours_and_so_is_what_is_gone(made: Path) -> None:
    demand_ours(made)
    (made / "android" / "app" / "src" / "A.kt").unlink()
    demand_ours(made)


def test_an_empty_folder_of_ours_stays_ours_while_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "a.txt").write_text("ours")
    record_all(tmp_path)
    demand_ours(tmp_path)
    add(tmp_path, "assets/mine.txt")
    with pytest.raises(OutputError, match=r"assets/mine\.txt"):
        demand_ours(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "android/build/reports/a.html", "android/app/build/a.apk", "android/.gradle/8.14/x",
        "android/.kotlin/x", "android/app/.cxx/x",
    ],
)  # fmt: skip
def test_what_gradle_left_is_passed_over(name: str, made: Path) -> None:
    add(made, name)
    demand_ours(made)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("notes.txt", "notes.txt"),
        ("plots/my-own.png", "plots/"),
        ("android/local.properties", "android/local.properties"),
        ("android/app/src/build/B.kt", "android/app/src/build/"),
        ("build/a.kt", "build/"),
        (".git/HEAD", ".git/"),
        ("android/.git/HEAD", "android/.git/"),
        ("android/app/empty/", "android/app/empty/"),
        (".hidden", ".hidden"),
    ],
)
def test_what_somebody_put_there_is_named(name: str, told: str, made: Path) -> None:
    (made / name).mkdir(parents=True) if name.endswith("/") else add(made, name)
    with pytest.raises(OutputError) as caught:
        demand_ours(made)
    assert f"did not write: {told}" in caught.value.what


@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder"])
def test_what_is_no_file_is_never_ours(kind: str, made: Path) -> None:
    place = made / "model.tflite"
    place.rename(made.parent / "elsewhere")
    if kind == "symlink":
        place.symlink_to(made.parent / "elsewhere")
    elif kind == "fifo":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(OutputError, match=r"did not write: model\.tflite"):
        demand_ours(made)


def test_changed_files_are_named_the_first_of_many(made: Path) -> None:
    (made / "model.tflite").write_text("relabelled")
    with pytest.raises(OutputError, match=r"changed since .* them: model\.tflite\."):
        demand_ours(made)
    for number in range(8):
        add(made, f"{number}.txt")
    with pytest.raises(OutputError, match=r"4\.txt and 3 more; and files .*: model\.tflite"):
        demand_ours(made)


@pytest.mark.parametrize("record", [None, "", "[]", '{"format": 2, "files": {}}', "[" * 100_000])
def test_without_a_record_nothing_is_ours(record: str | None, made: Path) -> None:
    (made / ".packager.json").unlink()
    if record is not None:
        (made / ".packager.json").write_text(record)
    assert not has_record(made)
    with pytest.raises(OutputError, match=r"android/, model\.tflite \(it has no record"):
        demand_ours(made)


def test_later_files_join_the_record(made: Path) -> None:
    add(made, "report.html")
    record_more(made, [made / "report.html"])
    demand_ours(made)
    (made / "report.html").write_text("by hand")
    with pytest.raises(OutputError, match=r"them: report\.html"):
        demand_ours(made)


def test_a_file_is_written_anew_only_as_it_was(made: Path) -> None:
    paths = [made / "model.tflite", made / "plots" / "loss.png"]
    demand_unchanged(made, paths)
    add(made, "plots/loss.png")
    with pytest.raises(OutputError, match=r"changed since: plots/loss\.png\."):
        demand_unchanged(made, paths)
    (made / ".packager.json").unlink()
    demand_unchanged(made, paths)
