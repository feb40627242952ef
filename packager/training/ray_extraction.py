"""Feature extraction over a cluster, with Ray Data (Moritz et al. 2018, arXiv:1712.05889).

The workers read the photos themselves, so these must lie at the same path on every node: shared
storage. They return the vectors, and this process alone writes into the store.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import math
import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from packager import __version__, files, pool
from packager.data.folder import Photo, Reject
from packager.data.images import open_photo
from packager.errors import DataError, PackagerError, SettingsError, TrainingError
from packager.specs import ModelSpec
from packager.training.features import Extractor, FeatureStore

_BLOCK = 32  # photos a task: what a lost worker loses, and what travels at once
_OBJECT_STORE = 128 * 2**20  # bytes, of a Ray of our own


def extract_with_ray(
    photos: Sequence[Photo],
    spec: ModelSpec,
    backbone: bytes,
    store: FeatureStore,
    *,
    workers: int | None = None,
) -> Iterator[Reject | None]:
    """Writes the vectors of each photo into `store`; gives a reject, or None, for each.

    They come in the order in which they get done. Ray restarts a dead worker, on another node
    if need be, and gives it its work again; after half an hour without progress it gives up. The
    cluster is that of `RAY_ADDRESS`, or one that this process is connected to already; else Ray
    is started on this machine, for loopback only, and stopped at the end.

    Args:
        photos: those to compute.
        workers: at most so many at once, one core each; None: one for each core there is.

    Raises:
        SettingsError: the cluster can't be reached.
        DataError: a worker can't read a photo that can be read here.
        TrainingError: Ray gave up.
    """
    with _connected(workers) as ray:
        count = math.ceil(len(photos) / _BLOCK)
        rows = [
            {"photo": i, "path": os.fsencode(photo.path), "sha256": photo.sha256}
            for i, photo in enumerate(photos)
        ]
        cores = max(1, int(ray.cluster_resources().get("CPU", 0)))
        dataset = ray.data.from_items(rows, override_num_blocks=count).map_batches(
            _Worker,
            fn_constructor_args=(ray.put(backbone), spec, store.shape, store.mirrored, _versions()),
            compute=ray.data.ActorPoolStrategy(size=min(count, workers or cores)),
            num_cpus=1,
        )
        dataset.context.enable_progress_bars = False
        dataset.context.print_on_execution_start = False
        for block in _blocks(dataset):
            for number, reason, vectors in zip(
                block["photo"], block["reason"], block["vectors"], strict=True
            ):
                photo = photos[int(number)]
                if reason:
                    yield _rejected(photo, str(reason), spec)
                else:
                    store.write(photo.sha256, vectors)
                    yield None


def _blocks(dataset: Any) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
    try:
        yield from dataset.iter_batches(batch_size=None, batch_format="numpy")
    except Exception as error:  # Ray's, a worker's, or of what lies between
        raise TrainingError(
            f"Ray gave up extracting features ({_cause(error)})",
            where="--engine ray",
            fix="Finished work is kept: run the command again, or with --engine local.",
        ) from error


class _Worker:
    """An actor: one interpreter, in a separate process."""

    def __init__(
        self, backbone: Any, spec: ModelSpec, shape: tuple[int, ...], mirrored: bool,
        versions: dict[str, str],
    ) -> None:  # fmt: skip
        if _versions() != versions:
            raise RuntimeError(f"a worker has {_versions()} but this machine has {versions}")
        self._shape = shape
        self._extractor = Extractor(spec, _ray().get(backbone), mirrored)

    def __call__(self, photos: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
        results = [
            self._extractor.extract(Path(os.fsdecode(path)), str(sha256))
            for path, sha256 in zip(photos["path"], photos["sha256"], strict=True)
        ]
        nothing = np.zeros(self._shape, np.float32)
        return {
            "photo": photos["photo"],
            "reason": [each.reason if isinstance(each, Reject) else "" for each in results],
            "vectors": np.stack(
                [nothing if isinstance(each, Reject) else each for each in results]
            ),
        }


def _ray() -> Any:
    importlib.import_module("ray.data")
    return importlib.import_module("ray")


@contextlib.contextmanager
def _connected(workers: int | None) -> Iterator[Any]:
    """Ray's module, while this process is connected to a cluster."""
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        # What Ray reads when it is imported: that a node is called 127.0.0.1.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Ray would tell of each step on the terminal; what matters is raised.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    ray = _ray()
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    if ray.is_initialized():
        yield ray
        return
    with contextlib.ExitStack() as stack:
        place: dict[str, Any] = {"address": address}
        if not address:
            # Sockets are made in it, and their paths must be short.
            parent = "/tmp" if os.name == "posix" else None
            try:
                folder = tempfile.TemporaryDirectory(
                    prefix="ray-", dir=parent, ignore_cleanup_errors=True
                )
            except OSError as error:
                raise files.no_temporary(error) from None
            place = {
                "address": "local",
                "num_cpus": workers or pool.cores(),
                "include_dashboard": False,
                "object_store_memory": _OBJECT_STORE,
                "_temp_dir": stack.enter_context(folder),
            }
        stack.callback(ray.shutdown)
        try:
            _demand_answer(address)
            ray.init(**place, log_to_driver=False, logging_level=logging.CRITICAL)
        except Exception as error:  # of a dozen kinds
            raise SettingsError(
                f"Ray can't be {'reached' if address else 'started'} ({_cause(error)})",
                where=f"RAY_ADDRESS={address}" if address else "--engine ray",
                fix="Check the cluster with `ray status`, or use --engine local.",
            ) from error
        yield ray


def _demand_answer(address: str | None) -> None:
    """Ray itself would try for a quarter of an hour."""
    host, _, port = (address or "").rpartition(":")
    if port.isdigit() and "://" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _versions() -> dict[str, str]:
    """Of what the vectors depend on."""
    others = {name: importlib.metadata.version(name) for name in ("pillow", "ai-edge-litert")}
    return {"tflite-packager": __version__, **others}


def _rejected(photo: Photo, reason: str, spec: ModelSpec) -> Reject:
    """The photo's reject, when it can't be decoded here either."""
    try:
        open_photo(photo.path, at_least=2 * spec.input_size, sha256=photo.sha256)
    except PackagerError:
        return Reject(photo.path, reason)
    raise DataError(
        f"a Ray worker can't read the photo ({reason}), and this machine can",
        where=photo.path,
        fix="Put the photos on storage that every node mounts at the same path.",
    )


def _cause(error: BaseException) -> str:
    """The last line of the innermost error that says anything."""
    said = type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        said = (str(cause).strip().splitlines() or [said])[-1]
        cause = cause.__cause__
    return said
