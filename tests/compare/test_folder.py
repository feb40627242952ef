from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from packager.compare.folder import (
    clear_folder,
    demand_same,
    finished_rows,
    open_folder,
    record_files,
)
from packager.compare.rows import FORMAT, Row
from packager.errors import OutputError, RecordError
from packager.record import as_json
from packager.written import record_all
from tests.compare.made_up import row


def folder_of(out: Path, made: Row, model: bytes = b"weights") -> Row:
    """The folder of a row, as a build leaves it; gives the row with its digest."""
    folder, labels = out / made.name, b"blue\nred\n"
    folder.mkdir(parents=True)
    digest, labels_digest = (hashlib.sha256(part).hexdigest() for part in (model, labels))
    (folder / "model.tflite").write_bytes(model)
    (folder / "labels.txt").write_bytes(labels)
    (folder / "report.json").write_text("{}")
    contract = {"model": {"sha256": digest}, "labels": {"sha256": labels_digest}}
    (folder / "model_spec.json").write_text(json.dumps(contract))
    record_all(folder)
    return row(made.spec, made.quantization, sha256=digest)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of a comparison of two rows that are done."""
    out = tmp_path / "out"
    rows = [folder_of(out, row("lite0")), folder_of(out, row("lite0", "none"), b"floats")]
    content = {"format": FORMAT, "settings": {}, "data": {}, "versions": {}, "rows": rows}
    (out / "comparison.json").write_text(as_json(content))
    record_files(out)
    return out


def older(out: Path) -> dict[str, Any]:
    found = open_folder(out, force=False)
    assert found is not None
    return found


def test_a_free_place_is_a_new_comparison(tmp_path: Path) -> None:
    assert open_folder(tmp_path / "new", force=False) is None
    (tmp_path / "empty").mkdir()
    assert open_folder(tmp_path / "empty", force=False) is None


def test_rows_whose_folders_are_whole_are_finished(out: Path) -> None:
    finished = finished_rows(older(out), out)
    assert list(finished) == [("lite0", "int8"), ("lite0", "none")]
    assert finished["lite0", "int8"].top1 == row().top1


@pytest.mark.parametrize("name", ["model.tflite", "labels.txt", "model_spec.json", "report.json"])
@pytest.mark.parametrize("how", ["cut short", "gone"])
def test_a_row_with_a_damaged_file_is_not(out: Path, name: str, how: str) -> None:
    path = out / "lite0-int8" / name
    path.unlink() if how == "gone" else path.write_bytes(path.read_bytes()[:-1])
    assert list(finished_rows(older(out), out)) == [("lite0", "none")]


def test_a_row_that_failed_is_tried_again(out: Path) -> None:
    content = json.loads((out / "comparison.json").read_text())
    content["rows"][0]["error"] = "no weights"
    assert list(finished_rows(content, out)) == [("lite0", "none")]


def test_rows_of_another_shape_are_none(out: Path) -> None:
    assert finished_rows({"rows": [{"colour": "red"}]}, out) == {}


def test_a_foreign_folder_is_refused_with_and_without_force(out: Path, tmp_path: Path) -> None:
    (out / "thesis.txt").write_text("mine")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("mine")
    for place in (out, tmp_path / "photos"):
        for force in (False, True):
            with pytest.raises(OutputError, match="did not write"):
                open_folder(place, force=force)
    assert (out / "thesis.txt").read_text() == "mine"


def test_force_takes_the_older_one_away(out: Path) -> None:
    assert open_folder(out, force=True) is None
    assert (out / "comparison.json").exists()
    clear_folder(out)
    assert list(out.iterdir()) == []


def test_force_spares_a_row_to_which_something_was_added(out: Path) -> None:
    (out / "lite0-int8" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt"):
        open_folder(out, force=True)
    assert (out / "lite0-none" / "model.tflite").exists()


def test_a_damaged_record_needs_force(out: Path) -> None:
    (out / "comparison.json").write_text("{")
    with pytest.raises(RecordError, match="damaged"):
        open_folder(out, force=False)
    with pytest.raises(OutputError, match=r"changed since .*: comparison\.json"):
        open_folder(out, force=True)
    (out / "comparison.json").unlink()
    assert open_folder(out, force=True) is None


def test_rows_without_a_record_are_refused(out: Path) -> None:
    (out / "comparison.json").unlink()
    (out / ".packager.json").unlink()
    with pytest.raises(OutputError, match="did not write"):
        open_folder(out, force=True)


def test_what_a_killed_build_left_is_passed_over(out: Path) -> None:
    shutil.copytree(out / "lite0-int8", out / ".lite0-int8.abc.tmp")
    assert len(finished_rows(older(out), out)) == 2


@pytest.mark.parametrize(
    ("part", "key"), [("build", "seed"), ("data", "sha256"), ("versions", "keras")]
)
def test_what_differs_is_named(part: str, key: str, tmp_path: Path) -> None:
    one: dict[str, Any] = {
        "build": {"seed": 0},
        "data": {"sha256": "a"},
        "versions": {"keras": "3"},
    }
    demand_same(one, json.loads(json.dumps(one)), tmp_path)
    with pytest.raises(OutputError, match=f"{key} differ"):
        demand_same(one, {**one, part: {key: "other"}}, tmp_path)
    with pytest.raises(OutputError, match=f"{key} differ"):
        demand_same({**one, part: {}}, one, tmp_path)
