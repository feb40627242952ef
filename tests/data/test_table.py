from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from packager.data.folder import Found
from packager.data.table import find_in_table
from packager.errors import DataError


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"photo")


def table(root: Path, text: str, name: str = "photos.csv", encoding: str = "utf-8") -> Path:
    root.mkdir(exist_ok=True, parents=True)
    (root / name).write_bytes(text.encode(encoding))
    return root / name


def told(found: Found) -> list[tuple[str, str, str | None]]:
    return [
        (p.path.relative_to(found.root).as_posix(), found.classes[p.label], p.part)
        for p in found.photos
    ]


def test_paths_and_labels(tmp_path: Path) -> None:
    make(tmp_path, "x/1.jpg", "x/2.jpg", "y 3.png")
    found = find_in_table(
        table(tmp_path, "path,label\nx/1.jpg,dog\nx/2.jpg, cat \n\ny 3.png,dog\n")
    )
    assert told(found) == [
        ("x/2.jpg", "cat", None),
        ("x/1.jpg", "dog", None),
        ("y 3.png", "dog", None),
    ]
    assert not found.presplit
    assert set(found.others) == {(None, 0), (None, 1)}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Split;Class Name;File_Name\ntrain;a;1.jpg\nTEST;b;2.jpg\nval;a;3.jpg\n", "utf-8-sig"),
        ("split\tlabel\timage\ntraining\ta\t1.jpg\ntest\tb\t2.jpg\nvalid\ta\t3.jpg\n", "utf-16"),
        ('"img","label","set"\r\n"1.jpg","a","train"\r\n2.jpg,b,test\r\n3.jpg,a,dev\r\n', "ascii"),
    ],
)  # fmt: skip
def test_columns_dividers_and_parts_as_people_write_them(
    tmp_path: Path, text: str, encoding: str
) -> None:
    make(tmp_path, "1.jpg", "2.jpg", "3.jpg")
    found = find_in_table(table(tmp_path, text, encoding=encoding))
    assert told(found) == [
        ("1.jpg", "a", "train"),
        ("3.jpg", "a", "validation"),
        ("2.jpg", "b", "test"),
    ]
    assert found.presplit


def test_layout_of_vertex_automl(tmp_path: Path, heard: Any) -> None:
    make(tmp_path / "down", "flowers/a/1.jpg", "flowers/b/1.jpg", "flowers/a/2.jpg")
    text = "TRAIN,gs://bucket/set/flowers/a/1.jpg,a\nTEST,gs://bucket/set/flowers/b/1.jpg,b\nUNASSIGNED,gs://bucket/set/flowers/a/2.jpg,a\n"
    found = find_in_table(table(tmp_path, text), tmp_path / "down", progress=heard)
    assert told(found) == [
        ("flowers/a/1.jpg", "a", "train"),
        ("flowers/a/2.jpg", "a", "train"),
        ("flowers/b/1.jpg", "b", "test"),
    ]
    assert heard.warnings == ["1 rows of the table without a part are used for training"]


def test_vertex_without_parts_and_in_a_folder_beside(tmp_path: Path) -> None:
    make(tmp_path, "other/z.txt", "set/1.jpg", "set/2.jpg")
    found = find_in_table(table(tmp_path, "gs://b/set/1.jpg,x\ngs://b/set/2.jpg,y\n"))
    assert [name for name, _, _ in told(found)] == ["set/1.jpg", "set/2.jpg"]


@pytest.mark.parametrize(
    "text",
    [
        "id,breed\n000a,boxer\n000b,pug\n",
        "image_id,boxer,pug\n000a,1,0\n000b,0,1.0\n",
    ],
)
def test_layouts_of_kaggle(tmp_path: Path, text: str) -> None:
    make(tmp_path, "train/000a.jpg", "train/000b.JPG")
    for images in (tmp_path / "train", None):
        found = find_in_table(table(tmp_path, text, "train.csv"), images)
        assert [(Path(name).name, label) for name, label, _ in told(found)] == [
            ("000a.jpg", "boxer"),
            ("000b.JPG", "pug"),
        ]


def test_rows_that_say_too_little_or_twice_the_same_are_told(tmp_path: Path, heard: Any) -> None:
    make(tmp_path, "1.jpg", "2.jpg")
    text = "path,label\n1.jpg,a\n2.jpg,b\n1.jpg,a\n,a\n2.jpg,\n"
    found = find_in_table(table(tmp_path, text), progress=heard)
    assert len(found.photos) == 2
    assert heard.warnings == [
        "2 rows of the table lack a path or a label and are left out: line 5, 6",
        "1 rows of the table repeat another",
    ]


def test_photos_elsewhere_move_the_root_up(tmp_path: Path) -> None:
    make(tmp_path, "p/1.jpg", "q/2.jpg")
    text = f"path,label\n../p/1.jpg,a\n{tmp_path}/q/2.jpg,b\n"
    found = find_in_table(table(tmp_path / "q", text))
    assert told(found) == [("p/1.jpg", "a", None), ("q/2.jpg", "b", None)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the table is empty"),
        ("path,label\n", "no row of the table has a path and a label"),
        (
            "one,two\n1.jpg,a\n",
            "no column with the photos' paths; its columns are one, two. Name the columns path",
        ),
        ("path,who\n1.jpg,a\n", "no column with the photos' labels; its columns are path, who"),
        ("path,a,b\n1.jpg,1,1\n", "no column with the photos' labels"),
        ("gs://b/1.jpg,a,b\n", "line 1 has more than a path and a label: b"),
        ("path,label\n1.jpg,a\n", "there is only one class, 'a'"),
        ("path,label\n1.jpg,a\n2.jpg,A\n", "differ only in case"),
        ('path,label\n1.jpg,"a\nb"\n2.jpg,c\n', "has a line break"),
        ("path,label,split\n1.jpg,a,train\n2.jpg,b,2\n", "unknown part '2'"),
        ("path,label,split\n1.jpg,a,test\n2.jpg,b,val\n", "no photo of the table is for training"),
        ("path,label\nno.jpg,a\nnone.jpg,b\n", "photos exists, such as no.jpg and 1 more. Give"),
    ],
)
def test_tables_that_cant_be_used(tmp_path: Path, text: str, problem: str) -> None:
    make(tmp_path, "1.jpg", "2.jpg")
    with pytest.raises(DataError) as caught:
        find_in_table(table(tmp_path, text))
    assert problem in str(caught.value)
    assert caught.value.where is not None


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read .No such file"):
        find_in_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="it is a folder"):
        find_in_table(tmp_path)
    (tmp_path / "x.csv").write_bytes(b"path,label\n\xe9.jpg,a\n")
    with pytest.raises(DataError, match="is not UTF-8 text. Save it"):
        find_in_table(tmp_path / "x.csv")
    with pytest.raises(DataError, match="there is no such folder. Give --images"):
        find_in_table(table(tmp_path, "path,label\n1.jpg,a\n"), tmp_path / "none")
