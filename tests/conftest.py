"""What tests share: photos, data that has to be fetched, a cache of their own, small models."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.errors import SettingsError
from packager.extras import has_extra
from packager.progress import Phase, Progress
from tests.counts import write_app, write_docs, write_mutated_inputs
from tests.processes import begun_first, one_unit

ROOT = Path(__file__).parents[1]

# A shell's background job starts with Ctrl-C ignored, and what the tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
PHOTOS = Path(__file__).parent / "photos"


def need(present: bool, what: str) -> None:
    """Skips the test, with the reason, where `what` is missing; in CI that's a failure."""
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing", pytrace=False)
    pytest.skip(f"{what} is missing")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    with tensorflow_needed():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    with tensorflow_needed():
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Of `pytest -n`."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return one_unit(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    if "not slow" in config.option.markexpr:  # tests/fuzz tries fewer inputs
        os.environ.setdefault("PACKAGER_FUZZ", "60")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: begun_first(item.nodeid))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    write_mutated_inputs(terminalreporter)
    write_docs(terminalreporter)
    write_app(terminalreporter)


@contextlib.contextmanager
def tensorflow_needed() -> Iterator[None]:
    """What fails without TensorFlow says so: there is none for the newest Pythons."""
    try:
        yield
    except (ModuleNotFoundError, SettingsError) as error:
        lacking = getattr(error, "name", None) in ("keras", "tensorflow") or (
            "TensorFlow is not installed" in str(error)
        )
        if not lacking or has_extra("tensorflow"):
            raise
        need(False, "the extra `tensorflow`")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder that `tests/fetch_data.py` fills."""
    folder = os.environ.get("PACKAGER_TEST_DATA")
    if folder is None:
        need(
            False,
            "the folder of more photos and weights, which `python -m tests.fetch_data DIR` fetches "
            "and PACKAGER_TEST_DATA=DIR names,",
        )
    assert folder is not None
    path = Path(folder).absolute()
    if not path.is_dir():
        pytest.fail(f"PACKAGER_TEST_DATA={folder} is no folder", pytrace=False)
    return path


@pytest.fixture(scope="session")
def flowers() -> Path:
    """Forty photos of five classes, for what needs real photos but not their number."""
    return PHOTOS


@pytest.fixture(scope="session")
def many_flowers(shared: Path) -> Path:
    """Four hundred photos of the same classes, for what measures accuracy."""
    return shared / "data" / "flowers"


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes of a run (`pytest -n`)."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def session_cache(run_folder: Path) -> Path:
    """One cache for all tests that build, so that backbones are converted once."""
    folder = run_folder / "cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for one test."""
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def warm_cache(session_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The session's cache, in force for one test."""
    monkeypatch.setenv("PACKAGER_CACHE", str(session_cache))
    return session_cache


@pytest.fixture
def same_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models run in the test's process: where none crashes, starting another takes longest."""

    def run(
        function: Callable[..., Any],
        *args: Any,
        where: str | Path | None = None,
        progress: Progress | None = None,
        silent_seconds: float = 0,
        **named: Any,
    ) -> Any:
        function, args, named = pickle.loads(pickle.dumps((function, args, named)))
        return function(*args, **named, **({"progress": progress} if progress else {}))

    for module in ("isolation", "classifier_file", "explain.run"):
        monkeypatch.setattr(f"packager.{module}.run_isolated", run)


class Heard(Progress):
    """A progress that remembers what it was told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.said: list[str] = []
        self.phases: list[str] = []
        self.steps = 0
        self.total: int | None = None

    @contextlib.contextmanager
    def phase(
        self, name: str, total: int | None = None, *, counted: bool = True
    ) -> Iterator[Phase]:
        self.phases.append(name)
        self.total = total
        heard = self

        class _Phase(Phase):
            def advance(self, steps: int = 1, note: str = "") -> None:
                assert steps >= 0
                heard.steps += steps

            def set_total(self, total: int) -> None:
                heard.total = total

        yield _Phase()

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def save_photo(path: Path, color: tuple[int, int, int], seed: int, size: int = 48) -> Path:
    """A noisy photo of about one colour, different for each seed."""
    from PIL import Image

    random = np.random.default_rng(seed)
    pixels = np.clip(np.array(color) + random.normal(0, 25, (size, size + 8, 3)), 0, 255)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


COLORS = {"blue": (40, 60, 200), "green": (40, 190, 60), "red": (200, 40, 50)}


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of twelve small photos that any backbone can tell apart."""
    return save_classes(tmp_path_factory.mktemp("photos"), 12)


@pytest.fixture(scope="session")
def few_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same classes, of three photos."""
    return save_classes(tmp_path_factory.mktemp("few"), 3)


def save_classes(root: Path, count: int) -> Path:
    for label, color in COLORS.items():
        for number in range(count):
            save_photo(root / label / f"{number}.png", color, seed=number)
    return root


@pytest.fixture(scope="session")
def tiny_backbone() -> bytes:
    """A float .tflite from 32 x 32 pixels to 16 features: convolution, depthwise, mean."""
    from packager.backbones.layers import Convention
    from packager.export.operators import Operators

    random = np.random.default_rng(3)
    parameters: dict[str, tuple[np.ndarray, ...]] = {}
    for name, shape in {
        "stem": (3, 3, 3, 16), "filter": (3, 3, 16, 1), "expand": (1, 1, 16, 128),
        "project": (1, 1, 128, 16),
    }.items():  # fmt: skip
        bound = np.sqrt(6 / (shape[0] * shape[1] * sum(shape[2:])))
        channels = max(shape[2:]) if name == "filter" else shape[3]
        zero, one = np.zeros(channels, np.float32), np.ones(channels, np.float32)
        parameters[f"{name}_conv"] = (random.uniform(-bound, bound, shape).astype(np.float32),)
        parameters[f"{name}_norm"] = (one, zero, zero, one)
    net = Operators(Convention(epsilon=0), parameters)
    hidden = net.convolution(net.image(32), "stem", 16, kernel=3, stride=2)
    hidden = net.depthwise(hidden, "filter", kernel=3, stride=1)
    hidden = net.convolution(hidden, "expand", 128)
    return net.finish(net.features(net.convolution(hidden, "project", 16, act=False)))


@pytest.fixture(scope="session")
def tiny_head() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    return (
        random.normal(0, 2, (16, 3)).astype(np.float32),
        random.normal(0, 0.1, 3).astype(np.float32),
    )


@pytest.fixture(scope="session")
def tiny_classifier(tiny_backbone: bytes, tiny_head: tuple[np.ndarray, np.ndarray]) -> bytes:
    """The tiny backbone with a random head of three classes, float."""
    from packager.export.head import attach_head

    return attach_head(tiny_backbone, *tiny_head)


def images(count: int, seed: int = 0, size: int = 32) -> Iterator[np.ndarray]:
    """Smooth random pictures, uint8 [size, size, 3]."""
    from PIL import Image

    random = np.random.default_rng(seed)
    for _ in range(count):
        small = Image.fromarray(random.integers(0, 256, (5, 5, 3), dtype=np.uint8))
        yield np.array(small.resize((size, size), Image.Resampling.BICUBIC))
