from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from packager import files
from packager.build import BuildResult, BuildSettings, build, measure
from packager.classifier_file import evaluate_file, predict_photos
from packager.cli import build_tables
from packager.errors import AccuracyError, DataError, OutputError, SettingsError
from packager.inspection import inspect_model
from packager.out_folder import FLOAT_MODEL_FILE
from packager.progress import Phase, Progress
from tests.conftest import COLORS, Heard, save_photo
from tests.settings import build_settings


@pytest.fixture(scope="module")
def built(
    photos: Path, session_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> BuildResult:
    """A lite0 int8 build of the small photos, made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACKAGER_CACHE", str(session_cache))
        return build(settings(photos, tmp_path_factory.mktemp("build") / "out"))


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file's content, by its name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def settings(photos: Path, out: Path, **more: object) -> BuildSettings:
    return build_settings(**{"data": photos, "out": out, "epochs": 8, **more})


@pytest.mark.slow
def test_folder_holds_model_labels_contract_and_report(built: BuildResult) -> None:
    assert sorted(path.name for path in built.out.iterdir()) == [
        ".packager.json",
        "android",
        "labels.txt",
        "model.tflite",
        "model_spec.json",
        "report.html",
        "report.json",
    ]
    assert (built.out / "labels.txt").read_text() == "blue\ngreen\nred\n"
    assert built.classes == ("blue", "green", "red")
    assert built.evaluation.top1("stretch") == 1.0
    assert built.model_bytes == built.model.stat().st_size < built.float_bytes / 3


@pytest.mark.slow
def test_model_carries_metadata_and_labels(built: BuildResult) -> None:
    report = inspect_model(built.model)
    assert report.quantization == "int8 full integer, per channel"
    assert report.labels == built.classes
    assert report.metadata is not None
    assert report.metadata.name.endswith("EfficientNet-Lite0")
    assert report.metadata.inputs[0].mean == (127.0,)
    assert report.operators == {
        "CONV_2D": 33, "DEPTHWISE_CONV_2D": 16, "ADD": 9, "QUANTIZE": 2, "MEAN": 1,
        "FULLY_CONNECTED": 1, "SOFTMAX": 1,
    }  # fmt: skip
    with zipfile.ZipFile(built.model) as archive:
        assert archive.read("labels.txt").decode() == "blue\ngreen\nred\n"


@pytest.mark.slow
def test_contract_describes_the_file(built: BuildResult) -> None:
    contract = json.loads((built.out / "model_spec.json").read_text())
    model = built.model.read_bytes()
    assert contract["model"]["sha256"] == hashlib.sha256(model).hexdigest()
    assert contract["model"]["bytes"] == len(model)
    assert contract["input"] == {
        "name": "image", "shape": [1, 224, 224, 3], "dtype": "uint8", "scale": 1 / 128,
        "zero_point": 127, "color_space": "RGB", "mean": [127.0], "std": [128.0],
    }  # fmt: skip
    assert contract["output"]["shape"] == [1, 3]
    labels = (built.out / "labels.txt").read_bytes()
    assert contract["labels"]["sha256"] == hashlib.sha256(labels).hexdigest()
    assert contract["labels"]["count"] == 3
    assert contract["accuracy"]["stretch"]["top1"] == built.evaluation.top1("stretch")


@pytest.mark.slow
def test_report_tells_what_was_done(built: BuildResult, photos: Path) -> None:
    report = json.loads((built.out / "report.json").read_text())
    parts = report["data"]["split"]
    listed = [name for part in ("train", "validation", "test") for name in parts[part]]
    assert sorted(listed) == sorted(
        path.relative_to(photos).as_posix() for path in photos.rglob("*.png")
    )
    assert report["data"]["classes"]["red"] == {
        part: sum(name.startswith("red/") for name in names) for part, names in parts.items()
    }
    assert len(report["curves"]) == 8
    assert 0 <= report["best_epoch"] < 8
    assert report["recipe"]["seed"] == 0
    assert report["recipe"]["head"]["epochs"] == 8
    assert report["bytes"]["exported"] == built.model_bytes
    assert set(report["accuracy"]["exported"]) == {"stretch", "crop"}
    assert report["calibration_samples"] > 20
    assert report["seconds"]["total"] >= sum(report["seconds"].values()) / 2 - 0.1
    assert report["versions"]["ai-edge-litert"]


@pytest.mark.slow
def test_page_shows_the_photos_and_figures_come_along_when_asked_for(
    built: BuildResult, photos: Path, warm_cache: Path, tmp_path: Path, heard: Heard
) -> None:
    again = settings(photos, tmp_path / "out", android=False, plots=True)
    result = build(again, progress=heard)
    assert "could not be shown" not in (result.out / "report.html").read_text()
    assert not [warning for warning in heard.warnings if "report" in warning]
    assert "loss.svg" in [path.name for path in (result.out / "plots").iterdir()]
    assert not (built.out / "plots").exists()
    build(build_settings(again, force=True))  # all of it is ours to replace


@pytest.mark.slow
def test_same_seed_gives_the_same_file_and_a_warm_cache_computes_nothing(
    built: BuildResult, photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    again = build(settings(photos, tmp_path / "again"))
    assert again.model.read_bytes() == built.model.read_bytes()
    report = json.loads((again.out / "report.json").read_text())
    assert report["features"] == {
        "computed": 0, "cached": 36, "damaged": 0,
        "backbone_cached": True,
    }  # fmt: skip
    other = build(settings(photos, tmp_path / "other", seed=1))
    assert other.model.read_bytes() != built.model.read_bytes()


@pytest.mark.slow
def test_same_file_from_an_empty_cache(
    built: BuildResult, photos: Path, cache: Path, tmp_path: Path
) -> None:
    again = build(settings(photos, tmp_path / "again"))
    assert again.model.read_bytes() == built.model.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["none", "fp16", "dynamic", "int16x8"])
def test_other_quantizations(
    quantization: str, photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    result = build(settings(photos, tmp_path / "out", quantize=quantization))
    assert result.evaluation.top1("stretch") == 1.0
    report = inspect_model(result.model)
    assert report.inputs[0].dtype == "float32"
    assert report.labels == result.classes
    contract = json.loads((result.out / "model_spec.json").read_text())
    assert contract["input"]["scale"] is None
    evaluated = evaluate_file(result.model, photos, part="test").evaluation
    assert evaluated.views == result.evaluation.views


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "part", "cut", "later"),
    [
        ("tail", "tail", "stage5_block3_add", (None, None)),
        ("full", "backbone", "stage3_block2_add", ("stage5_block3_add", 1)),
    ],
)
def test_fine_tuned_build_exports_what_was_tuned(
    mode: str, part: str, cut: str, later: tuple[str | None, int | None], built: BuildResult,
    photos: Path, warm_cache: Path, tmp_path: Path, heard: Heard,
) -> None:  # fmt: skip
    checkpoints = set(warm_cache.glob("checkpoints/*"))
    tuning = {"fine_tune": mode, "fine_tune_epochs": 2, "android": False}
    result = build(settings(photos, tmp_path / "out", **tuning), progress=heard)
    assert result.evaluation.top1("stretch") == 1.0
    report = json.loads((result.out / "report.json").read_text())
    assert set(warm_cache.glob("checkpoints/*")) == checkpoints
    tuned = report["fine_tuning"]
    assert (tuned["settings"]["mode"], tuned["cut"]) == (mode, cut)
    assert (tuned["later_cut"], tuned["later_cut_after"]) == later
    assert len(tuned["curves"]) == 2
    losses = {row["share"]: row["loss"] for row in tuned["validation"]}
    assert tuned["improved"] == (losses[tuned["share"]] < losses[0])
    assert tuned["best_epoch"] == (1 if tuned["share"] == 1 else None)
    assert report["curves"] == json.loads((built.out / "report.json").read_text())["curves"]
    assert report["seconds"]["fine-tuning"] > 0
    changed = result.model.read_bytes() != built.model.read_bytes()
    assert changed == tuned["improved"]
    assert any(f"Fine-tuning the {part}" in phase for phase in heard.phases)


@pytest.mark.slow
def test_too_large_a_drop_fails_and_leaves_the_float_model(
    photos: Path, warm_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "worst_drop", lambda *_: 3.2)
    out = tmp_path / "out"
    with pytest.raises(
        AccuracyError, match=r"fp16 loses 3\.2 points .* more than the 1\.0 allowed"
    ):
        build(settings(photos, out, quantize="fp16", max_accuracy_drop=1.0))
    assert inspect_model(out / FLOAT_MODEL_FILE).quantization == "float32"
    contract = json.loads((out / "model_spec.json").read_text())
    assert contract["model"]["file"] == FLOAT_MODEL_FILE
    assert not (out / "model.tflite").exists()


@pytest.mark.slow
def test_more_expensive_strategies_are_tried_till_one_is_good_enough(
    photos: Path, warm_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    drops = iter([5.0, 0.5])
    monkeypatch.setattr(measure, "worst_drop", lambda *_: next(drops))
    result = build(settings(photos, tmp_path / "out", max_accuracy_drop=1.0), progress=heard)
    assert [each.strategy for each in result.attempts] == ["default", "bias correction"]
    report = json.loads((result.out / "report.json").read_text())
    assert report["quantization"]["strategy"] == "bias correction"
    assert [each["drop_points"] for each in report["quantization"]["attempts"]] == [5.0, 0.5]
    # Each model is measured once, and no second counts twice.
    measured = [phase for phase in heard.phases if phase.startswith("Evaluating")]
    assert measured == ["Evaluating float32", "Evaluating int8", "Evaluating int8"]
    seconds = dict(result.seconds)
    assert sum(seconds.values()) - seconds["total"] <= seconds["total"] + 0.01
    assert inspect_model(result.model).quantization == "int8 full integer, per channel"


@pytest.mark.slow
def test_rejects_and_duplicates_are_reported(
    photos: Path, warm_cache: Path, tmp_path: Path, heard: Heard
) -> None:
    data = tmp_path / "data"
    shutil.copytree(photos, data)
    (data / "red" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    shutil.copy(data / "blue" / "3.png", data / "blue" / "copy of 3.png")
    (data / "notes.txt").write_text("not a photo")
    result = build(settings(data, tmp_path / "out", quantize="none"), progress=heard)
    report = json.loads((result.out / "report.json").read_text())
    assert [reject["path"] for reject in report["data"]["rejects"]] == ["red/broken.jpg"]
    assert report["data"]["duplicates"] == [["blue/3.png", "blue/copy of 3.png"]]
    assert report["data"]["ignored"] == 1
    assert any("broken.jpg" in warning for warning in heard.warnings)
    assert any("copy of 3.png" in warning for warning in heard.warnings)
    parts = report["data"]["split"]
    assert sum({"blue/3.png", "blue/copy of 3.png"} <= set(names) for names in parts.values()) == 1


class Vanishing(Heard):
    """Deletes, or overwrites, some photos at the start of each phase after the check."""

    def __init__(self, photos: list[Path]) -> None:
        super().__init__()
        self.left = photos

    def phase(
        self, name: str, total: int | None = None, *, counted: bool = True
    ) -> AbstractContextManager[Phase]:
        if name != "Checking photos" and self.left:
            self.left.pop().unlink()
            save_photo(self.left.pop(), (0, 0, 0), 7)
        return super().phase(name, total, counted=counted)


@pytest.mark.slow
def test_photos_lost_midway_are_left_out_to_the_end(
    photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    shutil.copytree(photos, tmp_path / "photos")
    odd = tmp_path / "photos" / "red" / os.fsdecode(b"caf\xe9.png")
    save_photo(tmp_path / "photos" / "red" / "x.png", (200, 40, 50), 99).rename(odd)
    victims = [tmp_path / "photos" / label / f"{n}.png" for n in range(4) for label in COLORS]
    heard = Vanishing(victims)
    result = build(settings(tmp_path / "photos", tmp_path / "out"), progress=heard)
    report = json.loads((result.out / "report.json").read_text("utf-8"))
    lost = [reject["path"] for reject in report["data"]["rejects"]]
    warned = [each for each in heard.warnings if "changed while in use" in each]
    assert not victims
    assert 1 <= len(lost) <= len(warned)
    used = report["data"]["split"]
    assert sum(len(of_part) for of_part in used.values()) == 37
    assert "red/caf\udce9.png" in [name for of_part in used.values() for name in of_part]
    assert (result.out / "report.html").read_text("utf-8")


@pytest.mark.slow
def test_a_class_lost_midway_is_an_error(photos: Path, warm_cache: Path, tmp_path: Path) -> None:
    class AllRedVanish(Heard):
        def phase(
            self, name: str, total: int | None = None, *, counted: bool = True
        ) -> AbstractContextManager[Phase]:
            if name == "Calibrating":
                shutil.rmtree(tmp_path / "photos" / "red")
            return super().phase(name, total, counted=counted)

    for label, color in COLORS.items():  # others than those whose features are in the cache
        for number in range(12):
            save_photo(tmp_path / "photos" / label / f"{number}.png", color, seed=500 + number)
    with pytest.raises(DataError, match="none of the training photos of the class 'red' can be"):
        build(settings(tmp_path / "photos", tmp_path / "out"), progress=AllRedVanish())
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGINT")
def test_interrupted_build_leaves_the_old_folder(
    built: BuildResult, photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(built.out, out)
    before = snapshot(out)
    child = subprocess.Popen(
        [sys.executable, "-m", "packager", "build", "--force", "--data", str(photos),
         "--out", str(out), "--epochs", "100000"],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stderr is not None
    for line in child.stderr:
        if b"to train" in line:
            break
    child.send_signal(signal.SIGINT)
    said = child.stderr.read().decode()
    assert child.wait(60) == 130
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert snapshot(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_android_project_holds_the_same_model(built: BuildResult) -> None:
    assert built.android == built.out / "android"
    assets = built.out / "android" / "app" / "src" / "main" / "assets"
    for name in ("model.tflite", "labels.txt", "model_spec.json"):
        assert (assets / name).read_bytes() == (built.out / name).read_bytes()


@pytest.mark.slow
def test_android_project_has_photos_and_what_the_model_says_of_them(built: BuildResult) -> None:
    samples = built.out / "android" / "app" / "src" / "main" / "assets" / "benchmark"
    record = json.loads((samples / "predictions.json").read_text())
    (digest,) = record["models"]
    assert digest == hashlib.sha256(built.model.read_bytes()).hexdigest()
    names = [row["file"] for row in record["models"][digest]]
    assert names == [path.name for path in sorted((samples / "photos").iterdir())]
    said = predict_photos(built.model, [samples / "photos" / name for name in names], top=1)
    for row, prediction in zip(record["models"][digest], said, strict=True):
        assert (row["label"], row["score"]) == prediction.top[0]
        assert built.classes[row["index"]] == row["label"]


@pytest.mark.slow
def test_web_page_holds_the_same_model_and_is_replaced_with_the_build(
    photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    made = settings(photos, tmp_path / "out", web=True)
    built = build(made)
    assert built.web == built.out / "web"
    assert any(f"{built.web}: a page" in str(line) for line in build_tables.build(built))
    for name in ("model.tflite", "labels.txt", "model_spec.json"):
        assert (built.out / "web" / name).read_bytes() == (built.out / name).read_bytes()
    samples = sorted(p.name for p in (built.out / "web" / "samples" / "photos").iterdir())
    app = built.out / "android" / "app" / "src" / "main" / "assets" / "benchmark" / "photos"
    assert samples == sorted(photo.name for photo in app.iterdir())
    build(build_settings(made, force=True))


@pytest.mark.slow
def test_project_that_was_worked_on_is_never_replaced(
    built: BuildResult, photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(built.out, out)
    again = settings(photos, out, force=True, quantize="none")
    for module in ("app", "core"):
        made = out / "android" / module / "build" / "outputs"
        made.mkdir(parents=True)
        (made / "app.apk").write_text("made by Gradle")
    build(again)  # what Gradle left behind doesn't count
    readme = out / "android" / "README.md"
    whole = readme.read_text()
    readme.write_text(whole + "my notes")
    with pytest.raises(OutputError, match=r"changed since .* them: android/README\.md"):
        build(again)
    assert "my notes" in readme.read_text()
    readme.write_text(whole)
    for name in ("android/local.properties", "plots/my-own.png", "android/core/src/build/A.kt"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("mine")
    with pytest.raises(OutputError, match="android/core/src/build/, android/local.*, plots/"):
        build(again)


@pytest.mark.slow
@pytest.mark.parametrize("force", [False, True])
def test_what_came_to_the_place_meanwhile_stays(
    force: bool, photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    """Also another build there is refused, at once."""
    out = tmp_path / "out"
    again = settings(photos, out, force=force, quantize="none", android=False)
    if force:
        build(again)
    second: list[OutputError] = []

    class Meanwhile(Progress):
        def say(self, message: str) -> None:
            try:
                build(again)
            except OutputError as error:
                second.append(error)
            out.mkdir(exist_ok=True)
            (out / "mine.txt").write_text("mine")

    with pytest.raises(
        OutputError, match="created by something else meanwhile|did not write: mine.txt"
    ):
        build(again, progress=Meanwhile())
    assert "another run of packager is making this folder" in second[0].what
    assert (out / "mine.txt").read_text() == "mine"
    assert (out / "model.tflite").exists() == force
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_android_project_can_be_left_out(photos: Path, warm_cache: Path, tmp_path: Path) -> None:
    result = build(settings(photos, tmp_path / "out", quantize="none", android=False))
    assert result.android is None
    assert not (result.out / "android").exists()


def test_existing_folder_is_refused(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text("{}")
    with pytest.raises(OutputError, match="exists already.*--force to replace an older build"):
        build(settings(photos, out))


def test_force_never_replaces_a_strangers_folder(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.doc").write_text("years of work")
    with pytest.raises(OutputError, match=r"packager did not write: thesis\.doc"):
        build(settings(photos, out, force=True))
    assert (out / "thesis.doc").read_text() == "years of work"


def test_output_that_is_a_file_is_refused(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="not a folder"):
        build(settings(photos, tmp_path / "file"))
    with pytest.raises(OutputError, match="this is a file"):
        build(settings(photos, tmp_path / "file" / "out"))


def test_place_that_is_not_ours_to_write_in_is_refused_at_once(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match=r"can't be written \(.* is not writable\)"):
        build(settings(photos, tmp_path / "out"))


@pytest.mark.slow
def test_full_disk_is_told_and_leaves_nothing(
    photos: Path, warm_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_text", full)
    with pytest.raises(OutputError, match="can't be written .No space left on device"):
        build(settings(photos, tmp_path / "out", quantize="none"))
    assert list(tmp_path.iterdir()) == []


def test_output_among_the_photos_is_refused(tmp_path: Path) -> None:
    for label in ("a", "b"):
        save_photo(tmp_path / label / "0.png", (200, 30, 30), 0)
    with pytest.raises(SettingsError, match="is among the photos"):
        build(settings(tmp_path, tmp_path / "dist" / "out"))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"spec": "b0"}, "unknown model spec 'b0'.*lite0, lite1"),
        ({"quantize": "int4"}, "unknown quantization 'int4'"),
        ({"io": "int32"}, "unknown input type 'int32'"),
        ({"quantize": "none", "io": "uint8"}, "can't take uint8 pixels"),
        ({"split": "80/20"}, "not a split"),
        ({"epochs": 0}, "--epochs: 0 is out of range"),
        ({"max_accuracy_drop": -1.0}, "--max-accuracy-drop: -1.0 points is out of range"),
        ({"package": "class.name"}, "--package: 'class.name' can't be used"),
        ({"app_id": "flowers"}, "--app-id: 'flowers' can't be used"),
        ({"app_name": " "}, "--app-name: ' ' can't be used"),
        ({"fine_tune": "head"}, "--fine-tune: unknown fine-tuning mode 'head'"),
        ({"augment": "mixup"}, "--augment: it only applies to fine-tuning"),
        ({"resume": True}, "--resume: it only applies to fine-tuning"),
        ({"fine_tune": "full", "augment": "cutout"}, "--augment: unknown augmentation"),
        ({"max_accuracy_drop": float("nan")}, "nan points is out of range"),
        ({"seed": -1}, "--seed: -1 is out of range"),
        ({"engine": "spark"}, "--engine: unknown engine 'spark'.*local or ray"),
    ],
)
def test_bad_settings_are_refused_before_any_work(
    bad: dict[str, object], message: str, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=message):
        build(settings(photos, tmp_path / "out", **bad))
    assert not (tmp_path / "out").exists()
