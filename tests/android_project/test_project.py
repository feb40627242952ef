from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from packager.android.project import AndroidProject, generate_project
from packager.errors import OutputError, SettingsError
from tests.android_project.conftest import AWKWARD, save_model

pytestmark = pytest.mark.usefixtures("same_process")

ASSETS = Path("app", "src", "main", "assets")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_holds_the_model_its_labels_and_its_contract(model: Path, tmp_path: Path) -> None:
    made = generate_project(model, tmp_path / "out")
    assets = made.folder / ASSETS
    spec = json.loads((assets / "model_spec.json").read_text("utf-8"))
    labels = (assets / "labels.txt").read_bytes()
    assert (assets / "model.tflite").read_bytes() == model.read_bytes()
    assert labels == b"daisy\nrose\ntulip\n"
    assert spec["model"]["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert spec["labels"]["sha256"] == hashlib.sha256(labels).hexdigest()
    assert made == AndroidProject(
        tmp_path / "out", "com.example.flowers", "com.example.flowers", "Flowers", model,
        ("daisy", "rose", "tulip"), len(snapshot(made.folder)),
    )  # fmt: skip


def test_is_the_same_every_time_but_for_its_names(model: Path, tmp_path: Path) -> None:
    first, again, other = (
        snapshot(generate_project(model, tmp_path / name, package=package).folder)
        for name, package in (("1", None), ("2", None), ("3", "org.other"))
    )
    assert first == again
    moved = {name.replace("org/other", "com/example/flowers") for name in other}
    assert moved == set(first)


def test_nothing_is_left_to_render(project: AndroidProject) -> None:
    for name, content in snapshot(project.folder).items():
        assert "__package__" not in name
        assert not re.search(rb"\[\[ |\[% |\[# ", content), name


def test_kotlin_lies_where_its_package_says(project: AndroidProject) -> None:
    sources = [p for p in project.folder.rglob("*.kt") if "org/example/garden" in p.as_posix()]
    assert sources == list(project.folder.rglob("*.kt"))
    for source in sources:
        declared = re.search(r"^package (\S+)$", source.read_text("utf-8"), re.MULTILINE)
        assert declared is not None, source
        folder = re.split(r"/kotlin/|/java/", source.parent.as_posix())[-1]
        assert declared[1] == folder.replace("/", "."), source


def test_app_name_stands_only_where_it_is_escaped(project: AndroidProject) -> None:
    assert project.app_name == AWKWARD
    for name, content in snapshot(project.folder).items():
        assert AWKWARD.encode() not in content, name


HOSTILE = (
    "../../../etc/passwd",
    '"); System.exit(1) //',
    "${jndi:ldap://x}",
    "[[ package ]] [% raw %]",
    "<b>&amp;'\\",
    "\u200fgnp.exe",
    "🌹\u200d🔥",
    "שושנה",
    "com.example",
)


def test_labels_are_data_and_nothing_else(model: Path, tmp_path: Path) -> None:
    plain = generate_project(model, tmp_path / "plain")
    folder = tmp_path / "hostile"
    folder.mkdir()
    hostile = generate_project(save_model(folder, labels=HOSTILE), folder / "out")
    assert hostile.labels == HOSTILE
    one, other = snapshot(plain.folder), snapshot(hostile.folder)
    assert set(one) == set(other)
    assert {name for name in one if one[name] != other[name]} == {
        ".packager.json",  # their digests
        ".packager.base",  # them
        *(f"{ASSETS.as_posix()}/{name}"
          for name in ("labels.txt", "model.tflite", "model_spec.json")),
    }  # fmt: skip
    written = (hostile.folder / ASSETS / "labels.txt").read_bytes().decode()
    assert written.split("\n")[:-1] == list(HOSTILE)


def test_a_models_name_is_data_too(tmp_path: Path) -> None:
    made = generate_project(
        save_model(tmp_path, name='"; rm -rf / [[ app_id ]]\n$(x)'), tmp_path / "out"
    )
    assert made.package == "com.example.rmrfappidx"
    assert made.app_name == '"; rm -rf / [[ app_id ]] $(x)'


@pytest.mark.parametrize(
    ("name", "app_name"),
    [("flowers EfficientNet-Lite0", "Flowers"), ("EfficientNet-Lite0", "EfficientNet-Lite0")],
)
def test_the_architecture_is_not_what_the_app_is_called(
    name: str, app_name: str, tmp_path: Path
) -> None:
    assert generate_project(save_model(tmp_path, name=name), tmp_path / "out").app_name == app_name


def test_names_are_checked_before_anything_is_written(model: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        generate_project(model, tmp_path / "out", package="x")
    assert not (tmp_path / "out").exists()


def test_force_replaces_a_project_and_nothing_else(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    generate_project(model, out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        generate_project(model, out)
    with pytest.raises(OutputError, match=r"did not write: notes\.txt"):
        generate_project(model, out, force=True)
    (out / "notes.txt").unlink()
    generate_project(model, out, force=True)

    (out / ".git").mkdir()
    with pytest.raises(OutputError, match="version control"):
        generate_project(model, out, force=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.doc").write_text("years of work")
    with pytest.raises(OutputError, match="did not write"):
        generate_project(model, other, force=True)
    assert (other / "thesis.doc").exists()
    with pytest.raises(OutputError, match="not a folder"):
        generate_project(model, model, force=True)


def test_an_empty_folder_is_free(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert generate_project(model, tmp_path / "out").files > 10


def test_a_place_that_cannot_be_written_is_named(model: Path) -> None:
    with pytest.raises(OutputError, match="this is a file") as caught:
        generate_project(model, model / "out")
    assert caught.value.where == str(model)
