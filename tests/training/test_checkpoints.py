from __future__ import annotations

from pathlib import Path

import numpy as np

from packager.training.checkpoints import Checkpoints

RUN = {"seed": 0, "photos": [("a" * 64, 1)]}


def state(epoch: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(epoch)
    return {"value": random.normal(size=(3, 4)).astype(np.float32), "curves": np.zeros((epoch, 4))}


def test_what_was_saved_comes_back_to_the_same_run(cache: Path) -> None:
    Checkpoints(RUN).save(3, state(3))
    found = Checkpoints(dict(reversed(RUN.items()))).latest()
    assert found is not None
    epoch, saved = found
    assert epoch == 3
    assert saved.keys() == state(3).keys()
    for name, value in state(3).items():
        np.testing.assert_array_equal(saved[name], value)
        assert saved[name].dtype == value.dtype


def test_another_run_finds_nothing(cache: Path) -> None:
    Checkpoints(RUN).save(0, state(0))
    assert Checkpoints({**RUN, "seed": 1}).latest() is None


def test_two_are_kept(cache: Path) -> None:
    checkpoints = Checkpoints(RUN)
    for epoch in (8, 9, 10, 11):
        checkpoints.save(epoch, state(epoch))
    assert [path.name for path in sorted(checkpoints.folder.iterdir())] == [
        "epoch-00010.npz", "epoch-00011.npz",
    ]  # fmt: skip
    checkpoints.clear()
    assert checkpoints.latest() is None


def test_damaged_is_counted_and_the_one_before_taken(cache: Path) -> None:
    checkpoints = Checkpoints(RUN)
    for epoch in (0, 1):
        checkpoints.save(epoch, state(epoch))
    last = checkpoints.folder / "epoch-00001.npz"
    content = bytearray(last.read_bytes())
    content[-30] ^= 1
    last.write_bytes(content)
    found = checkpoints.latest()
    assert found is not None
    assert found[0] == 0
    assert checkpoints.damaged == 1


def test_all_damaged_is_none(cache: Path) -> None:
    checkpoints = Checkpoints(RUN)
    for epoch in (0, 1):
        checkpoints.save(epoch, state(epoch))
    (checkpoints.folder / "epoch-00000.npz").write_bytes(b"")
    (checkpoints.folder / "epoch-00001.npz").write_bytes(b"\0" * 100)
    assert checkpoints.latest() is None
    assert checkpoints.damaged == 2
