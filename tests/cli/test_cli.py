"""The command line as a person meets it; what needs no process of its own runs in the test's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.android_project.conftest import save_model
from tests.cli.commands import packager, packager_here
from tests.conftest import ROOT, save_photo

COMMANDS = (
    "build",
    "specs",
    "weights",
    "recipe",
    "compare",
    "inspect",
    "evaluate",
    "predict",
    "verify",
    "metadata",
    "metadata write",
    "android",
    "web",
    "doctor",
    "bench",
    "bench run",
    "bench show",
    "bench farm",
)


@pytest.fixture(scope="module")
def out(photos: Path, session_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build made through the command line."""
    folder = tmp_path_factory.mktemp("cli") / "out"
    done = packager("build", "--data", photos, "--out", folder, "--epochs", 8, cache=session_cache)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout + "\f" + done.stderr)
    return folder


def test_version() -> None:
    assert re.fullmatch(r"packager \d+\.\d+\.\d+\n", packager("--version").stdout)


@pytest.fixture(scope="module")
def helps() -> dict[str, list[Any]]:
    """Of each command: how its help ends, what it prints, the heavy libraries imported by then."""
    program = (
        "import contextlib, io, json, sys; from packager.cli import main\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'PIL', 'ai_edge_litert', 'requests', 'jinja2'}\n"
        "helps = {}\n"
        "for command in sys.argv[1:]:\n"
        "    sys.argv = ['packager', *command.split(), '--help']\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as printed:\n"
        "        try: end = main()\n"
        "        except SystemExit as exit: end = exit.code\n"
        "    helps[command] = [end, printed.getvalue(), sorted(heavy & set(sys.modules))]\n"
        "print(json.dumps(helps))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "", *COMMANDS], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_there_and_light(command: str, helps: dict[str, list[Any]]) -> None:
    """Help needs none of the heavy libraries, so that it comes at once."""
    end, printed, heavy = helps[command]
    assert not end
    assert "Usage: packager" in printed
    assert heavy == []


def test_library_itself_is_light() -> None:
    program = "import sys, packager; print(len(sys.modules))"
    bare = subprocess.run([sys.executable, "-c", "import sys; print(len(sys.modules))"],
                          capture_output=True, text=True)  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert int(done.stdout) - int(bare.stdout) <= 3


@pytest.mark.slow
def test_build_prints_results_on_stdout_and_progress_on_stderr(out: Path) -> None:
    results, progress = (out / "said.txt").read_text().split("\f")
    assert "top-1 stretch" in results
    assert re.search(r"int8 +\d\.\d MB +100\.0 % +100\.0 %", results)
    assert str(out / "model.tflite") in results
    for phase in ("Checking photos", "Training the head",
                  "Quantizing to int8: ", "Evaluating int8"):  # fmt: skip
        assert phase in progress
    for chatter in ("WARNING", "INFO", "W0000", "I0000", "fully_quantize", "XNNPACK", "absl"):
        assert chatter not in results + progress


@pytest.mark.slow
def test_debug_shows_native_output(photos: Path, session_cache: Path, tmp_path: Path) -> None:
    done = packager("build", "--data", photos, "--out", tmp_path / "out", "--debug",
                    "--epochs", 1, cache=session_cache)  # fmt: skip
    assert done.returncode == 0
    assert "XNNPACK" in done.stderr


@pytest.mark.slow
def test_quiet_prints_nothing_but_results(
    photos: Path, session_cache: Path, tmp_path: Path
) -> None:
    done = packager("build", "--data", photos, "--out", tmp_path / "out", "--quiet", "--quantize",
                    "none", "--epochs", 1, cache=session_cache)  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.slow
def test_inspect_evaluate_and_predict(out: Path, photos: Path, session_cache: Path) -> None:
    model = out / "model.tflite"
    inspected = json.loads(packager("inspect", model, "--json").stdout)
    assert inspected["quantization"] == "int8 full integer, per channel"
    assert inspected["labels"] == ["blue", "green", "red"]
    assert "int8 full integer" in packager("inspect", model).stdout

    evaluated = packager("evaluate", model, "--data", photos, "--json", cache=session_cache)
    values = json.loads(evaluated.stdout)
    assert values["part"] == "test"
    assert [view["top1"] for view in values["evaluation"]["views"]] == [1.0, 1.0]
    everything = packager("evaluate", model, "--data", photos, "--part", "all")
    assert "36 photos (all)" in everything.stdout

    photo = photos / "green" / "0.png"
    predicted = json.loads(packager("predict", model, photo, "--json", "--top", 2).stdout)
    assert predicted[0]["top"][0][0] == "green"
    assert len(predicted[0]["top"]) == 2
    assert "green" in packager("predict", model, photo).stdout


@pytest.mark.slow
def test_metadata_write_relabels_a_model(out: Path, tmp_path: Path) -> None:
    labels, copy = tmp_path / "labels.txt", tmp_path / "copy.tflite"
    labels.write_text("bleu\nvert\n🌹 rouge\n", "utf-8")
    before = (out / "model.tflite").read_bytes()
    done = packager("metadata", "write", out / "model.tflite", "--labels", labels, "--out", copy,
                    "--author", "Ann & Bob")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "🌹 rouge" in done.stdout
    report = json.loads(packager("inspect", copy, "--json").stdout)
    assert report["labels"] == ["bleu", "vert", "🌹 rouge"]
    assert report["metadata"]["author"] == "Ann & Bob"
    assert (out / "model.tflite").read_bytes() == before


def test_a_recipe_is_printed_with_what_is_given(tmp_path: Path) -> None:
    done = packager_here("recipe", "--quantize", "fp16", "--no-android")
    assert done.exit_code == 0
    assert 'type = "fp16"' in done.stdout
    assert "android = false" in done.stdout
    (tmp_path / "recipe.toml").write_text(done.stdout)
    again = packager_here("recipe", "--recipe", tmp_path / "recipe.toml", "--android")
    assert again.stdout == done.stdout.replace("android = false", "android = true")


def test_specs_and_weights_list_every_model(tmp_path: Path) -> None:
    names = [
        "lite0", "lite1", "lite2", "lite3", "lite4", "mobilenet_v2", "mobilenet_v3_l",
        "mobilenet_v4_s", "mobilenet_v4_m", "efficientnet_v2_b0", "resnet50",
    ]  # fmt: skip
    specs = json.loads(packager_here("specs", "--json").stdout)
    assert [spec["name"] for spec in specs] == names
    weights = json.loads(packager_here("weights", "--json", cache=tmp_path).stdout)
    assert [row["spec"] for row in weights] == names
    assert weights[0]["present"]
    assert not weights[3]["present"]
    assert "MobileNetV2" in packager_here("specs").stdout
    assert "BSD-3-Clause" in packager_here("weights").stdout


REFUSALS = {
    "no such data": (("build", "--data", "{tmp}/nowhere"), 1, "there is no such folder"),
    "no such spec": (("build", "--spec", "b7"), 2, "unknown model spec 'b7'"),
    "no such quantization": (("build", "--quantize", "int3"), 2, "unknown quantization 'int3'"),
    "no such io": (("build", "--io", "int16"), 2, "unknown input type 'int16'"),
    "io against quantization": (("build", "--quantize", "none", "--io", "int8"), 2, "can't take"),
    "bad split": (("build", "--split", "all"), 2, "not a split"),
    "epochs not a number": (("build", "--epochs", "many"), 2, "--epochs"),
    "negative epochs": (("build", "--epochs", "-3"), 2, "--epochs: -3 is out of range"),
    "bad drop": (("build", "--max-accuracy-drop", "101"), 2, "out of range"),
    "unknown flag": (("build", "--speck", "lite0"), 2, "--speck"),
    "unknown command": (("bild",), 2, "bild"),
    "one class": (("build", "--data", "{one}"), 1, "only one class, 'cats'"),
    "not a Keras 2 weights file": (("build", "--data", "{data}", "--weights", "{tmp}/w.pth"), 1,
                        "no such weights file"),
    "weights of another kind": (("build", "--data", "{data}", "--weights", "{text}"), 1,
                                "text.txt"),
    "output in the data": (("build", "--data", "{data}", "--out", "{data}/out"), 2,
                           "is among the photos"),
    "output is a file": (("build", "--data", "{data}", "--out", "{text}"), 1, "not a folder"),
    "limit without a unit": (("build", "--spec", "auto", "--max-size", "8"), 2, "has no unit"),
    "limit without auto": (("build", "--max-latency", "20ms"), 2, "--spec auto"),
    "recipe with an unknown key": (("build", "--recipe", "{recipe}"), 2,
                                   "Do you mean `head.epochs`"),
    "recipe that isn't there": (("build", "--recipe", "{tmp}/no.toml"), 1,
                                "no.toml: the file can't"),
    "recipe over a file": (("recipe", "--out", "{recipe}"), 1, "exists already"),
    "compare with no such spec": (("compare", "--specs", "lite0,b7", "--data", "{data}", "--out",
                                   "{tmp}/out"), 2, "unknown model spec 'b7'"),
    "compare into the data": (("compare", "--specs", "lite0", "--data", "{tmp}", "--out", "{data}"),
                              1, "did not write"),
    "compare on a phone without a harness": (("compare", "--specs", "lite0", "--data", "{data}",
                                              "--out", "{tmp}/out", "--device"), 2, "no latency"),
    "inspect nothing": (("inspect", "{tmp}/no.tflite"), 1, "No such file"),
    "inspect a folder": (("inspect", "{tmp}"), 1, "it is a folder"),
    "inspect text": (("inspect", "{text}"), 1, "not a TFLite model"),
    "inspect an empty file": (("inspect", "{empty}"), 1, "not a TFLite model"),
    "inspect a stump": (("inspect", "{stump}"), 1, "the model is damaged"),
    "evaluate without data": (("evaluate", "{text}"), 2, "--data"),
    "evaluate text": (("evaluate", "{text}", "--data", "{data}"), 1, "not a TFLite model"),
    "predict without photos": (("predict", "{text}"), 2, "PHOTO"),
    "predict with text": (("predict", "{text}", "{text}"), 1, "not a TFLite model"),
    "verify text": (("verify", "{text}", "--data", "{data}"), 1, "not a TFLite model"),
    "metadata without labels": (("metadata", "write", "{text}"), 2, "--labels"),
    "metadata into text": (("metadata", "write", "{text}", "--labels", "{text}"), 1,
                           "not a TFLite model"),
    "labels that aren't there": (("metadata", "write", "{text}", "--labels", "{tmp}/no.txt"), 1,
                                 "the labels can't be read"),
    "labels in Latin-1": (("metadata", "write", "{text}", "--labels", "{latin}"), 1,
                          "not UTF-8"),
    "no labels": (("metadata", "write", "{text}", "--labels", "{empty}"), 1, "no labels"),
    "mean of words": (("metadata", "write", "{text}", "--labels", "{text}", "--mean", "gray"), 2,
                      "'gray' is not a number"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(REFUSALS))
def test_refusals_say_what_is_wrong_without_a_trace(case: str, tmp_path: Path) -> None:
    places = {"tmp": tmp_path, "one": tmp_path / "one", "data": tmp_path / "data"}
    save_photo(places["one"] / "cats" / "0.png", (90, 90, 90), 0)
    for label in ("cats", "dogs"):
        for number in range(3):
            save_photo(places["data"] / label / f"{number}.png", (90, 90, 90), number)
    contents = {
        "text": b"some text\n",
        "empty": b"",
        "stump": b"\x1c\0\0\0TFL3\x14\0\x20\0",
        "latin": "Löwe\n".encode("latin-1"),
        "recipe": b"[head]\nepoch = 3\n",
    }
    for name, content in contents.items():
        places[name] = tmp_path / f"{name}.txt"
        places[name].write_bytes(content)
    arguments, status, message = REFUSALS[case]
    done = packager_here(*(str(a).format(**places) for a in arguments), cache=tmp_path / "cache")
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert done.exit_code == status


@pytest.mark.slow
def test_models_that_do_not_fit_are_refused(out: Path, photos: Path, tmp_path: Path) -> None:
    model = out / "model.tflite"
    strange = tmp_path / "strange"
    for label in ("cats", "dogs"):
        save_photo(strange / label / "0.png", (90, 90, 90), 0)
    done = packager("evaluate", model, "--data", strange)
    assert "the model has no label for cats, dogs" in done.stderr
    done = packager("evaluate", model, "--data", photos, "--part", "train")
    assert (done.returncode, "unknown part 'train'" in done.stderr) == (2, True)
    (tmp_path / "alone.tflite").write_bytes(model.read_bytes())
    done = packager("evaluate", tmp_path / "alone.tflite", "--data", photos, "--part", "test")
    assert "none of these photos is a test photo of the model" in done.stderr
    done = packager("predict", model, tmp_path / "strange")
    assert (done.returncode, "it is a folder" in done.stderr) == (1, True)
    done = packager("predict", model, photos / "red" / "0.png", "--top", 0)
    assert (done.returncode, "--top: 0 is out of range" in done.stderr) == (2, True)
    done = packager("verify", model, "--data", photos, "--client", "opera")
    assert (done.returncode, "unknown client 'opera'" in done.stderr) == (2, True)
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(model.read_bytes()[:200_000])
    done = packager("predict", cut, photos / "red" / "0.png")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_readme_and_ci_run_the_same_test_command() -> None:
    last = (ROOT / ".ci" / "run").read_text().strip().splitlines()[-1]
    assert f"    {last}\n" in (ROOT / "README.md").read_text()


@pytest.mark.usefixtures("same_process")
def test_an_update_of_an_edited_project(tmp_path: Path) -> None:
    model, out = save_model(tmp_path), tmp_path / "app"
    assert packager_here("android", model, "--out", out, "--app-name", "One").exit_code == 0
    strings = out / "app/src/main/res/values/strings.xml"
    strings.write_text(strings.read_text().replace("One", "Mine"))
    update = ("android", model, "--out", out, "--update")
    done = packager_here(*update, "--json")
    assert done.exit_code == 0, done.stderr
    name = strings.relative_to(out).as_posix()
    assert json.loads(done.stdout)["files"] == [{"name": name, "outcome": "kept", "conflicts": 0}]
    done = packager_here(*update, "--app-name", "Two")
    assert done.exit_code == 1
    assert f"{name}   1 conflict is marked in it" in done.stdout
    assert done.stderr.startswith(f"error: {out}: there are conflicts between your changes")
    done = packager_here("android", model, "--out", out, "--force")
    assert "--update in place of --force" in done.stderr
