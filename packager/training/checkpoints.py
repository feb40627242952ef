"""The state of training, saved after each epoch, so that it can be resumed.

A run has a folder of its own, named by everything that determines its result: a checkpoint can
only be found by the run that would make the same.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from packager.cache import cache_folder, read_entry, write_entry

_DIGEST = 32
_KEPT = 2  # the last, and the one before in case the last is damaged

State = dict[str, np.ndarray[Any, Any]]


class Checkpoints:
    """The checkpoints of one run.

    Args:
        run: JSON values that determine the run's result.

    Attributes:
        folder: where they lie, in the user's cache.
        damaged: number of files that `latest` skipped.
    """

    def __init__(self, run: Mapping[str, Any]) -> None:
        name = hashlib.sha256(json.dumps(run, sort_keys=True, default=str).encode()).hexdigest()
        self.folder = cache_folder() / "checkpoints" / name[:32]
        self.damaged = 0

    def save(self, epoch: int, state: State) -> None:
        """Keeps the state after `epoch` (0, 1, ...) and drops what is older than the one before."""
        content = io.BytesIO()
        np.savez(content, **state)  # type: ignore[arg-type]
        data = content.getbuffer()
        write_entry(self._path(epoch), b"".join([hashlib.sha256(data).digest(), data]))
        for _, path in self._found()[_KEPT:]:
            path.unlink(missing_ok=True)

    def latest(self) -> tuple[int, State] | None:
        """The newest whole checkpoint: its epoch and state."""
        for epoch, path in self._found():
            content = read_entry(path)
            data = memoryview(content)[_DIGEST:]
            if hashlib.sha256(data).digest() == content[:_DIGEST]:
                with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                    return epoch, {name: arrays[name] for name in arrays.files}
            self.damaged += 1
        return None

    def clear(self) -> None:
        """Deletes them all."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:05d}.npz"

    def _found(self) -> list[tuple[int, Path]]:
        """All, the newest first."""
        paths = self.folder.glob("epoch-*.npz")
        return sorted(((int(path.stem.partition("-")[2]), path) for path in paths), reverse=True)
