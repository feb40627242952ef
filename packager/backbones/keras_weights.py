"""Weights files of Keras 2 (.h5), as keras.applications publishes them, read by h5py alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager.errors import WeightsError

if TYPE_CHECKING:
    from packager.backbones.state_dict import Array

_MOST = 1 << 27  # numbers in one file: 512 MiB of float32


def read_keras_weights(path: Path, *, fix: str) -> dict[str, Array]:
    """ "LAYER/PART" -> array, such as "conv1_conv/kernel", of a weights file or a whole model.

    Raises:
        WeightsError: it isn't such a file, is damaged, or has more than a network of 128 million
            parameters; `fix` is the advice of the message.
    """
    import h5py  # type: ignore[import-untyped]
    import numpy as np

    def refuse(what: str) -> WeightsError:
        return WeightsError(what, where=path, fix=fix)

    tensors: dict[str, Array] = {}
    count = 0
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            if "layer_names" not in root.attrs:
                raise refuse("it is not a Keras 2 weights file: it has no list of layers")
            for layer in root.attrs["layer_names"]:
                group = root[_text(layer)]
                for name in group.attrs["weight_names"]:
                    dataset = group[_text(name)]
                    count += int(np.prod(dataset.shape, dtype=np.float64))
                    if count > _MOST:
                        raise refuse("it contains more numbers than any network here needs")
                    part = _text(name).rpartition("/")[2].partition(":")[0]
                    tensors[f"{_text(layer)}/{part}"] = np.asarray(dataset)
    except (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise refuse(f"it can't be read as HDF5 ({' '.join(str(error).split())[:200]})") from error
    return tensors


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
