"""Writes the files that PyTorch and safetensors write, and hostile ones, byte by byte."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO

import numpy as np

MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
PROTOCOL = b"\x80\x02M\xe9\x03."
SYSTEM = b"\x80\x02}(X\x0d\x00\x00\x00little_endian\x88u."
STORAGES = {
    "float64": "Double", "float32": "Float", "float16": "Half", "int64": "Long", "int32": "Int",
    "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool",
}  # fmt: skip


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(key: str, kind: str, count: int) -> bytes:
    """A reference to a storage: ("storage", torch.KindStorage, key, "cpu", count)."""
    kind_global = b"ctorch\n" + kind.encode() + b"Storage\n"
    return b"(" + text("storage") + kind_global + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(
    reference: bytes, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0
) -> bytes:
    """torch._utils._rebuild_tensor_v2(storage, offset, size, stride, False, OrderedDict())."""
    hooks = b"ccollections\nOrderedDict\n)R"
    parts = reference + number(offset) + numbers(size) + numbers(stride) + b"\x89" + hooks
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + parts + b"tR"


def mapping(items: Mapping[str, bytes]) -> bytes:
    """An OrderedDict of pickled values."""
    body = b"".join(text(name) + value for name, value in items.items())
    return b"ccollections\nOrderedDict\n)R(" + body + b"u"


def tensors(arrays: Mapping[str, np.ndarray]) -> tuple[bytes, dict[str, np.ndarray]]:
    """Pickled tensors and their storages, each array one C-ordered storage."""
    pickled, storages = {}, {}
    for key, (name, array) in enumerate(arrays.items()):
        stride = tuple(step // array.itemsize for step in array.copy("C").strides)
        reference = storage(str(key), STORAGES[array.dtype.name], array.size)
        pickled[name] = tensor(reference, array.shape, stride)
        storages[str(key)] = array
    return mapping(pickled), storages


def legacy(body: bytes, storages: Mapping[str, np.ndarray]) -> bytes:
    """The format before PyTorch 1.6: `body` is the opcodes between PROTO and STOP."""
    keys = b"\x80\x02](" + b"".join(map(text, storages)) + b"e."
    raw = b"".join(struct.pack("<q", array.size) + array.tobytes() for array in storages.values())
    return MAGIC + PROTOCOL + SYSTEM + b"\x80\x02" + body + b"." + keys + raw


def zipped(
    body: bytes, storages: Mapping[str, np.ndarray], compression: int = zipfile.ZIP_STORED
) -> bytes:
    """The format since PyTorch 1.6."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + body + b".")
        archive.writestr("archive/byteorder", b"little")
        for key, array in storages.items():
            archive.writestr(f"archive/data/{key}", array.tobytes())
    return file.getvalue()


def safetensors(header: object, data: bytes) -> bytes:
    """The header as JSON, or as it is when it's bytes."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data
