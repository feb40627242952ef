"""A build's folder replaced around an app that its user has edited."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from packager.android.project import generate_project
from packager.android.settings import AppSettings
from packager.build import BuildSettings, build
from packager.build.kept_app import bring_app, reserved_build
from packager.build.settings import OutputSettings
from packager.errors import OutputError, SettingsError
from packager.written import demand_ours
from tests.android_project.conftest import two_models
from tests.settings import build_settings

README = "android/README.md"


def settings(out: Path, *, update_app: bool = True, **app: str) -> BuildSettings:
    output = OutputSettings(folder=out, force=True, update_app=update_app)
    return BuildSettings(output=output, app=AppSettings(**app))


def made(given: BuildSettings, model: Path, *, android: bool = True):
    """What a build writes at its end, with a model that is there already."""
    with reserved_build(given) as place, place.filled() as fresh:
        for name in ("model.tflite", "model_spec.json"):
            shutil.copy(model.with_name(name), fresh / name)
        if android:
            app = given.app
            generate_project(
                model, fresh / "android", package=app.package, app_id=app.id, app_name=app.name
            )
        return bring_app(place, fresh, fresh / "model.tflite", given.app)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return two_models(tmp_path_factory)


@pytest.fixture
def out(models: tuple[Path, Path], tmp_path: Path) -> Path:
    """A build whose app was edited."""
    folder = tmp_path / "out"
    made(settings(folder, update_app=False, id="org.garden", name="Garden"), models[0])
    demand_ours(folder)
    with (folder / README).open("a") as file:
        file.write("mine\n")
    (folder / "android/local.properties").write_text("mine")
    (folder / "android/.git").mkdir()
    (folder / "android/.git/HEAD").write_text("ref: x")
    (folder / "android/.editorconfig").unlink()
    return folder


def test_the_refusal_says_how_to_keep_the_app(out: Path, models: tuple[Path, Path]) -> None:
    with pytest.raises(OutputError, match=r"android/README\.md\. Add --update-app: it keeps"):
        made(settings(out, update_app=False), models[1])
    without = BuildSettings(
        output=OutputSettings(folder=out, force=True), app=AppSettings(android=False)
    )
    with pytest.raises(OutputError, match=r"README\.md\. Move them away"):
        made(without, models[1], android=False)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt.* Move them away") as caught:
        made(settings(out, update_app=False), models[1])
    assert "--update-app" not in caught.value.fix
    with pytest.raises(OutputError, match=r"did not write: notes\.txt\. Move"):
        made(settings(out), models[1])


def test_the_app_is_kept_and_updated(out: Path, models: tuple[Path, Path]) -> None:
    update = made(settings(out), models[1])
    assert update is not None
    assert update.names == {
        "package": "org.garden", "app_id": "org.garden", "app_name": "Garden",
    }  # fmt: skip
    assert (update.folder, update.conflicts) == (out / "android", ())
    assert (out / README).read_text().endswith("mine\n")
    assert (out / "android/local.properties").read_text() == "mine"
    assert (out / "android/.git/HEAD").read_text() == "ref: x"
    assert not (out / "android/.editorconfig").exists()
    model = out / "android/app/src/main/assets/model.tflite"
    assert model.read_bytes() == (out / "model.tflite").read_bytes() == models[1].read_bytes()
    assert {path.name for path in out.iterdir()} == {
        "model.tflite", "model_spec.json", "android", ".packager.json",
    }  # fmt: skip
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    # What is the user's is known as that, so the next --force refuses it again.
    with pytest.raises(OutputError, match=r"local\.properties; and .* since: android/README\.md\."):
        demand_ours(out)
    assert made(settings(out), models[0]) is not None


def test_the_app_stays_as_it_is_when_the_new_model_is_no_good(
    out: Path, models: tuple[Path, Path]
) -> None:
    before = (out / README).stat()
    assert made(settings(out), models[1], android=False) is None
    assert (out / README).read_text().endswith("mine\n")
    assert (out / README).stat().st_ino == before.st_ino
    assert (out / "model.tflite").read_bytes() == models[1].read_bytes()


def test_what_is_edited_meanwhile_stops_it(out: Path, models: tuple[Path, Path]) -> None:
    given = settings(out)
    with (
        pytest.raises(OutputError, match="changed while packager was running"),
        reserved_build(given) as place,
        place.filled() as fresh,
    ):
        generate_project(models[1], fresh / "android")
        shutil.copy(models[1], fresh / "model.tflite")
        bring_app(place, fresh, fresh / "model.tflite", given.app)
        (out / "android/Mine.kt").write_text("an editor's")
    assert (out / "android/Mine.kt").read_text() == "an editor's"
    assert (out / "model.tflite").read_bytes() == models[0].read_bytes()


def test_an_app_that_cannot_be_updated_stops_it_before_the_work(
    out: Path, models: tuple[Path, Path]
) -> None:
    (out / "android/README.md").write_text("<<<<<<< yours\n=======\n>>>>>>> packager 0.1\n")
    with pytest.raises(OutputError, match="unresolved: README"), reserved_build(settings(out)):
        pytest.fail("the work began")
    (out / "android/.packager.base").unlink()
    with pytest.raises(OutputError, match="doesn't hold what"), reserved_build(settings(out)):
        pytest.fail("the work began")


def test_without_an_app_there_is_nothing_to_keep(models: tuple[Path, Path], tmp_path: Path) -> None:
    assert made(settings(tmp_path / "out"), models[0]) is None
    demand_ours(tmp_path / "out")


def test_options_that_contradict_each_other() -> None:
    with pytest.raises(SettingsError, match="Add --force"):
        OutputSettings(update_app=True)
    with pytest.raises(SettingsError, match="with --no-android"):
        BuildSettings(
            output=OutputSettings(force=True, update_app=True), app=AppSettings(android=False)
        )


@pytest.mark.slow
def test_a_build_into_a_folder_with_an_edited_app(
    photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    common = {"data": photos, "out": tmp_path / "out", "quantize": "none"}
    first = build(build_settings(**common, epochs=2, app_name="Mine"))
    readme = tmp_path / "out" / README
    readme.write_text(f"{readme.read_text()}mine\n")
    result = build(build_settings(**common, epochs=3, force=True, update_app=True))
    assert result.app_update is not None
    assert result.app_update.app_name == "Mine"
    assert readme.read_text().endswith("mine\n")
    assets = tmp_path / "out/android/app/src/main/assets"
    assert (assets / "model.tflite").read_bytes() == result.model.read_bytes()
    assert (assets / "model_spec.json").read_bytes() == (
        result.out / "model_spec.json"
    ).read_bytes()
    report = json.loads((result.out / "report.json").read_text())
    assert report["android"] == result.app_update.names
    assert first.seconds != result.seconds
