from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.backbones.pretrained import build_backbone
from packager.backbones.weights import Weights, find_weights
from packager.data.folder import Photo, scan_folder
from packager.data.images import open_photo, view
from packager.errors import SettingsError, TrainingError
from packager.export.convert import converted_backbone
from packager.export.head import attach_head
from packager.extras import has_extra
from packager.inference import Classifier, Normalisation
from packager.specs import ModelSpec, get_spec
from packager.training.extraction import extract_features
from packager.training.features import FeatureStore, load_features
from packager.training.fine_tune import FineTuned, fine_tune
from packager.training.head import Head, train_head
from packager.training.settings import FineTuneSettings, HeadSettings
from tests.conftest import Heard, need

SMALL = replace(get_spec("lite0"), input_size=32, width=0.2, depth=0.25)
RANDOM = Weights(None, "none", "random numbers")
TAIL = FineTuneSettings("tail", epochs=3, batch_size=8, learning_rate=3e-3)
FULL = replace(TAIL, mode="full", augment="basic")
STEEP = replace(FULL, learning_rate=1e-3)  # the first epoch loses


@dataclass(frozen=True)
class Task:
    """A small backbone of random weights, photos, and the head trained on it while frozen."""

    spec: ModelSpec
    train: tuple[Photo, ...]
    validation: tuple[Photo, ...]
    backbone: bytes
    head: Head
    weights: Weights = RANDOM

    def tune(self, settings: FineTuneSettings, **more: Any) -> FineTuned:
        return fine_tune(
            self.spec, self.weights, self.train, self.validation, 3, self.head, settings, **more
        )


def make_task(photos: Path, spec: ModelSpec = SMALL, weights: Weights = RANDOM) -> Task:
    listed = scan_folder(photos).photos
    validation = listed[::4]
    train = tuple(photo for photo in listed if photo not in validation)
    backbone = converted_backbone(spec, weights)
    store = FeatureStore(spec, backbone.sha256)
    extract_features(listed, spec, backbone.model, store)
    head = train_head(
        load_features(train, store), load_features(validation, store), 3, HeadSettings(epochs=2)
    )
    return Task(spec, train, validation, backbone.model, head, weights)


@pytest.fixture(scope="module")
def made(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, Path]:
    """The task, and the cache in which it was made."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACKAGER_CACHE", str(cache))
        return make_task(photos), cache


@pytest.fixture
def task(made: tuple[Task, Path], monkeypatch: pytest.MonkeyPatch) -> Task:
    monkeypatch.setenv("PACKAGER_CACHE", str(made[1]))
    return made[0]


@pytest.fixture
def pretrained(photos: Path, cache: Path) -> Task:
    return make_pretrained_task(photos)


def make_pretrained_task(photos: Path) -> Task:
    spec = replace(get_spec("lite0"), input_size=64)
    return make_task(photos, spec, find_weights(spec, download=False))


def frozen_validation(task: Task) -> tuple[float, float]:
    """Loss and accuracy of the frozen backbone and its head, in both views."""
    store = FeatureStore(task.spec, converted_backbone(task.spec, task.weights).sha256)
    features, labels = load_features(task.validation, store)
    logits = features @ task.head.kernel + task.head.bias
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    smooth = np.eye(3)[labels][:, None] * 0.9 + 0.1 / 3
    right = logits.argmax(-1) == labels[:, None]
    return float(-(smooth * logs).sum(-1).mean()), float(right.mean())


def bits(tuned: FineTuned) -> bytes:
    arrays = [*tuned.network.get_weights(), tuned.head.kernel, tuned.head.bias]
    return b"".join(array.tobytes() for array in arrays)


def shifted(tuned: FineTuned, spec: ModelSpec, weights: Weights = RANDOM) -> dict[str, bool]:
    """Of each variable of the backbone, whether fine-tuning changed it."""
    before = build_backbone(spec, weights)
    return {
        variable.path: not np.array_equal(variable, old)
        for variable, old in zip(tuned.network.variables, before.variables, strict=True)
    }


def demand_file_of_network(tuned: FineTuned, task: Task) -> None:
    """The file's scores are those of the Keras network and the head."""
    pixels = view(open_photo(task.validation[0].path), "stretch", task.spec.input_size)
    features = np.asarray(tuned.network(((pixels - np.float32(127)) / 128)[None]))
    logits = (features @ tuned.head.kernel + tuned.head.bias)[0]
    shares = np.exp(logits) / np.exp(logits).sum()
    file = attach_head(tuned.backbone, tuned.head.kernel, tuned.head.bias)
    scores = Classifier(file, Normalisation((127.0,), (128.0,))).scores(pixels)
    np.testing.assert_allclose(scores, shares, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [TAIL, FULL], ids=["tail", "full"])
def test_result_is_better_and_the_file_is_the_network(
    settings: FineTuneSettings, task: Task, heard: Heard
) -> None:
    tuned = task.tune(settings, progress=heard)
    loss, accuracy = frozen_validation(task)
    assert tuned.start == (pytest.approx(loss, rel=2e-3), pytest.approx(accuracy))
    assert tuned.improved
    assert tuned.validation[tuned.share][0] < tuned.start[0]
    assert tuned.validation[1.0][0] == pytest.approx(tuned.curves[-1].validation_loss, rel=1e-5)
    assert len(tuned.curves) == 3
    assert tuned.head.curves == task.head.curves
    assert (tuned.cut is None) == (tuned.extraction is None) == (settings.mode == "full")
    assert heard.warnings == []

    demand_file_of_network(tuned, task)

    changed = shifted(tuned, SMALL)
    assert not any(is_new for path, is_new in changed.items() if "moving_" in path)
    assert any(is_new for path, is_new in changed.items() if path.endswith("gamma"))
    assert changed["stage7_block1_project_conv/kernel"]
    assert changed["stem_conv/kernel"] == (settings.mode == "full")


@pytest.mark.slow
def test_what_is_no_better_is_not_kept_and_said(task: Task, heard: Heard) -> None:
    import tensorflow as tf
    from tensorflow.python.framework import config

    far = replace(TAIL, learning_rate=0.5, epochs=2)
    tuned = task.tune(far, progress=heard)
    assert not tuned.improved
    assert tuned.share == 0
    assert len(tuned.curves) == 2
    assert tuned.backbone == task.backbone
    assert tuned.head is task.head
    assert not any(shifted(tuned, SMALL).values())
    assert any("so that is kept" in line for line in heard.said)
    assert not config.is_op_determinism_enabled()
    assert tf.distribute.get_strategy().num_replicas_in_sync == 1


@pytest.mark.slow
def test_what_packager_put_into_mobilenet_v2_stays(photos: Path, cache: Path) -> None:
    spec = replace(get_spec("mobilenet_v2"), input_size=32)
    task = make_task(photos, spec)
    tuned = task.tune(replace(FULL, epochs=1, learning_rate=1e-4))
    assert tuned.improved
    changed = shifted(tuned, spec)
    assert not changed["torch_input/kernel"]
    assert not changed["torch_input/bias"]
    assert changed["stem_conv/kernel"]


@pytest.mark.slow
def test_first_stages_of_a_pretrained_backbone_stay(pretrained: Task) -> None:
    task, spec, weights = pretrained, pretrained.spec, pretrained.weights
    tuned = task.tune(replace(FULL, learning_rate=3e-4))
    assert tuned.improved
    assert tuned.cut == "stage3_block2_add"
    assert tuned.start[0] == pytest.approx(frozen_validation(task)[0], rel=2e-3)
    changed = shifted(tuned, spec, weights)
    assert {path.partition("_")[0] for path, is_new in changed.items() if is_new} == {
        "stage4", "stage5", "stage6", "stage7", "head",
    }  # fmt: skip
    demand_file_of_network(tuned, task)


@pytest.mark.slow
def test_middle_stages_stay_after_first_epochs_that_gain_little(
    pretrained: Task, heard: Heard
) -> None:
    tuned = pretrained.tune(STEEP, progress=heard)  # 0.25 of three epochs: one
    assert tuned.improved
    assert (tuned.cut, tuned.later_cut) == ("stage3_block2_add", "stage5_block3_add")
    assert "After epoch 1 only the last stages are trained: validation loss" in heard.said[0]
    assert tuned.validation[1.0][0] == pytest.approx(tuned.curves[-1].validation_loss, rel=1e-4)
    demand_file_of_network(tuned, pretrained)
    changed = shifted(tuned, pretrained.spec, pretrained.weights)
    assert {path.partition("_")[0] for path, is_new in changed.items() if is_new} == {
        "stage4", "stage5", "stage6", "stage7", "head",
    }  # fmt: skip

    assert trained_last(tuned) == {"stage6", "stage7", "head"}


@pytest.mark.slow
@pytest.mark.parametrize("more", [{"learning_rate": 3e-4}, {"all_stages": 1.0}])
def test_middle_stages_are_trained_to_the_end(pretrained: Task, more: dict[str, float]) -> None:
    tuned = pretrained.tune(replace(STEEP, **more))
    assert tuned.later_cut is None
    assert trained_last(tuned) == {"stage4", "stage5", "stage6", "stage7", "head"}


def trained_last(tuned: FineTuned) -> set[str]:
    """The stages that the last epoch changed."""
    before, after = (  # behind a digest, the states after the last two epochs
        np.load(io.BytesIO(path.read_bytes()[32:]))
        for path in sorted(tuned.checkpoints.glob("*.npz"))
    )
    names = [variable.path for variable in tuned.network.trainable_variables]
    return {
        name.partition("_")[0] for place, name in enumerate(names)
        if not np.array_equal(before[f"value/{place:05d}"], after[f"value/{place:05d}"])
    }  # fmt: skip


@pytest.mark.slow
def test_mixup_gives_another_network(task: Task) -> None:
    one = replace(FULL, epochs=1)
    assert bits(task.tune(replace(one, augment="mixup"))) != bits(task.tune(one))


@pytest.mark.slow
def test_photo_that_vanished_is_left_out_with_a_warning(
    task: Task, heard: Heard, tmp_path: Path
) -> None:
    gone = replace(task.train[0], path=tmp_path / "gone.png", sha256="1" * 64)
    task = replace(task, train=(gone, *task.train))
    for settings in (replace(TAIL, epochs=1), replace(FULL, epochs=1)):
        heard.warnings.clear()
        task.tune(settings, progress=heard)
        (warning,) = heard.warnings
        assert "gone.png changed while in use and is left out: there is no such file" in warning
    with pytest.raises(TrainingError, match="none of the photos to train with"):
        replace(task, train=(gone,)).tune(FULL)


@pytest.mark.slow
def test_divergence_is_an_error(task: Task) -> None:
    head = replace(task.head, bias=np.full(3, np.nan, np.float32))
    with pytest.raises(TrainingError, match="diverged.*lower rate than 0.003"):
        replace(task, head=head).tune(FULL)
    head = replace(task.head, bias=np.zeros(4, np.float32), kernel=np.zeros((1280, 4), np.float32))
    with pytest.raises(TrainingError, match="the head is"):
        replace(task, head=head).tune(FULL)


SAVES_AND_WAITS = """
import sys, time
from pathlib import Path
from packager.training.checkpoints import Checkpoints
from tests.training import test_fine_tune as tests
save = Checkpoints.save
def save_and_wait(self, epoch, state):
    save(self, epoch, state)
    print(self.folder, flush=True)
    time.sleep(600)
Checkpoints.save = save_and_wait
tests.make_pretrained_task(Path(sys.argv[1])).tune(tests.KILLED)
"""

RESUMES = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.training import test_fine_tune as tests
heard = tests.Heard()
task = tests.make_pretrained_task(Path(sys.argv[1]))
tuned = task.tune(replace(tests.KILLED, resume=True), progress=heard)
print(heard.said[0], heard.warnings)
Path(sys.argv[2]).write_bytes(tests.bits(tuned))
"""

TWO_DEVICES = """
import sys
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from pathlib import Path
from tests.training import test_fine_tune as tests
photos = Path(sys.argv[1])
small, pretrained = tests.make_task(photos), tests.make_pretrained_task(photos)
for task, settings in ((small, tests.TAIL), (small, tests.FULL), (pretrained, tests.KILLED)):
    alone, together = (
        task.tune(settings, devices=devices) for devices in (["CPU:0"], ["CPU:0", "CPU:1"])
    )
    for one, two in zip(alone.curves, together.curves, strict=True):
        np.testing.assert_allclose([*vars(two).values()], [*vars(one).values()], rtol=1e-3)
    one, two = (np.frombuffer(tests.bits(each), np.float32) for each in (alone, together))
    assert np.abs(two - one).mean() < 1e-4 < np.abs(one).mean()
    assert together.improved and len(together.backbone) == len(alone.backbone)
"""

KILLED = replace(STEEP, augment="mixup")


def child(program: str, *arguments: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def told(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=800)
    assert process.returncode == 0, err
    return out


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_run_goes_on_to_the_same_result(
    pretrained: Task, photos: Path, tmp_path: Path, heard: Heard
) -> None:
    whole = pretrained.tune(KILLED)
    assert len(whole.curves) == 3
    assert whole.later_cut is not None

    killed = child(SAVES_AND_WAITS, photos)  # without `resume` the older checkpoints are not used
    assert killed.stdout is not None
    folder = Path(killed.stdout.readline().strip())
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert [path.name for path in folder.iterdir()] == ["epoch-00000.npz"]

    assert told(child(RESUMES, photos, tmp_path / "resumed")) == "Resuming after epoch 1. []\n"
    assert (tmp_path / "resumed").read_bytes() == bits(whole)

    (folder / "epoch-00002.npz").write_bytes(b"damaged")
    again = pretrained.tune(replace(KILLED, resume=True), progress=heard)
    assert heard.said[0] == "Resuming after epoch 2."
    assert heard.warnings == ["1 damaged checkpoints were skipped."]
    assert bits(again) == bits(whole)
    assert again.curves == whole.curves
    assert again.later_cut == whole.later_cut


@pytest.mark.slow
def test_two_devices_come_to_what_one_comes_to(task: Task, photos: Path) -> None:
    need(has_extra("tensorflow"), "the extra `tensorflow`")
    told(child(TWO_DEVICES, photos))


@pytest.mark.slow
def test_resume_without_a_checkpoint_starts_and_says_so(
    task: Task, heard: Heard, tmp_path: Path
) -> None:
    settings = replace(TAIL, epochs=1, resume=True, log=tmp_path / "log")
    tuned = task.tune(settings, seed=5, progress=heard)
    assert len(tuned.curves) == 1
    (_, logged) = (tmp_path / "log" / "epochs.csv").read_text().splitlines()
    assert logged == ",".join(map(str, (1, *vars(tuned.curves[0]).values())))
    assert heard.said[0] == "This run has no checkpoint: training starts at the first epoch."


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"mode": "head"}, "--fine-tune: unknown fine-tuning mode 'head'. Use one of: none"),
        ({"mode": "full", "augment": "cutmix"}, "--augment: unknown augmentation"),
        ({"mode": "tail", "augment": "basic"}, "--augment: basic can't be applied to cached"),
        ({"mode": "none", "epochs": 2}, "--fine-tune-epochs: it only applies to fine-tuning"),
        ({"epochs": 0}, "--fine-tune-epochs: 0 is out of range. Use 1 or more"),
        ({"batch_size": 0}, "batch size: 0 is out of range"),
        ({"learning_rate": float("nan")}, "learning rate: nan is out of range"),
        ({"weight_decay": -1.0}, "weight decay: -1.0 is out of range"),
        ({"dropout": 1.0}, "dropout: 1.0 is out of range"),
        ({"mode": "full", "all_stages": 0.0}, "all_stages: 0.0 is out of range"),
        ({"all_stages": 0.5}, "all_stages: it only applies to --fine-tune full"),
        ({"label_smoothing": 1.0}, "label smoothing: 1.0 is out of range"),
    ],
)
def test_settings_out_of_range_are_refused(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace(".", r"\.")):
        FineTuneSettings(**{"mode": "tail", **bad})


def test_augmentation_that_is_usual_for_each_mode() -> None:
    assert FineTuneSettings("full").augmentation == "basic"
    assert FineTuneSettings("tail").augmentation == "none"
