"""Measures one combination in a separate process, by `isolation.run_isolated`.

A fresh process makes the first inference a first one, the peak of memory this model's, and a crash
harmless.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager.bench.plan import Plan, run_out, warm_up
from packager.bench.results import END_TO_END, INFERENCE, POSTPROCESS, PREPROCESS
from packager.progress import SILENT, Progress

if TYPE_CHECKING:
    from packager.classifier_interface import ClassifierInterface

_MOST_PIXELS = 100_000_000  # decoded photos held at once: 300 MB
_TELL_EVERY = 0.25  # seconds


def run_trial(request: dict[str, Any], progress: Progress = SILENT) -> dict[str, Any]:
    """Loads the model, warms it up and measures it.

    Preprocessing goes from a decoded photo to the filled input tensor, postprocessing from the
    output tensor to the best classes; decoding the file is the photo library's time, not the
    model's. `end to end` is a clock of its own around all three.

    Args:
        request: model (bytes), rule ("stretch" or "crop"), mean, std, semantics, threads, photos
            (paths), plan (a `Plan`).
        progress: told the step now and then.

    Returns:
        loadNs, compileNs, firstInferenceNs, warmupIterations, steady, totalRunTimeNs, metrics
        (name -> nanoseconds of each run), predictions (best class of each photo), peakMemoryBytes
        (what it added to the process's peak, or None), photos (how many were used), delegate
        (whether XNNPACK runs a part of it).
    """
    from ai_edge_litert.interpreter import Interpreter

    from packager.classifier_interface import classifier_interface
    from packager.data.images import open_photo
    from packager.metadata.container import open_model

    plan: Plan = request["plan"]
    photos: list[Any] = []
    for path in request["photos"]:
        photos.append(open_photo(Path(path)))
        if sum(photo.width * photo.height for photo in photos) > _MOST_PIXELS:
            break
    model = request["model"]  # the phone maps its asset: no disk in the figure
    interface = classifier_interface(open_model(model, unpack=False))
    memory = peak_memory(reset=True)
    clock = time.perf_counter_ns

    begun = clock()
    interpreter = Interpreter(model_content=model, num_threads=request["threads"])
    loaded = clock()
    interpreter.allocate_tensors()  # this is where XNNPACK takes the graph over
    compiled = clock()
    stages = _Stages(interpreter, interface, request)
    tell = _Teller(progress)
    predictions: list[int] = []
    for photo in photos:
        stages.preprocess(photo)
        started = clock()
        stages.inference()
        if not predictions:
            first = clock() - started
        predictions.append(int(stages.postprocess()[0]))
        tell("photo", len(predictions))

    def step(number: int) -> tuple[int, int, int, int]:
        photo = photos[number % len(photos)]
        start = clock()
        stages.preprocess(photo)
        entered = clock()
        stages.inference()
        ran = clock()
        stages.postprocess()
        return start, entered, ran, clock()

    def warming(number: int) -> int:
        _, entered, ran, _ = step(number)
        tell("warm-up", number + 1)
        return ran - entered

    times: dict[str, list[int]] = {INFERENCE: [], PREPROCESS: [], POSTPROCESS: [], END_TO_END: []}

    def measured(number: int) -> None:
        start, entered, ran, end = step(number)
        times[INFERENCE].append(ran - entered)
        times[PREPROCESS].append(entered - start)
        times[POSTPROCESS].append(end - ran)
        times[END_TO_END].append(end - start)
        tell("run", number + 1)

    warmed = warm_up(warming, plan)
    run_out(measured, plan)
    ended = peak_memory()
    return {
        "loadNs": loaded - begun,
        "compileNs": compiled - loaded,
        "firstInferenceNs": first,
        "warmupIterations": warmed.iterations,
        "steady": warmed.steady,
        "totalRunTimeNs": clock() - begun,
        "metrics": times,
        "predictions": predictions,
        "peakMemoryBytes": None if memory is None or ended is None else ended - memory,
        "photos": len(photos),
        "delegate": _has_delegate(interpreter),
    }


class _Stages:
    """A classification in the three steps of an app."""

    def __init__(
        self, interpreter: Any, interface: ClassifierInterface, request: dict[str, Any]
    ) -> None:
        import numpy as np

        from packager.data.images import view
        from packager.inference import Normalisation, entry_table

        self._image, self._output = interface.image, interface.scores
        self._interpreter, self._np, self._view = interpreter, np, view
        assert interface.size is not None
        self._rule, self._size = request["rule"], interface.size
        self._logits = request["semantics"] == "logits"
        normalisation = Normalisation(tuple(request["mean"]), tuple(request["std"]))
        self._table = entry_table(self._image, normalisation)

    def preprocess(self, photo: Any) -> None:
        values = self._view(photo, self._rule, self._size)
        if self._table is not None:
            values = self._table[self._np.arange(3), values]
        self._interpreter.set_tensor(self._image.index, values[None])

    def inference(self) -> None:
        self._interpreter.invoke()

    def postprocess(self) -> Any:
        """Classes, the best first."""
        from packager.inference import numbers, softmax

        scores = numbers(self._interpreter.get_tensor(self._output.index).reshape(-1), self._output)
        if self._logits:
            scores = softmax(scores)
        return (-scores).argsort(kind="stable")


def peak_memory(*, reset: bool = False) -> int | None:
    """The process's greatest resident memory in bytes; with `reset`, from now on where it can be.

    Linux's VmHWM is the process's own; ru_maxrss, the only figure macOS has, starts there with
    what the parent held.
    """
    status = Path("/proc/self/status")
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass  # a sandbox may forbid it: then what was held before counts as the beginning
    try:
        for line in status.read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _has_delegate(interpreter: Any) -> bool:
    try:
        return any(each["op_name"] == "DELEGATE" for each in interpreter._get_ops_details())
    except (AttributeError, KeyError, TypeError):
        return False


class _Teller:
    """Reports progress, rarely enough not to affect the measurement."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._told = progress, time.monotonic()

    def __call__(self, step: str, done: int) -> None:
        if time.monotonic() - self._told >= _TELL_EVERY:
            self._told = time.monotonic()
            self._progress.say(f"{step} {done}")
