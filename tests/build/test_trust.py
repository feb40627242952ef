"""What a build tells of its own model: cross-validation, refit, the class for what is unknown."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from packager.build import BuildResult, BuildSettings, build
from packager.build.measure import FalseAccepts
from packager.build.train import all_labels
from packager.classifier_file import predict_photos
from packager.cli import build_tables
from packager.data.folder import scan_folder
from packager.data.negatives import scan_negatives
from packager.errors import SettingsError
from packager.metadata.container import open_model
from packager.metadata.reader import metadata_tree
from packager.training.settings import UnknownSettings
from tests.conftest import Heard, save_photo
from tests.settings import build_settings


def settings(photos: Path, out: Path, **more: object) -> BuildSettings:
    return build_settings(**{"data": photos, "out": out, "epochs": 8, "android": False, **more})


@pytest.fixture(scope="module")
def whole(
    photos: Path, session_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> BuildResult:
    """Learnt from all photos, with a class for what is unknown."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACKAGER_CACHE", str(session_cache))
        out = tmp_path_factory.mktemp("build") / "out"
        return build(settings(photos, out, refit=True, unknown=True, unknown_label="none of these"))


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Photos in other colours than those of the classes."""
    for number in range(24):
        color = (number * 83 % 256, number * 47 % 256, number * 131 % 256)
        save_photo(tmp_path / "others" / f"{number}.png", color, 100 + number)
    return tmp_path / "others"


def facts(result: BuildResult) -> dict[str, object]:
    return json.loads((result.out / "report.json").read_text())


@pytest.mark.slow
def test_a_refit_is_judged_by_cross_validation_over_all_photos(whole: BuildResult) -> None:
    report = facts(whole)
    judged, accuracy = report["cross_validation"], report["accuracy"]
    assert judged["photos"] == accuracy["test_photos"] == 36
    assert accuracy["basis"] == "cross-validation"
    assert set(accuracy["agreement"]) == {"stretch", "crop"}
    assert min(accuracy["agreement"].values()) > 0.8
    assert judged["views"]["stretch"]["top1"] == accuracy["exported"]["stretch"]["top1"]
    assert report["curves"][0]["validation_loss"] is None
    contract = json.loads((whole.out / "model_spec.json").read_text())
    assert contract["accuracy"]["photos"] == 36
    page = (whole.out / "report.html").read_text()
    assert "The head was trained on all photos" in page
    assert "Effect of quantization" not in page


@pytest.mark.slow
def test_the_file_says_unknown_to_what_it_has_never_seen(
    whole: BuildResult, photos: Path, tmp_path: Path
) -> None:
    from PIL import Image

    assert whole.classes[-1] == "none of these"
    assert (whole.out / "labels.txt").read_text().splitlines()[-1] == "none of these"
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    known = sorted(photos.glob("*/*"))[::6]
    answers = [
        each.top[0][0] for each in predict_photos(whole.model, [tmp_path / "noise.png", *known])
    ]
    assert answers[0] == "none of these"
    assert answers[1:].count("none of these") <= 2
    told = facts(whole)["unknown"]
    assert told["label"] == "none of these"
    assert told["drawings"]["photos"] == 60
    assert 0 <= told["drawings"]["false_accept_rate"]["stretch"] <= 1
    contract = json.loads((whole.out / "model_spec.json").read_text())
    assert contract["output"]["threshold"] is None


@pytest.mark.slow
def test_without_that_class_a_threshold_is_in_metadata_and_contract(
    photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    result = build(settings(photos, tmp_path / "out"))
    report = facts(result)
    contract = json.loads((result.out / "model_spec.json").read_text())
    threshold = contract["output"]["threshold"]
    assert 0 < threshold < 255 / 256  # the highest score of an int8 file
    assert (threshold * 256).is_integer()
    assert threshold == report["scores"]["threshold"]
    tree = metadata_tree(open_model(result.model.read_bytes())) or {}
    units = tree["subgraph_metadata"][0]["output_tensor_metadata"][0]["process_units"]
    kind, options = units[0]["options"]
    assert kind == "ScoreThresholdingOptions"
    assert options["global_score_threshold"] == pytest.approx(threshold, abs=1e-6)
    assert report["unknown"] is None
    assert report["accuracy"]["basis"] == "test photos"
    assert result.judged is not None
    assert report["heat"]


@pytest.mark.slow
def test_counter_examples_are_measured_on_those_that_were_held_out(
    photos: Path, others: Path, warm_cache: Path, tmp_path: Path, heard: Heard
) -> None:
    given = settings(photos, tmp_path / "out", unknown=True, negatives=others)
    result = build(given, progress=heard)
    own = scan_folder(photos)
    held_out = [each.path for each in scan_negatives(others, own).held_out]
    answers = [each.top[0][0] for each in predict_photos(result.model, held_out)]
    told = facts(result)["unknown"]["negatives"]
    assert told["photos"] == len(held_out) < 24
    through = sum(answer != "unknown" for answer in answers)
    assert told["false_accept_rate"]["stretch"] == pytest.approx(through / len(held_out))
    for view in ("stretch", "crop"):
        low, high = told["interval"][view]
        assert low <= told["false_accept_rate"][view] <= high
    assert any("24 counter-examples" in line for line in heard.said)
    page = (result.out / "report.html").read_text()
    assert f"False accept rate on {len(held_out)} held-out counter-examples" in page
    printed = Console(file=io.StringIO(), width=200)
    for part in build_tables.build(result):
        printed.print(part)
    assert f"Of {len(held_out)} held-out counter-examples" in printed.file.getvalue()


@pytest.mark.slow
def test_without_cross_validation_the_validation_photos_calibrate(
    photos: Path, others: Path, warm_cache: Path, tmp_path: Path
) -> None:
    given = {"cross_validate": False, "unknown": True, "negatives": others}
    result = build(settings(photos, tmp_path / "out", **given))
    assert result.judged is None
    assert facts(result)["cross_validation"] is None
    assert facts(result)["unknown"]["directions"] >= 3
    assert facts(result)["unknown"]["negatives"]["photos"] >= 5


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"unknown": True, "unknown_keep": 1.0}, "--unknown-keep: 1.0 is out of range"),
        ({"unknown": True, "unknown_keep": 95}, "--unknown-keep: 95 is out of range"),
        ({"unknown_keep": 0.9}, "--unknown-keep: it only applies to the class that --unknown adds"),
        (
            {"unknown_label": "other"},
            "--unknown-label: it only applies to the class that --unknown adds",
        ),
        (
            {"negatives": Path("other")},
            "--negatives: it only applies to the class that --unknown adds",
        ),
        ({"unknown": True, "unknown_label": " "}, "--unknown-label: ' ' can't be a label"),
        (
            {"refit": True, "cross_validate": False},
            "--refit: .*only be evaluated by cross-validation",
        ),
        ({"refit": True, "fine_tune": "tail"}, "--refit: it needs a frozen backbone"),
        ({"unknown": True, "fine_tune": "tail"}, "--unknown: it needs a frozen backbone"),
    ],
)
def test_bad_settings_are_refused(bad: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=message):
        settings(tmp_path, tmp_path / "out", **bad)


def test_a_class_of_that_name_is_refused() -> None:
    unknown = UnknownSettings(enabled=True, label="Unknown")
    assert all_labels(["cat", "dog"], unknown) == ("cat", "dog", "Unknown")
    assert all_labels(["cat", "unknown"], UnknownSettings()) == ("cat", "unknown")
    with pytest.raises(SettingsError, match="already a class with the label 'Unknown'"):
        all_labels(["cat", "unknown"], unknown)


def test_the_earlier_name_of_the_false_accept_rate_warns() -> None:
    accepts = FalseAccepts("drawings", 4, {"stretch": 0.25}, {"stretch": (0.0, 0.5)})
    with pytest.warns(DeprecationWarning, match="false_accept_rate"):
        assert accepts.let_through == {"stretch": 0.25}
