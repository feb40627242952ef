from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from packager import __version__
from packager.android.base import Answers, Base
from packager.android.changes import BESIDE, NewFile, demand_resolved, plan_changes
from packager.errors import OutputError
from packager.in_place import change_files, digest_of

ANSWERS = Answers("org.example.garden", "org.example.garden", "Garden")
TEXT = "".join(f"line {number}\n" for number in range(1, 10)).encode()
PICTURE = b"\x89PNG\0old"
Files = dict[str, bytes]


def base_of(content: Files) -> Base:
    texts = {name: text for name, text in content.items() if b"\0" not in text}
    digests = {name: digest_of(data) for name, data in content.items() if b"\0" in data}
    return Base("0.1", ANSWERS, texts, digests)


def update(
    folder: Path, old: Files, yours: Files, new: Files, together: Iterable[str] = ()
) -> tuple[dict[str, str], Files]:
    """What is said of each file, and what the folder holds then; it holds `yours` before."""
    for name, content in yours.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    fresh = {name: NewFile(content) for name, content in new.items()}
    updates, changes = plan_changes(folder, base_of(old), fresh, frozenset(together))
    change_files(folder, changes)
    left = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {each.name: each.outcome for each in updates}, left


def one(folder: Path, old: bytes | None, yours: bytes | None, new: bytes | None):
    versions = ({} if each is None else {"a/b.kt": each} for each in (old, yours, new))
    said, left = update(folder, *versions)
    return said.get("a/b.kt"), left.get("a/b.kt"), left.get(f"a/b.kt{BESIDE}")


EDITED = TEXT.replace(b"line 2", b"mine")
NEWER = TEXT.replace(b"line 7", b"new")
BOTH = NEWER.replace(b"line 2", b"mine")
CLASHING = TEXT.replace(b"line 2", b"new")
CRLF = TEXT.replace(b"\n", b"\r\n")
UTF16 = EDITED.decode().encode("utf-16")


@pytest.mark.parametrize(
    ("old", "yours", "new", "outcome", "left"),
    [
        (TEXT, TEXT, TEXT, None, TEXT),
        (TEXT, TEXT, NEWER, "replaced", NEWER),
        (TEXT, CRLF, NEWER, "replaced", NEWER.replace(b"\n", b"\r\n")),
        (TEXT, CRLF, TEXT, None, CRLF),
        (TEXT, NEWER, NEWER, None, NEWER),
        (TEXT, EDITED, TEXT, "kept", EDITED),
        (TEXT, EDITED, NEWER, "merged", BOTH),
        (TEXT, UTF16, TEXT, "kept", UTF16),
        (TEXT, None, TEXT, None, None),
        (TEXT, None, NEWER, "deleted", None),
        (TEXT, TEXT, None, "removed", None),
        (TEXT, EDITED, None, "dropped", EDITED),
        (TEXT, None, None, None, None),
        (None, None, NEWER, "added", NEWER),
        (None, NEWER, NEWER, None, NEWER),
        (None, EDITED, None, None, EDITED),
        (PICTURE, PICTURE, PICTURE + b"2", "replaced", PICTURE + b"2"),
        (PICTURE, b"mine", PICTURE, "kept", b"mine"),
        (PICTURE, PICTURE + b"2", PICTURE + b"2", None, PICTURE + b"2"),
    ],
)
def test_takes_what_both_did(
    old: bytes | None, yours: bytes | None, new: bytes | None, outcome: str | None,
    left: bytes | None, tmp_path: Path,
) -> None:  # fmt: skip
    assert one(tmp_path, old, yours, new) == (outcome, left, None)


def test_marks_a_conflict_in_a_text(tmp_path: Path) -> None:
    mark = f"<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> packager {__version__}".encode()
    assert one(tmp_path, TEXT, EDITED, CLASHING) == (
        "conflict", TEXT.replace(b"line 2", mark), None,
    )  # fmt: skip
    with pytest.raises(OutputError, match=r"unresolved: a/b\.kt\. .*run this again"):
        demand_resolved(tmp_path, base_of({"a/b.kt": CLASHING}))
    (tmp_path / "a/b.kt").write_bytes(EDITED)
    demand_resolved(tmp_path, base_of({"a/b.kt": CLASHING}))


def test_a_file_of_the_same_name_that_the_user_added_is_kept(tmp_path: Path) -> None:
    outcome, content, _ = one(tmp_path, None, b"mine\n", b"new\n")
    assert outcome == "conflict"
    assert content is not None
    assert b"\nmine\n=" in content
    assert b"=\nnew\n>" in content


@pytest.mark.parametrize(
    ("old", "yours", "new"),
    [
        (PICTURE, PICTURE + b"mine", PICTURE + b"new"),
        (TEXT, UTF16, NEWER),
        (TEXT, EDITED, b"now with a zero\0"),
        (None, PICTURE, PICTURE + b"new"),
    ],
)
def test_what_has_no_lines_lies_beside(
    old: bytes | None, yours: bytes, new: bytes, tmp_path: Path
) -> None:
    assert one(tmp_path, old, yours, new) == ("beside", yours, new)
    with pytest.raises(OutputError, match=r"unresolved: a/b\.kt\.packager-new"):
        demand_resolved(tmp_path, base_of({"a/b.kt": new}))


MODEL = {"model": b"1\0", "spec": b"sha 1\nrule\n", "labels": b"a\nb\n"}
NEW_MODEL = {"model": b"2\0", "spec": b"sha 2\nrule\n", "labels": b"a\nb\n"}


@pytest.mark.parametrize("edit", [{"model": b"9\0"}, {"labels": b"a\nB\n"}])
def test_files_that_fit_one_another_are_never_mixed(edit: Files, tmp_path: Path) -> None:
    said, left = update(tmp_path, MODEL, {**MODEL, **edit}, NEW_MODEL, MODEL)
    expected = {name for name in MODEL if NEW_MODEL[name] != {**MODEL, **edit}[name]}
    assert said == dict.fromkeys(expected, "beside")
    assert left == {
        **MODEL, **edit, **{f"{name}{BESIDE}": NEW_MODEL[name] for name in expected},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("yours", "new"),
    [(MODEL, NEW_MODEL), (NEW_MODEL, NEW_MODEL), ({**MODEL, "model": b"9\0"}, MODEL)],
    ids=["as they were", "put there already", "packager's did not change"],
)
def test_files_that_fit_one_another_are_no_conflict(
    yours: Files, new: Files, tmp_path: Path
) -> None:
    said, left = update(tmp_path, MODEL, yours, new, MODEL)
    assert "beside" not in said.values()
    assert left == (yours if new == MODEL else new)


def test_folders_that_become_empty_go(tmp_path: Path) -> None:
    update(tmp_path, {"a/b/c.kt": TEXT, "a/d.kt": TEXT}, {"a/b/c.kt": TEXT}, {})
    assert not (tmp_path / "a").exists()
    update(tmp_path, {"a/b/c.kt": TEXT}, {"a/b/c.kt": TEXT, "a/mine": b""}, {})
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["mine"]


@pytest.mark.parametrize("kind", ["link", "link above", "folder", "file above"])
def test_writes_through_nothing_that_leads_elsewhere(kind: str, tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "project"
    elsewhere.mkdir()
    (elsewhere / "b.kt").write_bytes(TEXT)
    (folder / "a").mkdir(parents=True)
    if kind == "link":
        (folder / "a" / "b.kt").symlink_to(elsewhere / "b.kt")
    elif kind == "folder":
        (folder / "a" / "b.kt").mkdir()
    else:
        (folder / "a").rmdir()
        (folder / "a").symlink_to(elsewhere) if kind == "link above" else (folder / "a").write_text(
            "mine"
        )
    with pytest.raises(OutputError, match=r"a( is|/b\.kt)?.*(a link|no file|no folder)"):
        plan_changes(folder, base_of({"a/b.kt": TEXT}), {"a/b.kt": NewFile(NEWER)}, frozenset())
    assert (elsewhere / "b.kt").read_bytes() == TEXT
