from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from packager.bench.settings import LatencySource
from packager.build import (
    BuildSettings,
    HeadSettings,
    ModelSettings,
    OutputSettings,
    PhotoSettings,
    QuantizationSettings,
)
from packager.errors import OutputError, PackagerError, RecordError, SettingsError
from packager.limits import Limits
from packager.options import settings_of, tables
from packager.recipe import Recipe
from packager.recipe_file import compose, find_recipe, read_recipe, recipe_text, write_recipe
from packager.report.facts import FORMAT


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_written_recipe_gives_the_same_settings(tmp_path: Path) -> None:
    for recipe in (
        Recipe(),
        Recipe(
            BuildSettings(
                seed=7,
                model=ModelSettings("auto", weights=tmp_path / 'w "quoted" \\ \x7f 🌹.pth'),
                photos=PhotoSettings(tmp_path / "demo", "60/20/20", strict=True),
                head=HeadSettings(epochs=3, l2=1e-7, shuffle=False, steps_per_epoch=9),
            ),
            Limits("20ms", "8MB", 0.5, "lite0, lite1"),
            LatencySource(2, 5, (tmp_path / "a.json", tmp_path / "b.json")),
        ),
    ):
        path = tmp_path / f"{recipe.build.seed}.toml"
        write_recipe(recipe, path)
        read = compose(read_recipe(path), {})
        for setting in settings_of(Recipe):
            assert str(setting.of(read)) == str(setting.of(recipe)), setting.key


def test_counter_examples_count_from_the_file_and_need_the_class(tmp_path: Path) -> None:
    path = written(tmp_path, '[unknown]\nenabled = true\nnegatives = "other"\n')
    assert str(compose(read_recipe(path), {}).build.unknown.negatives) == str(tmp_path / "other")
    path = written(tmp_path, '[unknown]\nnegatives = "other"\n')
    with pytest.raises(SettingsError, match="`unknown.negatives`: it only applies to the class"):
        compose(read_recipe(path), {})


def test_every_setting_has_its_line_and_one_of_words() -> None:
    lines = recipe_text(Recipe()).splitlines()
    for setting in settings_of(Recipe):
        rows = [
            n for n, line in enumerate(lines) if line.lstrip("# ").startswith(f"{setting.name} = ")
        ]
        assert bool(rows) == setting.option.kept, setting.key
        assert all(lines[row - 1].startswith("# ") for row in rows)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[head]\nepoch = 3", "unknown setting `head.epoch`. Do you mean `head.epochs`"),
        ("epochs = 3", "unknown setting `epochs`. Do you mean `head.epochs`"),
        ("[heads]\nepochs = 3", "unknown setting `heads.epochs`. Do you mean `head.epochs`"),
        ("[heads]", r"unknown setting `heads`. Do you mean `\[head\]`"),
        ("[output]\nforce = true", "unknown setting `output.force`"),
        ("head = 3", "`head`: it is a whole number, not a table"),
        ("[head]\nepochs = '3'", "`head.epochs`: it is a text, but takes a whole number"),
        ("[head]\nepochs = true", "`head.epochs`: it is true or false, but takes a whole number"),
        ("[photos]\nstrict = 1", "`photos.strict`: it is a whole number, but takes true or false"),
        ("[photos]\nsplit = 1979-05-27", "`photos.split`: it is a date or time, but takes a text"),
        ("[latency]\nbench = [1]", "`latency.bench`: it is a list, but takes a list of texts"),
        ("[head]\nepochs = 0", "`head.epochs`: 0 is out of range. Use 1 or more"),
        ("[head]\ndropout = 1.0", "`head.dropout`: 1.0 is out of range"),
        ("[head]\nl2 = nan", "`head.l2`: nan is out of range"),
        ("seed = -1", "`seed`: -1 is out of range"),
        ("[model]\nspec = 'lite9'", "`model.spec`: unknown model spec 'lite9'"),
        ("[quantization]\ntype = 'int4'", "`quantization.type`: unknown quantization"),
        ("[limits]\nmax_size = '8MB'", "`limits.max_size`: it only applies to --spec auto"),
        ("[limits]\nmax_size = '8'", "`limits.max_size`: '8' has no unit"),
        ("[latency]\nthreads = 0", "`latency.threads`: 0 is out of range"),
        ("[latency]\ndevice = ''", "--project, --apk: no latency harness"),
        ("[app]\nid = 'flowers'", "`app.id`: 'flowers' can't be used"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_key(text: str, said: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError, match=said) as caught:
        compose(read_recipe(path), {})
    assert caught.value.where is not None
    assert caught.value.where.startswith(str(path))


@pytest.mark.parametrize("text", ["[head", "a = 'x", "\udcff", "a = [" * 5000])
def test_what_is_no_toml_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RecordError, match="recipe.toml"):
        read_recipe(path)


def test_flags_win_even_with_their_defaults(tmp_path: Path) -> None:
    file = read_recipe(
        written(tmp_path, "[head]\nepochs = 3\nbatch_size = 8\n[model]\nspec = 'b0'")
    )
    recipe = compose(file, {"head.epochs": 60, "model.spec": "lite1"})
    assert recipe.build.head == HeadSettings(epochs=60, batch_size=8)
    assert recipe.build.model.spec == "lite1"
    with pytest.raises(SettingsError) as caught:
        compose(file, {"head.epochs": 0, "model.spec": "lite0"})
    assert caught.value.where == "--epochs"


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("[fine_tuning]\nmode = 'tail'\nepochs = 9", {"fine_tuning.mode": "none"}),
        ("[model]\nspec = 'auto'\n[limits]\nmax_size = '8MB'", {"model.spec": "lite1"}),
        ("[model]\nbackbone = 'own.keras'\ninput_size = 32", {"model.spec": "lite1"}),
        ("[model]\nspec = 'lite1'", {"model.backbone": Path("own.keras")}),
    ],
)
def test_a_flag_that_chooses_something_else_sets_aside_what_belongs_to_the_first(
    text: str, given: dict[str, Any], tmp_path: Path
) -> None:
    assert compose(read_recipe(written(tmp_path, text)), given) == compose(None, given)


def test_only_the_working_folder_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "packager.toml").write_text("seed = 3")
    monkeypatch.chdir(tmp_path / "below")
    assert find_recipe(None) is None
    monkeypatch.chdir(tmp_path)
    found = find_recipe(None)
    assert found is not None
    assert found.values == {"seed": 3}
    with pytest.raises(PackagerError, match=r"no\.toml"):
        find_recipe(Path("no.toml"))


def test_relative_paths_count_from_the_recipes_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "[photos]\ndata = 'photos'\n[model]\nweights = 'auto'\n[output]\nfolder = '/abs/out'"
    written(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    assert read_recipe(Path("recipe.toml")).values["photos.data"] == "photos"
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    values = read_recipe(Path("../recipe.toml")).values
    assert values["photos.data"] == "../photos"
    assert values["model.weights"] == "auto"
    assert values["output.folder"] == Path("/abs/out")
    # Written elsewhere, they are led back.
    write_recipe(compose(read_recipe(Path("../recipe.toml")), {}), tmp_path / "again.toml")
    assert 'data = "photos"' in (tmp_path / "again.toml").read_text()


def test_a_reports_paths_count_from_where_it_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(**more: Any) -> Path:
        (tmp_path / "report.json").write_text(json.dumps({"format": FORMAT, **more}))
        return tmp_path / "report.json"

    settings = BuildSettings(
        photos=PhotoSettings("photos"), output=OutputSettings(Path("out"), force=True)
    )
    report(recipe=tables(settings), working_folder="/home/me")
    recipe = compose(read_recipe(tmp_path / "report.json"), {}).build
    assert recipe.photos.data == "/home/me/photos"
    assert recipe.output == OutputSettings(Path("/home/me/out"))
    assert recipe.quantization == QuantizationSettings()
    monkeypatch.chdir(tmp_path)
    report(recipe=tables(settings), working_folder=str(tmp_path))
    assert compose(read_recipe(Path("report.json")), {}).build.photos.data == "photos"
    for more in (
        {},
        {"recipe": []},
        {"settings": {"seed": 1}},
        {"recipe": {}, "working_folder": 1},
    ):
        with pytest.raises(RecordError, match="contains no recipe"):
            read_recipe(report(**more))
    with pytest.raises(RecordError, match="Update packager"):
        read_recipe(report(format=FORMAT + 1))


def test_a_folder_called_like_a_set_stays_a_folder(tmp_path: Path) -> None:
    settings = BuildSettings(photos=PhotoSettings(Path("demo")))
    assert tables(settings)["photos"]["data"] == "./demo"


def test_a_file_is_never_replaced(tmp_path: Path) -> None:
    path = written(tmp_path, "seed = 3")
    with pytest.raises(OutputError, match="exists already"):
        write_recipe(Recipe(), path)
    assert path.read_text() == "seed = 3"


def test_a_name_that_toml_cannot_hold_is_told() -> None:
    settings = BuildSettings(photos=PhotoSettings("caf\udce9"))
    with pytest.raises(SettingsError, match="isn't valid Unicode"):
        recipe_text(Recipe(settings))
