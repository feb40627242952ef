"""How `pytest -n 2` (pytest-xdist) divides the tests between its processes."""

from __future__ import annotations

from pathlib import PurePosixPath

# Their tests share what takes long to make. Elsewhere a file is what stays together.
WHOLE_FOLDERS = ("tests/android", "tests/bench_device", "tests/web")
# What takes longest is begun first, so that no process has to end with it alone.
LONGEST_FIRST = (
    "tests/android",
    "tests/test_accuracy.py",
    "tests/training/test_fine_tune.py",
    "tests/web",
    "tests/backbones/test_architectures.py",
    "tests/compare/test_compare.py",
    "tests/cli/test_cli.py",
    "tests/model_maker/test_image_classifier.py",
    "tests/export/test_operators.py",
    "tests/verify/test_verify_clients.py",
    "tests/training/test_ray_extraction.py",
    "tests/test_every_model.py",
    "tests/test_scale.py",
    "tests/bench_device",
    "tests/docs/test_api.py",
    "tests/test_without_tensorflow.py",
)


def one_unit(nodeid: str) -> str:
    """What a test stays together with."""
    file = nodeid.partition("::")[0]
    above = [str(folder) for folder in PurePosixPath(file).parents]
    return next((folder for folder in WHOLE_FOLDERS if folder in above), file)


def begun_first(nodeid: str) -> int:
    """Its unit's place among those that take longest."""
    unit = one_unit(nodeid)
    return LONGEST_FIRST.index(unit) if unit in LONGEST_FIRST else len(LONGEST_FIRST)
