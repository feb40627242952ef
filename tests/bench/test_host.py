"""The host harness over a model of three labels that sees only a photo's mean colour."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from packager import isolation
from packager.bench import host, trial
from packager.bench.plan import Plan
from packager.bench.results import METRICS, read_results
from packager.bench.run import demand_measured
from packager.contract import describe_model
from packager.data.images import open_photo, view
from packager.errors import BenchError, DataError, ModelFileError, SettingsError
from packager.export.head import attach_head
from packager.export.quantize import quantize
from packager.inference import Classifier, Normalisation
from packager.progress import Phase
from tests.android_project.conftest import save_model
from tests.conftest import COLORS, Heard, images
from tests.metadata.tiny_models import tiny_model, without_axes

SHORT = Plan(threads=(1,), runs=12, most_warmup=20, photos=6)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "colours").mkdir()
    return save_model(tmp_path / "colours", labels=tuple(sorted(COLORS)))


def test_each_combination_is_measured(model: Path, photos: Path, tmp_path: Path) -> None:
    plan = dataclasses.replace(SHORT, threads=(1, 2))
    out = tmp_path / "r.json"
    found = host.bench_on_host([model], data=photos, plan=plan, out=out)
    assert read_results(out) == found
    assert [(each.model_name, each.threads) for each in found.measurements] == [
        ("colours", 1), ("colours", 2),
    ]  # fmt: skip
    for each in found.measurements:
        assert each.skipped is None
        assert each.photos == 6
        assert set(each.metrics) == set(METRICS)
        inference, before, after, whole = (each.metrics[name].runs for name in METRICS)
        assert len(inference) == 12
        # Read by one clock, so the parts can't be more than the whole.
        assert [a + b + c for a, b, c in zip(inference, before, after, strict=True)] == list(whole)
        assert min(*inference, *before, *after) > 0
        assert each.load_ns
        assert each.compile_ns
        assert each.first_inference_ns
        assert 10 <= each.warmup_iterations <= 20
        assert each.total_run_time_ns > sum(whole)
        assert each.model is not None
        assert each.model.bytes == model.stat().st_size
        assert each.actual is not None
        assert each.actual.accelerator == "CPU"
        assert each.predictions is not None
        assert (each.predictions.checked, each.predictions.wrong) == (6, 0)
        assert each.predictions.labelled == 6


def test_machine_is_described_without_its_name() -> None:
    context = host.host_context()
    assert (context.source, context.engine) == ("host", "litert")
    assert context.build.brand == "host"
    assert context.build.device
    assert context.runtime.startswith("LiteRT 2.")
    assert context.cpu_cores
    assert platform.node() not in json.dumps(dataclasses.asdict(context))


@pytest.mark.slow
@pytest.mark.parametrize("io", ["float32", "uint8", "int8"])
def test_parts_together_are_packagers_own_classifier(
    io: str, tiny_backbone: bytes, tmp_path: Path
) -> None:
    """What is timed gives the answers of what `packager evaluate` runs."""
    features = np.array([tiny_features(tiny_backbone, image) for image in images(30, seed=1)])
    kernel = np.random.default_rng(0).normal(0, 1, (16, 3)) / features.std(0)[:, None]
    bias = -features.mean(0) @ kernel  # so that each class is some picture's
    small = quantize(
        attach_head(tiny_backbone, kernel.astype(np.float32), bias.astype(np.float32)),
        "none" if io == "float32" else "int8",
        io=io,
        input_range=(-127 / 128, 1.0),
        representative=lambda: [(i[None].astype(np.float32) - 127) / 128 for i in images(30, 1)],
    )
    same_answers(save_model(tmp_path, small), tmp_path, images(40, seed=5))


def tiny_features(backbone: bytes, image: Any) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=backbone)
    interpreter.allocate_tensors()
    sample = (image[None].astype(np.float32) - 127) / 128
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


def test_logits_are_ranked_as_probabilities(tmp_path: Path) -> None:
    def without_softmax(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.operators = graph.operators[:-1]
        graph.outputs = [graph.operators[-1].outputs[0]]

    pictures = [np.full((8, 8, 3), color, np.uint8) for color in (0, 90, 255)]
    same_answers(save_model(tmp_path, tiny_model(change=without_softmax)), tmp_path, pictures)


def same_answers(model: Path, folder: Path, pictures: Iterable[Any]) -> None:
    described = describe_model(model)
    classifier = Classifier(described.model, Normalisation((127.0,), (128.0,)))
    paths, own = [], []
    for number, pixels in enumerate(pictures):
        paths.append(folder / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
        fitted = view(open_photo(paths[-1]), "stretch", classifier.size)
        own.append(int(classifier.scores(fitted).argmax()))
    assert len(set(own)) > 1
    said = trial.run_trial(
        {
            "model": described.model,
            "rule": "stretch",
            "mean": [127.0],
            "std": [128.0],
            "semantics": described.spec["output"]["semantics"],
            "threads": 1,
            "photos": [str(path) for path in paths],
            "plan": SHORT,
        }
    )
    assert said["predictions"] == own
    assert said["photos"] == len(own)


@pytest.mark.usefixtures("same_process")
def test_wrong_answers_are_told(model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the model ran otherwise here than in packager's own evaluation."""
    own = host._expected

    def turned(*args: Any) -> tuple[frozenset[int], ...]:
        first, *others = own(*args)
        return (frozenset({(min(first) + 1) % 3}), *others)

    monkeypatch.setattr(host, "_expected", turned)
    (each,) = host.bench_on_host([model], data=photos, plan=SHORT).measurements
    assert each.predictions is not None
    assert (each.predictions.checked, each.predictions.wrong) == (6, 1)
    assert each.predictions.wrong_photos == ("blue/0.png",)


@pytest.mark.usefixtures("same_process")
def test_photos_of_other_classes_are_as_good(photos: Path, tmp_path: Path) -> None:
    (each,) = host.bench_on_host([save_model(tmp_path)], data=photos, plan=SHORT).measurements
    assert each.predictions is not None
    assert each.predictions.labelled == 0
    assert each.predictions.checked == 6


@pytest.mark.usefixtures("same_process")
def test_photos_kept_for_testing_are_taken(model: Path, photos: Path) -> None:
    kept = ["red/1.png", "red/7.png", "green/3.png"]
    (model.parent / "report.json").write_text(json.dumps({"data": {"split": {"test": kept}}}))
    (each,) = host.bench_on_host([model], data=photos, plan=SHORT).measurements
    assert each.photos == 3


@pytest.mark.usefixtures("same_process")
def test_photos_are_taken_evenly(
    model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refused(request: dict[str, Any], *_: Any) -> str:
        asked.extend(request["photos"])
        return "not today"

    monkeypatch.setattr(host, "_run_apart", refused)
    with pytest.raises(BenchError):
        host.bench_on_host([model], data=photos, plan=SHORT)
    assert (
        sorted(Path(path).parent.name for path in asked)
        == ["blue"] * 2 + ["green"] * 2 + ["red"] * 2
    )


def test_what_fails_in_its_process_skips_its_combination(
    model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    own = host._run_apart

    def dying(request: dict[str, Any], *rest: Any) -> Any:
        if request["threads"] == 2:
            request = {**request, "model": b"no model"}
        return own(request, *rest)

    monkeypatch.setattr(host, "_run_apart", dying)
    plan = dataclasses.replace(SHORT, threads=(1, 2))
    good, bad = host.bench_on_host([model], data=photos, plan=plan, progress=heard).measurements
    assert good.skipped is None
    assert bad.metrics == {}
    assert bad.skipped is not None
    assert "not a TFLite model" in bad.skipped
    assert any("2 threads" in warning for warning in heard.warnings)


def test_combination_that_hangs_is_skipped_and_the_rest_measured(
    model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    own = host._run_apart

    def hanging(request: dict[str, Any], phase: Phase, note: str, silent: float) -> Any:
        return own(request, phase, note, 0.01 if request["threads"] == 1 else silent)

    monkeypatch.setattr(host, "_run_apart", hanging)
    plan = dataclasses.replace(SHORT, threads=(1, 2))
    bad, good = host.bench_on_host([model], data=photos, plan=plan, progress=heard).measurements
    assert bad.skipped is not None
    assert bad.skipped.endswith("made no progress for 0 s, and was stopped")
    assert (good.skipped, good.statistics().count) == (None, 12)
    assert any("made no progress" in warning for warning in heard.warnings)


@pytest.mark.usefixtures("same_process")
def test_nothing_measured_is_an_error(
    model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "_run_apart", lambda *_: "it is too hot")
    with pytest.raises(BenchError, match=r"nothing could be measured: it is too hot"):
        host.bench_on_host([model], data=photos, plan=SHORT)


@pytest.mark.usefixtures("same_process")
def test_interrupted_keeps_what_was_measured(
    model: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    own, out = host._run_apart, tmp_path / "r.json"

    def interrupted(request: dict[str, Any], *rest: Any) -> Any:
        if request["threads"] == 2:
            raise KeyboardInterrupt
        return own(request, *rest)

    monkeypatch.setattr(host, "_run_apart", interrupted)
    plan = dataclasses.replace(SHORT, threads=(1, 2, 4))
    with pytest.raises(KeyboardInterrupt):
        host.bench_on_host([model], data=photos, plan=plan, out=out, progress=heard)
    kept = read_results(out)
    assert kept.context.interrupted == "Ctrl-C"
    assert [each.threads for each in kept.measurements] == [1]
    assert "1 combination of 3 kept" in heard.warnings[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_the_process_that_measures(
    model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = []
    own = isolation.subprocess.Popen

    def remembered(*args: Any, **named: Any) -> Any:
        processes.append(own(*args, **named))
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        return processes[-1]

    monkeypatch.setattr(host, "_expected", lambda *_: (frozenset({0}),) * 6)
    described = describe_model(model)
    monkeypatch.setattr("packager.contract.describe_model", lambda *_, **__: described)
    monkeypatch.setattr(isolation.subprocess, "Popen", remembered)
    endless = dataclasses.replace(SHORT, runs=10**9, run_seconds=1e9)
    with pytest.raises(KeyboardInterrupt):
        host.bench_on_host([model], data=photos, plan=endless)
    assert [process.poll() for process in processes] == [-signal.SIGKILL]


@pytest.mark.usefixtures("same_process")
def test_refusals_come_before_any_measuring(model: Path, photos: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.tflite"
    text.write_text("no model")
    with pytest.raises(ModelFileError):
        host.bench_on_host([model, text], data=photos, plan=SHORT)
    gray = tmp_path / "gray.tflite"
    gray.write_bytes(tiny_model(input_shape=(1, 8, 8, 1)))
    with pytest.raises(ModelFileError, match="its input is grayscale"):
        host.bench_on_host([gray], data=photos, plan=SHORT)
    with pytest.raises(DataError):
        host.bench_on_host([model], data=tmp_path / "none", plan=SHORT)
    with pytest.raises(SettingsError, match="--threads"):
        host.bench_on_host([model], data=photos, plan=Plan(threads=(0,)))
    with pytest.raises(BenchError, match="no model was given"):
        host.bench_on_host([], data=photos)


def test_a_model_that_litert_cannot_run_leaves_the_others_their_results(
    model: Path, photos: Path, tmp_path: Path, heard: Heard
) -> None:
    bad_model = save_model(tmp_path, tiny_model(change=without_axes), labels=tuple(sorted(COLORS)))
    found = host.bench_on_host([bad_model, model], data=photos, plan=SHORT, progress=heard)
    bad, good = found.measurements
    assert (good.skipped, good.statistics().count) == (None, 12)
    assert bad.skipped is not None
    assert bad.skipped == "LiteRT can't run this model (Input tensor 1 lacks data)"
    assert any("LiteRT can't run this model" in warning for warning in heard.warnings)
    with pytest.raises(BenchError, match="LiteRT can't run this model"):
        demand_measured(found)


def test_models_are_called_as_a_person_calls_them(tmp_path: Path) -> None:
    paths = [Path("a/lite0.tflite"), Path("b/lite0.tflite"), Path("dist/roses/model.tflite")]
    assert host.model_names(paths) == ["lite0#1", "lite0#2", "roses"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="VmHWM is Linux's")
def test_peak_memory_is_what_was_added_since() -> None:
    """In a process of its own, as each combination is: here other tests' memory comes and goes."""
    program = (
        "import numpy as np\n"
        "from packager.bench.trial import peak_memory\n"
        "before = peak_memory(reset=True)\n"
        "held = np.ones(40_000_000, np.uint8)\n"
        "peak = peak_memory()\n"
        "del held\n"
        "print(before, peak, peak_memory(reset=True))\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    before, peak, again = map(int, told.stdout.split())
    assert 38e6 < peak - before < 60e6
    assert again < peak - 30e6
