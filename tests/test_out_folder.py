from __future__ import annotations

import os
from pathlib import Path

import pytest

from packager.errors import OutputError, SettingsError
from packager.out_folder import check_out, check_outputs, reserved


@pytest.mark.parametrize(
    ("name", "said"),
    [("a" * 300, "File name too long"), ("a\0b", "null"), ("a/" * 3000, "too long")],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_name_that_no_folder_can_have(name: str, said: str, force: bool, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=rf"can't be written \(.*{said}"):
        check_out(tmp_path / name, force=force)


def test_a_dangling_link_is_no_free_place(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="not a folder"):
        check_out(tmp_path / "out", force=True)


def test_a_folder_is_filled_and_may_be_replaced_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    for text in ("first", "second"):
        with reserved(out, force=text == "second") as place, place.filled() as fresh:
            (fresh / "a.txt").write_text(text)
    assert (out / "a.txt").read_text() == "second"
    (out / "a.txt").write_text("by hand")
    with pytest.raises(OutputError, match=r"changed since .*: a\.txt"), reserved(out, force=True):
        pass


def test_a_disk_that_fills_on_the_way_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="can't be written .No space left"),
        reserved(tmp_path / "out", force=False) as place,
        place.filled() as fresh,
    ):
        (fresh / "half").write_text("half")
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_never_inputs_nor_each_other(tmp_path: Path) -> None:
    model, link, hard = (tmp_path / name for name in ("m.tflite", "link", "hard"))
    model.write_text("model")
    link.symlink_to(model)
    os.link(model, hard)
    (tmp_path / "sub").mkdir()
    for same in (model, link, hard, tmp_path / "sub" / ".." / "m.tflite"):
        with pytest.raises(SettingsError, match=r"--out .*: it would overwrite"):
            check_outputs({"--out": same}, [tmp_path / "other", model])
    new = tmp_path / "new"
    with pytest.raises(SettingsError, match="--html"):
        check_outputs({"--csv": new, "--html": tmp_path / "sub" / ".." / "new"}, [model])
    check_outputs({"--csv": new, "--html": None, "--out": tmp_path / "sub" / "new"}, [model])


def test_files_that_cannot_be_written_are_found_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, why in (
        ("", "it is a folder"), ("file/x.json", "this is a file"), ("a" * 300, "too long"),
        ("a\0b", "null"),
    ):  # fmt: skip
        with pytest.raises(OutputError, match=rf"can't be written \(.*{why}"):
            check_outputs({"--out": tmp_path / name}, [])
    check_outputs({"--out": tmp_path / "new" / "x.json", "--csv": tmp_path / "file"}, [])
    assert not (tmp_path / "new").exists()
