from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from packager import __version__
from packager.android import project as project_module
from packager.android.project import generate_project
from packager.android.update import (
    ProjectUpdate,
    demand_merged,
    demand_update,
    remembered,
    update_project,
)
from packager.errors import OutputError, SettingsError
from packager.in_place import STAGE
from packager.written import BASE_FILE, RECORD_FILE, demand_ours
from tests.android_project.conftest import two_models
from tests.android_project.test_project import snapshot
from tests.conftest import PHOTOS, need

ASSETS = "app/src/main/assets"
CODE = "app/src/main/kotlin/com/example/flowers"
OLDER = Path(__file__).with_name("templates-2026-11-24.tar.xz")
MAIN = "package [[ package ]]\n\nfun main() {\n    a()\n}\n"
TEMPLATES = {
    "build.gradle.kts": 'plugins {\n    id("a") version "1"\n}\n\ntasks {\n    // none\n}\n',
    "app/build.gradle.kts": 'namespace = "[[ package ]]"\n\napplicationId = "[[ app_id ]]"\n',
    "app/src/main/kotlin/__package__/Main.kt": MAIN,
    "app/src/main/kotlin/__package__/Other.kt": "package [[ package ]]\n\nval other = 1\n",
    "app/src/main/res/values/strings.xml": "<resources>\n  <string>[[ app_name | xml ]]</string>\n"
    "</resources>\n",
    "app/src/main/res/drawable/icon.png": "\0old",
    "gradlew": "#!/bin/sh\necho 1\n",
    "npu.txt": "[[ npu ]]\n",
}
NEWER = {
    **TEMPLATES,
    "build.gradle.kts": TEMPLATES["build.gradle.kts"].replace('"1"', '"2"'),
    "app/src/main/kotlin/__package__/Main.kt": MAIN.replace("a()", "b()"),
    "app/src/main/kotlin/__package__/Third.kt": "package [[ package ]]\n",
    "app/src/main/res/drawable/icon.png": "\0new",
    "gradlew": "#!/bin/sh\necho 2\n",
}
del NEWER["app/src/main/kotlin/__package__/Other.kt"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return two_models(tmp_path_factory)


@pytest.fixture
def model(models: tuple[Path, Path]) -> Path:
    return models[0]


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Gives a function that puts templates in the place of packager's; `TEMPLATES` at first."""
    folder = tmp_path / "templates"

    def use(texts: dict[str, str]) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    monkeypatch.setattr(project_module, "template_folder", lambda _: folder)
    use(TEMPLATES)
    return use


@pytest.fixture
def out(templates, model: Path, tmp_path: Path) -> Path:
    """A project of the older templates around `model`, whose labels are three flowers."""
    return generate_project(model, tmp_path / "out").folder


@pytest.fixture
def newer(templates, out: Path, models: tuple[Path, Path]) -> Path:
    """Another model, of a class more; and newer templates are in place."""
    templates(NEWER)
    return models[1]


def edit(out: Path, name: str, before: str, after: str) -> None:
    text = (out / name).read_text()
    assert before in text
    (out / name).write_text(text.replace(before, after))


def outcomes(update: ProjectUpdate) -> dict[str, str]:
    return {file.name: file.outcome for file in update.files}


def test_an_untouched_project_becomes_what_is_made_today(
    out: Path, newer: Path, tmp_path: Path
) -> None:
    update = update_project(newer, out)
    fresh = generate_project(newer, tmp_path / "fresh", package="com.example.flowers",
                             app_name="Flowers").folder  # fmt: skip
    assert snapshot(out) == snapshot(fresh)
    assert (out / "gradlew").stat().st_mode & 0o111
    demand_ours(out)
    demand_merged(update)
    assert (update.before, update.app_name, update.labels[-1]) == (__version__, "Flowers", "poppy")
    assert update_project(newer, out).files == ()


def test_edits_are_kept_and_merged(out: Path, newer: Path) -> None:
    edit(out, "build.gradle.kts", "// none", "mine()")
    edit(out, f"{CODE}/Main.kt", "fun main", "// mine\n\nfun main")
    edit(out, "app/src/main/res/values/strings.xml", "</res", "  <string>mine</string>\n</res")
    edit(out, "app/build.gradle.kts", 'applicationId = "com.example', 'applicationId = "org')
    (out / f"{CODE}/Mine.kt").write_text("mine")
    (out / "gradlew").unlink()
    update = update_project(newer, out)
    assert outcomes(update) == {
        "build.gradle.kts": "merged",
        f"{CODE}/Main.kt": "merged",
        f"{CODE}/Other.kt": "removed",
        f"{CODE}/Third.kt": "added",
        "app/src/main/res/values/strings.xml": "kept",
        "app/build.gradle.kts": "kept",
        "app/src/main/res/drawable/icon.png": "replaced",
        "gradlew": "deleted",
        **dict.fromkeys(
            (f"{ASSETS}/model.tflite", f"{ASSETS}/labels.txt", f"{ASSETS}/model_spec.json"),
            "replaced",
        ),
    }
    demand_merged(update)
    assert 'version "2"' in (out / "build.gradle.kts").read_text()
    assert "mine()" in (out / "build.gradle.kts").read_text()
    assert (out / f"{CODE}/Main.kt").read_text() == (
        "package com.example.flowers\n\n// mine\n\nfun main() {\n    b()\n}\n"
    )
    assert (out / f"{CODE}/Mine.kt").read_text() == "mine"
    assert not (out / "gradlew").exists()
    assert not (out / STAGE).exists()
    with pytest.raises(OutputError, match=r"Mine\.kt; and files that were changed since"):
        generate_project(newer, out, force=True)


def test_conflicts_are_marked_listed_and_have_to_be_resolved_first(
    out: Path, newer: Path, templates
) -> None:
    edit(out, f"{CODE}/Main.kt", "a()", "mine()")
    edit(out, f"{CODE}/Other.kt", "= 1", "= 2")
    (out / "app/src/main/res/drawable/icon.png").write_bytes(b"\0mine")
    update = update_project(newer, out)
    assert {file.name: file.outcome for file in update.conflicts} == {
        f"{CODE}/Main.kt": "conflict",
        f"{CODE}/Other.kt": "dropped",
        "app/src/main/res/drawable/icon.png": "beside",
    }
    with pytest.raises(OutputError, match=r"conflicts .*Main\.kt, .*Other\.kt, .*icon\.png\. Not"):
        demand_merged(update)
    with pytest.raises(OutputError, match=r"unresolved: .*Main\.kt, .*icon\.png\.packager-new"):
        update_project(newer, out)
    with pytest.raises(OutputError, match="are unresolved"):
        remembered(out)

    (out / f"{CODE}/Main.kt").write_text(
        "package com.example.flowers\n\nfun main() {\n    mine()\n    b()\n}\n"
    )
    beside = out / "app/src/main/res/drawable/icon.png.packager-new"
    assert beside.read_bytes() == b"\0new"
    beside.unlink()
    assert remembered(out).app_name == "Flowers"
    assert set(outcomes(update_project(newer, out)).values()) == {"kept"}
    templates(NEWER | {"build.gradle.kts": "third"})
    assert outcomes(update_project(newer, out)) == {
        "build.gradle.kts": "replaced",
        f"{CODE}/Main.kt": "kept",
        "app/src/main/res/drawable/icon.png": "kept",
    }
    assert (out / f"{CODE}/Other.kt").exists()


def test_a_model_that_the_user_put_in_stays_with_its_labels(out: Path, newer: Path) -> None:
    (out / ASSETS / "model.tflite").write_bytes(b"\0mine")
    update = update_project(newer, out)
    assert [file.name for file in update.conflicts] == [
        f"{ASSETS}/labels.txt", f"{ASSETS}/model.tflite", f"{ASSETS}/model_spec.json",
    ]  # fmt: skip
    assert (out / ASSETS / "model.tflite").read_bytes() == b"\0mine"
    assert b"poppy" not in (out / ASSETS / "labels.txt").read_bytes()
    assert b"poppy" in (out / ASSETS / "labels.txt.packager-new").read_bytes()


def test_a_dry_run_says_the_same_and_writes_nothing(out: Path, newer: Path) -> None:
    edit(out, f"{CODE}/Main.kt", "a()", "mine()")
    before = snapshot(out.parent)
    planned = update_project(newer, out, dry_run=True)
    assert snapshot(out.parent) == before
    with pytest.raises(OutputError, match="there would be conflicts"):
        demand_merged(planned)
    assert update_project(newer, out).files == planned.files


def test_names_are_remembered_and_new_ones_are_merged(
    templates, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    generate_project(
        model, out, package="com.example.flowers", app_id="org.app", app_name="Mine", npu="qualcomm"
    )
    update = update_project(model, out, app_name="Ours")
    assert (update.app_id, update.app_name) == ("org.app", "Ours")
    assert outcomes(update) == {"app/src/main/res/values/strings.xml": "replaced"}
    edit(out, "app/build.gradle.kts", "org.app", "org.by.hand")
    update = update_project(model, out)
    assert (update.app_id, update.app_name) == ("org.app", "Ours")
    assert outcomes(update) == {"app/build.gradle.kts": "kept"}
    assert (out / "npu.txt").read_text() == "qualcomm\n"
    assert outcomes(update_project(model, out, npu=""))["npu.txt"] == "replaced"
    assert (out / "npu.txt").read_text() == "\n"
    update = update_project(model, out, app_id="org.other")
    assert outcomes(update) == {"app/build.gradle.kts": "conflict"}


def move_package(out: Path, package: str) -> None:
    place = out / "app/src/main/kotlin" / package.replace(".", "/")
    place.parent.mkdir(parents=True)
    (out / CODE).rename(place)
    for path in [*place.iterdir(), out / "app/build.gradle.kts"]:
        text = path.read_text().replace(
            'namespace = "com.example.flowers', f'namespace = "{package}'
        )
        path.write_text(text.replace("package com.example.flowers", f"package {package}"))


def test_a_package_that_the_user_renamed(out: Path, newer: Path) -> None:
    with pytest.raises(SettingsError, match="the project's code is in com.example.flowers, and"):
        update_project(newer, out, package="org.garden")
    move_package(out, "org.garden")
    edit(out, "app/src/main/kotlin/org/garden/Main.kt", "fun main", "// mine\n\nfun main")
    with pytest.raises(OutputError, match=r"in com/example/flowers\. .* give it: --package"):
        update_project(newer, out)
    update = update_project(newer, out, package="org.garden")
    demand_merged(update)
    assert not (out / CODE).exists()
    assert (out / "app/src/main/kotlin/org/garden/Third.kt").read_text() == "package org.garden\n"
    assert (out / "app/src/main/kotlin/org/garden/Main.kt").read_text() == (
        "package org.garden\n\n// mine\n\nfun main() {\n    b()\n}\n"
    )
    assert (out / "app/build.gradle.kts").read_text() == (
        'namespace = "org.garden"\n\napplicationId = "com.example.flowers"\n'
    )
    assert update_project(newer, out).package == "org.garden"


def test_line_endings_of_windows_are_kept(out: Path, newer: Path) -> None:
    for name in (f"{CODE}/Main.kt", "build.gradle.kts", "app/build.gradle.kts"):
        (out / name).write_bytes((out / name).read_bytes().replace(b"\n", b"\r\n"))
    edit_bytes = (out / "build.gradle.kts").read_bytes().replace(b"// none", b"mine()")
    (out / "build.gradle.kts").write_bytes(edit_bytes)
    update = update_project(newer, out)
    said = outcomes(update)
    assert (said[f"{CODE}/Main.kt"], said["build.gradle.kts"]) == ("replaced", "merged")
    assert "app/build.gradle.kts" not in said
    for name in (f"{CODE}/Main.kt", "build.gradle.kts", "app/build.gradle.kts"):
        content = (out / name).read_bytes()
        assert content.count(b"\r\n") == content.count(b"\n") > 0


def test_the_benchmarks_photos_are_used_again(
    templates, model: Path, newer: Path, tmp_path
) -> None:
    photos = sorted(PHOTOS.glob("*/*.jpg"))[:2]
    out = generate_project(model, tmp_path / "with", photos=photos).folder
    folder = out / ASSETS / "benchmark"
    before = snapshot(folder)
    update = update_project(newer, out)
    assert outcomes(update)[f"{ASSETS}/benchmark/predictions.json"] == "replaced"
    after = snapshot(folder)
    said = after.pop("predictions.json"), before.pop("predictions.json")
    assert after == before
    assert said[0] != said[1]
    assert said[0].count(b'"label"') == 2
    demand_ours(out)

    shutil.copy(photos[0], folder / "photos" / "00.png")
    left = snapshot(folder)
    update_project(model, out)
    assert snapshot(folder) == left


def test_a_project_without_a_base(out: Path, newer: Path, tmp_path: Path) -> None:
    """As packager made them before it kept one; the first commit is what it is compared with."""
    (out / BASE_FILE).unlink()
    first = shutil.copytree(out, tmp_path / "first")
    (first / "build").mkdir()
    (first / "build" / "a.txt").write_text("of Gradle")
    edit(out, "build.gradle.kts", "// none", "mine()")
    with pytest.raises(OutputError, match=r"doesn't hold what packager wrote .* with --base"):
        update_project(newer, out)
    with pytest.raises(SettingsError, match="Also give --package, --app-id and --app-name"):
        update_project(newer, out, base=first)
    names = {"package": "com.example.flowers", "app_id": "com.example.flowers", "app_name": "X"}
    with pytest.raises(OutputError, match=r"it has no app/src/main/assets/model_spec"):
        update_project(newer, out, base=tmp_path / "templates", **names)
    with_record = update_project(newer, out, base=first, dry_run=True, **names)
    assert "build/a.txt" not in outcomes(with_record)
    (first / RECORD_FILE).unlink()  # the first packagers left none
    (first / ".git").write_text("of Git")
    update = update_project(newer, out, base=first, **names)
    assert update.files == with_record.files
    assert outcomes(update)["build.gradle.kts"] == "merged"
    assert (out / BASE_FILE).exists()
    update_project(newer, out)


def test_the_record_of_a_build_knows_the_updated_app(
    out: Path, newer: Path, tmp_path: Path
) -> None:
    from packager.written import record_all

    record_all(tmp_path)  # as a build does, whose android/ is `out`
    edit(out, "build.gradle.kts", "// none", "mine()")
    update_project(newer, out)
    with pytest.raises(
        OutputError, match=r"changed since packager wrote them: out/build\.gradle\.kts\. Move"
    ):
        demand_ours(tmp_path, passed={"templates"})


def test_an_update_that_was_killed_is_put_back_first(out: Path, newer: Path) -> None:
    before = snapshot(out)
    (out / STAGE / "new").mkdir(parents=True)
    (out / STAGE / "new" / "0").write_text("unfinished")
    with pytest.raises(OutputError, match="interrupted"):
        update_project(newer, out, dry_run=True)
    update_project(newer, out)
    assert not (out / STAGE).exists()
    assert snapshot(out) != before


def test_one_run_at_a_time(out: Path, newer: Path) -> None:
    from packager.out_folder import held_folder

    with held_folder(out), pytest.raises(OutputError, match="another run of packager"):
        update_project(newer, out)


def test_options_that_contradict_each_other(tmp_path: Path) -> None:
    demand_update(True, dry_run=True, base=tmp_path)
    for options in ({"force": True, "update": True}, {"dry_run": True}, {"base": tmp_path}):
        with pytest.raises(SettingsError):
            demand_update(**{"update": False, **options})
    with pytest.raises(OutputError, match="no project to update"):
        update_project(tmp_path / "m.tflite", tmp_path / "nothing")


def test_from_the_templates_of_an_earlier_release(
    templates, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole project of 24 November 2026, edited, against those of today."""
    need(shutil.which("git") is not None, "git")
    with tarfile.open(OLDER) as archive:
        archive.extractall(tmp_path / "older", filter="data")
    monkeypatch.setattr(project_module, "template_folder", lambda _: tmp_path / "older")
    out = generate_project(model, tmp_path / "project").folder
    older = snapshot(out)
    edits = {
        "gradle/libs.versions.toml": ("[plugins]\n", '[plugins]\nmine = { id = "mine" }\n'),
        "app/src/main/res/values/strings.xml": ("<resources>", "<resources>\n  <!-- mine -->"),
        f"{CODE}/MainActivity.kt": ("class MainActivity", "// mine\nclass MainActivity"),
        "core/src/main/kotlin/com/example/flowers/core/Labels.kt": (
            "\npackage ",
            "\n// mine\npackage ",
        ),
        "README.md": ("# ", "# My "),
        "settings.gradle.kts": ("include", "// mine\ninclude"),
    }
    for name, (before, after) in edits.items():
        text = (out / name).read_text()
        place = f"\n{text}".replace(before, after, 1).removeprefix("\n")
        assert place != text, name
        (out / name).write_text(place)
    mine = out / CODE / "Mine.kt"
    mine.write_text("mine")
    (out / ".editorconfig").unlink()
    edited = snapshot(out)

    monkeypatch.undo()
    fresh = snapshot(generate_project(model, tmp_path / "fresh").folder)
    update = update_project(model, out)
    assert {file.name for file in update.files} >= set(edits)
    after = snapshot(out)
    assert ".editorconfig" not in after
    assert after[f"{CODE}/Mine.kt"] == b"mine"
    for name in older.keys() | fresh.keys():
        if name == ".editorconfig":
            continue
        if name not in edits:
            assert after.get(name) == fresh.get(name), name
            continue
        if name not in fresh:
            assert after[name] == edited[name], name
            continue
        lines = set(after[name].splitlines())
        was = set(older[name].splitlines())
        assert set(edited[name].splitlines()) - was <= lines, name
        assert set(fresh[name].splitlines()) - was <= lines, name
    again = update_project(model, out) if not update.conflicts else update
    assert {file.outcome for file in again.files} <= {"kept", "conflict", "dropped"}
    subprocess.run(["git", "init", "-q", out], check=True)
    ignored = subprocess.run(
        ["git", "check-ignore", BASE_FILE, RECORD_FILE], cwd=out, capture_output=True, check=False
    )
    assert ignored.stdout == b""
