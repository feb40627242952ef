"""State dicts in all three containers: bytes of the file changed, and of the pickle inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from packager.backbones.state_dict import read_state_dict
from tests.backbones import torch_files as files
from tests.fuzz.mutation import COUNT, check, mutated_bytes

ARRAYS = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "half": np.array([0.5, -2], np.float16),
    "steps": np.array(7, np.int64),
}


def test_fuzz_state_dict(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    body, storages = files.tensors(ARRAYS)
    header, place = {}, 0
    for name, array in ARRAYS.items():
        kind = {"float32": "F32", "float16": "F16", "int64": "I64"}[array.dtype.name]
        offsets = [place, place := place + array.nbytes]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": offsets}
    raw = b"".join(array.tobytes() for array in ARRAYS.values())

    def read(content: bytes) -> None:
        path.write_bytes(content)
        for tensor in read_state_dict(path).values():
            np.isfinite(tensor).all()

    whole = files.safetensors(header, raw)
    check(read, mutated_bytes([files.zipped(body, storages), files.legacy(body, storages), whole]))
    inner = mutated_bytes([body], COUNT // 2)
    check(read, (files.zipped(each, storages) for each in inner))
    check(read, (files.legacy(each, storages) for each in mutated_bytes([body], COUNT // 2, 1)))
