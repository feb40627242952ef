"""Faults and shortcuts, which are told by the photos' looks alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from packager.audit.faults import counted, faulty_photos
from packager.audit.shortcuts import class_notes
from packager.data.folder import Photo, PhotoFolder
from packager.data.look import Look

GOOD = Look(640, 480, "JPEG", 0.2, 110, 220, 0.01, b"")


def folder(*classes: Sequence[Look]) -> PhotoFolder:
    photos, looks = [], {}
    for label, own in enumerate(classes):
        for number, look in enumerate(own):
            sha = f"{label}-{number}"
            photos.append(Photo(Path(f"/photos/{'abc'[label]}/{number}.jpg"), label, sha))
            looks[sha] = look
    names = tuple("abc"[: len(classes)])
    return PhotoFolder(Path("/photos"), names, tuple(photos), (), 0, (), (), False, looks)


@pytest.mark.parametrize(
    ("bad", "worse", "problem"),
    [
        (replace(GOOD, blur=0.5), replace(GOOD, blur=0.7), "blurred"),
        (replace(GOOD, bright=70), replace(GOOD, bright=0), "dark"),
        (replace(GOOD, white=0.5), replace(GOOD, white=1), "blown out"),
        (replace(GOOD, width=90), replace(GOOD, width=30, height=20), "tiny"),
        (replace(GOOD, width=2000), replace(GOOD, height=8000), "odd shape"),
    ],
)
def test_faults_are_named_the_worst_first(bad: Look, worse: Look, problem: str) -> None:
    found = faulty_photos(folder([GOOD] * 5 + [bad], [worse, *[GOOD] * 5]))
    assert [(each.problem, each.path, each.label) for each in found if each.problem == problem] == [
        (problem, "b/0.jpg", "b"),
        (problem, "a/5.jpg", "a"),
    ]
    assert all(0.5 < each.score <= 1 for each in found)
    assert not faulty_photos(folder([bad] * 4 + [GOOD] * 2, [GOOD] * 6))  # the class is so
    assert counted(found)[problem] == 2


def test_photos_without_looks_have_no_faults() -> None:
    made = replace(folder([GOOD], [GOOD]), looks={})
    assert faulty_photos(made) == class_notes(made) == []


def test_size_shape_and_format_that_give_a_class_away() -> None:
    usual = [replace(GOOD, width=600 + 7 * n, height=400 + 5 * n) for n in range(20)]
    assert class_notes(folder(usual, usual, usual)) == []
    small = [replace(look, width=look.width // 3, height=look.height // 3) for look in usual]
    [note] = class_notes(folder(small, usual, usual))
    assert note.label == "a"
    assert note.share == 1
    assert note.what == ("its photos' shorter side is 149 pixels, the others' 448 (medians)")
    upright = [replace(look, width=look.height, height=look.width) for look in usual]
    assert [note.label for note in class_notes(folder(usual, upright, usual))] == ["b"]
    png = [replace(look, kind="PNG") for look in usual]
    [note] = class_notes(folder(usual, usual, png))
    assert (note.label, note.what) == (
        "c",
        "100 % of its photos are PNG, of the others' 0 %",
    )
    assert class_notes(folder(small[:5], usual)) == []  # too few to say
