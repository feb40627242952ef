from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from packager.data.folder import Photo, scan_folder
from packager.errors import SettingsError
from packager.export.convert import converted_backbone
from packager.specs import get_spec
from packager.training import fine_tune_choice
from packager.training.fine_tune_choice import FineTuneChoice, Trial, choose_fine_tuning, p_value
from packager.training.frozen import frozen_features
from packager.training.settings import FineTuneSettings, HeadSettings
from tests.training.clouds import clouds
from tests.training.test_fine_tune import RANDOM, SMALL

AUTO = FineTuneSettings("auto")


def choose(
    monkeypatch: pytest.MonkeyPatch, trials: list[Trial] | SettingsError | None = None, *,
    count: int = 200, distance: float = 1.0, minutes: float = 10, photo_seconds: float = 0.0,
) -> FineTuneChoice:  # fmt: skip
    """The choice for clouds of features that overlap, with the outcome of each trial given."""
    left = list(trials) if isinstance(trials, list) else []

    def run(*_: Any) -> Trial:
        if isinstance(trials, SettingsError):
            raise trials
        return left.pop(0)

    monkeypatch.setattr(fine_tune_choice._Plan, "run", run)
    monkeypatch.setattr(fine_tune_choice, "_seconds_of_a_photo", lambda *_: photo_seconds)
    features, labels = clouds(count, distance=distance)
    photos = [Photo(Path(f"{n}.jpg"), int(label), f"{n:064x}") for n, label in enumerate(labels)]
    cut = count * 9 // 10
    parts: Any = SimpleNamespace(
        parts=(photos[:cut], photos[cut:]),
        store=SimpleNamespace(judged=(0, 1)),
        load=lambda part: ((features[:cut], labels[:cut]), (features[cut:], labels[cut:]))[part],
    )
    weights: Any = None
    choice = choose_fine_tuning(
        get_spec("lite0"), weights, b"", parts, 3, HeadSettings(epochs=30, learning_rate=0.02),
        replace(AUTO, minutes=minutes), {},
    )  # fmt: skip
    assert not left, "trials that nobody asked for"
    return choice


def trial(better: int, worse: int, seconds: float = 1.0) -> Trial:
    return Trial(40, 0.5, 0.5 + (better - worse) / 40, better, worse, seconds)


def test_certain_gain_is_taken_and_ends_the_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = choose(monkeypatch, [trial(9, 0)])
    assert choice.mode == "tail"
    assert "50.0 % frozen and 72.5 % with a fine-tuned tail" in choice.reason
    assert choice.p_value == pytest.approx(2**-9)
    assert choice.photos == 200
    assert choice.wrong > 20


def test_gain_that_needs_several_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose(monkeypatch, [trial(5, 0), trial(4, 0)]).mode == "tail"


def test_no_gain_ends_the_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = choose(monkeypatch, [trial(2, 2)])
    assert (choice.mode, len(choice.trials)) == ("none", 1)
    assert "it gains nothing" in choice.reason


def test_gain_within_chance_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = choose(monkeypatch, [trial(1, 0)] + [trial(2, 1)] * 4)
    assert (choice.mode, len(choice.trials)) == ("none", 5)
    assert choice.reason.startswith("the gain isn't significant")


def test_time_ends_the_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = choose(monkeypatch, [trial(3, 1, seconds=280)])
    assert choice.mode == "none"
    assert choice.reason.endswith("as many as 10 minutes allow")
    choice = choose(monkeypatch, [trial(9, 0, seconds=500)])
    assert choice.mode == "none"
    assert choice.reason.endswith("takes about 11 minutes: --minutes 11")
    choice = choose(monkeypatch, [], photo_seconds=10)
    assert choice.mode == "none"
    assert "--minutes 57 would allow it" in choice.reason


def test_what_is_solved_or_too_small_needs_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    solved = choose(monkeypatch, distance=6)
    assert (solved.mode, solved.wrong) == ("none", 0)
    assert "wrong on 0 of 200 held-out photos, too few" in solved.reason
    assert "30 photos are too few" in choose(monkeypatch, count=30).reason


def test_without_tensorflow_it_says_what_it_would_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fine_tune_choice, "has_extra", lambda _: False)
    choice = choose(monkeypatch)
    assert choice.mode == "none"
    assert "TensorFlow is not installed: pip install" in choice.reason


def test_backbone_that_cannot_be_cut_stays_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    error = SettingsError("the backbone has no layer to cut at", fix="Use full.")
    choice = choose(monkeypatch, error)
    assert choice.reason == "the backbone has no layer to cut at, so the backbone stays frozen"


@pytest.mark.slow
def test_trial_fine_tunes_and_compares(
    photos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fine_tune_choice, "FEWEST_PHOTOS", 30)
    monkeypatch.setattr(fine_tune_choice, "TRIALS", 1)
    monkeypatch.setattr(fine_tune_choice, "_LEVEL_OF_A_LOOK", 0.9)  # one wrong photo is enough
    listed = scan_folder(photos).photos
    backbone = converted_backbone(SMALL, RANDOM)
    frozen = frozen_features(backbone, SMALL, (listed[::2], listed[1::2]))
    choice = choose_fine_tuning(
        SMALL, RANDOM, backbone.model, frozen, 3, HeadSettings(epochs=2),
        replace(AUTO, epochs=2, batch_size=8, learning_rate=3e-3, minutes=60), {},
    )  # fmt: skip
    (first,) = choice.trials
    assert choice.photos == first.photos
    assert 0 < first.photos < len(listed) // 2
    assert 0 <= first.frozen <= 1
    assert first.better + first.worse <= first.photos
    assert abs(first.tuned - first.frozen) * first.photos <= first.better + first.worse
    assert choice.mode in ("none", "tail")
    assert not list(cache.glob("checkpoints/*"))


@pytest.mark.parametrize(
    ("better", "worse", "p"), [(0, 0, 1.0), (1, 0, 0.5), (5, 0, 1 / 32), (7, 1, 9 / 256)]
)
def test_p_value_is_the_sign_tests(better: int, worse: int, p: float) -> None:
    assert p_value([trial(better, worse)]) == pytest.approx(p)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"mode": "tail", "minutes": 5.0}, "--minutes: it only applies to --fine-tune auto"),
        ({"mode": "auto", "minutes": 0.0}, "--minutes: 0.0 is out of range"),
        ({"mode": "auto", "minutes": np.inf}, "--minutes: inf is out of range"),
        ({"mode": "auto", "augment": "basic"}, "--augment: basic can't be applied"),
    ],
)
def test_settings_are_checked(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace(".", r"\.")):
        FineTuneSettings(**bad)
