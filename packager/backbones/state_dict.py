"""Reads the tensors of a state dict, without running code from the file.

A PyTorch file is a pickle beside raw numbers, and a pickle is a program. Python's own unpickler
is not used: the few opcodes that a state dict needs are interpreted here, a global is only a
name that must be in a short list, and no object but dict, list, tuple and scalars is ever made.

Formats: https://docs.python.org/3/library/pickletools.html for the opcodes, torch.save's legacy
and zip layouts, and https://huggingface.co/docs/safetensors for safetensors.
"""

from __future__ import annotations

import io
import math
import pickletools
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from packager.errors import WeightsError
from packager.reading import read_file
from packager.record import parse_json

Array = npt.NDArray[Any]

MAX_FILE_BYTES = 1 << 30  # the largest file here has 53 MB
_MAX_OPCODES = 300_000  # of all pickles in the file; the longest here has 12 thousand
_MAX_PAIRS = 100_000  # given to dicts when they are made, in all
_MAX_ENTRIES = 100_000  # of a zip archive: one for each tensor, and a few
# The specification allows 100 MB, which would take gigabytes when read; a tensor needs 100 bytes.
_MAX_HEADER_BYTES = 4 << 20
_MAX_ARGUMENTS = 8  # of a tensor: storage, offset, size, stride and what is left out
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001

_STORAGES = {
    "torch.DoubleStorage": "<f8",
    "torch.FloatStorage": "<f4",
    "torch.HalfStorage": "<f2",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "<i8",
    "torch.IntStorage": "<i4",
    "torch.ShortStorage": "<i2",
    "torch.CharStorage": "<i1",
    "torch.ByteStorage": "<u1",
    "torch.BoolStorage": "|b1",
}
_GLOBALS = {
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    *_STORAGES,
}
_SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bfloat16", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "<i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1",
    "BOOL": "|b1",
}  # fmt: skip


def read_state_dict(path: Path) -> dict[str, Array]:
    """The tensors of a PyTorch (legacy or zip) or safetensors file, by name.

    A dict inside "state_dict", "model_state_dict" or "model" is taken out of its wrapping, the
    prefix "module." (of data-parallel training) is taken off, values that are not tensors are
    left out. bfloat16 becomes float32. The arrays may be read-only and not contiguous.

    Raises:
        WeightsError: the file is missing, damaged, of another kind, or asks for anything that a
            tensor doesn't need; the message names the global refused.
    """
    try:
        data = read_file(path, MAX_FILE_BYTES)
        if data[:4] == b"PK\x03\x04":
            tensors = _tensors(*_read_zip(data))
        elif data[8:9] == b"{":
            tensors = _read_safetensors(data)
        else:
            tensors = _tensors(*_read_legacy(data))
    except _RefusedError as error:
        raise WeightsError(str(error), where=path, fix=_FIX) from None
    except OSError as error:
        what = f"the weights file can't be read ({error.strerror or error})"
        raise WeightsError(what, where=path, fix="Check the path and its permissions.") from error
    except (ValueError, LookupError, TypeError, AttributeError, EOFError, OverflowError,
            RuntimeError, MemoryError, struct.error, zipfile.BadZipFile) as error:  # fmt: skip
        what = f"the weights file is damaged ({(str(error) or type(error).__name__)[:150]})"
        raise WeightsError(what, where=path, fix=_FIX) from error
    if not tensors:
        raise WeightsError("the file holds no tensors", where=path, fix=_FIX)
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors


_FIX = "Give a state dict as torch.save or safetensors writes it, from a source you trust."


class _RefusedError(Exception):
    """The file is readable, but its content is not allowed."""


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: str
    count: int

    @property
    def nbytes(self) -> int:
        return self.count * _itemsize(self.dtype)


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def view(self, flat: Array) -> Array:
        """The tensor in its storage, once every element is known to lie inside it."""
        last = self.offset + sum((n - 1) * s for n, s in zip(self.size, self.stride, strict=True))
        # Fewer numbers than elements would let a small file ask for a huge tensor.
        if math.prod(self.size) > flat.size or (0 not in self.size and last >= flat.size):
            raise _RefusedError(f"a tensor of shape {self.size} reaches outside its storage")
        strides = [step * flat.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(
            flat[self.offset :], self.size, strides, writeable=False
        )


def _itemsize(dtype: str) -> int:
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def _numbers(data: bytes, dtype: str, count: int, offset: int = 0) -> Array:
    """A whole storage: tensors are views of it, however many share it."""
    if dtype != "bfloat16":
        return np.frombuffer(data, dtype, count, offset)
    halves = np.frombuffer(data, "<u2", count, offset)
    return (halves.astype(np.uint32) << 16).view(np.float32)  # the upper half of a float32


def _tensors(root: object, storages: dict[str, Array]) -> dict[str, Array]:
    if not isinstance(root, dict):
        raise _RefusedError(
            f"the file holds a {type(root).__name__.strip('_').lower()}, not a dict"
        )
    for wrapping in ("state_dict", "model_state_dict", "model"):
        inner = root.get(wrapping)
        if isinstance(inner, dict):
            root = inner
            break
    return {
        name: value.view(storages[value.storage.key])
        for name, value in root.items()
        if isinstance(name, str) and isinstance(value, _Tensor)
    }


# --- the three containers


def _read_legacy(data: bytes) -> tuple[object, dict[str, Array]]:
    stream = io.BytesIO(data)
    if _Pickle(stream).load() != _LEGACY_MAGIC:
        raise _RefusedError("this is not a PyTorch or safetensors file")
    if _Pickle(stream).load() != _LEGACY_PROTOCOL:
        raise _RefusedError("the PyTorch file has an unknown protocol")
    _check_little(_Pickle(stream).load())
    pickle = _Pickle(stream)
    root: Any = pickle.load()
    keys: Any = _Pickle(stream).load()
    listed = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if not listed or sorted(keys) != sorted(pickle.storages):
        raise _RefusedError("the storages listed are not those that the tensors use")
    storages = {}
    for key in keys:
        storage = pickle.storages[key]
        (count,) = struct.unpack("<q", stream.read(8))
        start = stream.tell()
        if count != storage.count or storage.nbytes > len(data) - start:
            raise _RefusedError(f"storage {key!r:.60} ends outside the file")
        storages[key] = _numbers(data, storage.dtype, count, start)
        stream.seek(start + storage.nbytes)
    return root, storages


def _read_zip(data: bytes) -> tuple[object, dict[str, Array]]:
    if data.count(b"PK\x01\x02") > _MAX_ENTRIES:
        raise _RefusedError("the archive has more entries than a state dict needs")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise _RefusedError("the archive is compressed, which torch.save never does")
        if sum(entry.file_size for entry in entries) > len(data):
            raise _RefusedError("the archive claims to hold more than the file does")
        names = [name for name in archive.namelist() if f"/{name}".endswith("/data.pkl")]
        if len(names) != 1:
            raise _RefusedError("this zip archive is not a PyTorch file: it has no single data.pkl")
        folder = names[0].removesuffix("data.pkl")
        if f"{folder}byteorder" in archive.namelist():
            order = archive.read(f"{folder}byteorder")
            _check_little({"little_endian": order == b"little"})
        pickle = _Pickle(io.BytesIO(archive.read(names[0])))
        root, storages = pickle.load(), {}
        for key, storage in pickle.storages.items():
            content = archive.read(f"{folder}data/{key}")
            if len(content) != storage.nbytes:
                raise _RefusedError(
                    f"storage {key!r:.60} has {len(content)} bytes, not {storage.nbytes}"
                )
            storages[key] = _numbers(content, storage.dtype, storage.count)
    return root, storages


def _check_little(system: object) -> None:
    if not (isinstance(system, dict) and system.get("little_endian") is True):
        raise _RefusedError("the numbers are not stored little-endian")


def _read_safetensors(data: bytes) -> dict[str, Array]:
    (length,) = struct.unpack_from("<Q", data)
    if length > min(_MAX_HEADER_BYTES, len(data) - 8):
        raise _RefusedError("the safetensors header is longer than allowed")
    start = 8 + length
    header: Any = parse_json(data[8:start])
    header.pop("__metadata__", None)
    entries = []
    for name, entry in header.items():
        dtype = _SAFETENSORS.get(entry["dtype"])
        if dtype is None:
            raise _RefusedError(f"tensor {name!r:.90} has an unknown type {entry['dtype']!r:.20}")
        shape, (begin, end) = _counts(entry["shape"]), _counts(entry["data_offsets"])
        entries.append((begin, end, name, dtype, shape))
    tensors, place = {}, 0
    for begin, end, name, dtype, shape in sorted(entries):
        count = math.prod(shape)
        # The specification: neither holes nor overlaps.
        if begin != place or end - begin != count * _itemsize(dtype) or end > len(data) - start:
            raise _RefusedError(f"tensor {name!r:.90} does not lie where the header says")
        flat = _numbers(data, dtype, count, start + begin) if count else np.empty(0, np.float32)
        tensors[name] = flat.reshape(shape)
        place = end
    if place != len(data) - start:
        raise _RefusedError("the safetensors file has bytes that belong to no tensor")
    return tensors


def _counts(values: object) -> tuple[int, ...]:
    """Checked numbers of a shape, a stride or a place: whole, not negative, at most 32 of them."""
    if not isinstance(values, list | tuple) or len(values) > 32:
        raise _RefusedError("a tensor's shape is not a short list of numbers")
    if any(type(value) is not int or not 0 <= value < 1 << 62 for value in values):
        # Never printed: nested lists that share parts can be longer than any memory.
        raise _RefusedError("a tensor's shape or place is negative, huge or not a whole number")
    return tuple(values)


# --- the pickle machine


class _Pickle:
    """One pickle of `stream`: a stack machine that knows only what tensors need."""

    def __init__(self, stream: io.BytesIO) -> None:
        self.stream = stream
        self.storages: dict[str, _Storage] = {}
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.pairs = 0

    def load(self) -> object:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(self.stream)):
            if number > _MAX_OPCODES:
                raise _RefusedError("the pickle is too long for a state dict")
            if opcode.name == "STOP":
                break
            step = _STEPS.get(opcode.name)
            if step is None:
                about = f" {argument!r:.100}" if isinstance(argument, str | int) else ""
                raise _RefusedError(f"the pickle asks for {opcode.name}{about}, which is refused")
            step(self, argument)
        return self.stack.pop()

    def push(self, value: object) -> None:
        self.stack.append(value)

    def mark(self, _: object) -> None:
        self.marks.append(len(self.stack))

    def above_mark(self) -> list[Any]:
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def last(self, count: int) -> tuple[Any, ...]:
        if len(self.stack) < count:
            raise _RefusedError("the pickle pops more than it pushed")
        values = tuple(self.stack[-count:])
        del self.stack[-count:]
        return values

    def put(self, index: int | None) -> None:
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def extend(self, values: list[Any] | tuple[Any, ...]) -> None:
        if not isinstance(self.stack[-1], list):
            raise _RefusedError("the pickle appends to something that is not a list")
        self.stack[-1].extend(values)

    def set_items(self, values: list[Any] | tuple[Any, ...]) -> None:
        self.stack[-1].update(_items(zip(values[::2], values[1::2], strict=True), self.stack[-1]))

    def find(self, name: str) -> None:
        if name not in _GLOBALS:
            raise _RefusedError(f"the pickle asks for {name[:200]}, which no tensor needs; refused")
        self.push(_Global(name))

    def stack_global(self, _: object) -> None:
        module, name = self.last(2)
        if not isinstance(module, str) or not isinstance(name, str):
            raise _RefusedError("the pickle names a global by something that is not text")
        self.find(f"{module}.{name}")

    def persistent(self, _: object) -> None:
        (entry,) = self.last(1)
        if not isinstance(entry, tuple) or not 5 <= len(entry) <= 6:
            raise _RefusedError("the pickle refers to something outside that is not a storage")
        kind, storage, key, _location, count, *rest = entry
        dtype = _STORAGES.get(storage.name) if isinstance(storage, _Global) else None
        if kind != "storage" or dtype is None or type(key) is not str or rest not in ([], [None]):
            raise _RefusedError("the pickle refers to something outside that is not a storage")
        found = _Storage(key, dtype, _counts([count])[0])
        if self.storages.setdefault(key, found) != found:
            raise _RefusedError(f"storage {key!r:.60} is described twice, differently")
        self.push(found)

    def reduce(self, _: object) -> None:
        function, arguments = self.last(2)
        if not isinstance(function, _Global) or not isinstance(arguments, tuple):
            raise _RefusedError("the pickle calls something that is not a known function")
        if len(arguments) > _MAX_ARGUMENTS:
            raise _RefusedError("the pickle calls a function with more than it takes")
        if function.name == "collections.OrderedDict":
            pairs = arguments[0] if arguments else []
            # A list that is in the file once may be given to any number of them.
            self.pairs += len(pairs)
            if self.pairs > _MAX_PAIRS or any(len(pair) != 2 for pair in pairs):
                raise _RefusedError("the pickle makes a dict of something other than pairs")
            self.push(dict(_items(pairs, {})))
        elif function.name == "torch._utils._rebuild_tensor_v2":
            storage, offset, size, stride, *_rest = arguments
            if not isinstance(storage, _Storage):
                raise _RefusedError("a tensor has no storage")
            size, stride = _counts(size), _counts(stride)
            if len(size) != len(stride):
                raise _RefusedError("a tensor's shape and strides differ in length")
            self.push(_Tensor(storage, _counts([offset])[0], size, stride))
        elif function.name == "torch._utils._rebuild_parameter":
            self.push(arguments[0])
        else:
            raise _RefusedError(f"the pickle calls {function.name}, which is refused")

    def build(self, _: object) -> None:
        target, _state = self.last(2)  # the state is the dict's version notes
        if not isinstance(target, dict):
            raise _RefusedError("the pickle sets attributes of something that is not a dict")
        self.push(target)


def _items(pairs: Any, target: object) -> list[tuple[Any, Any]]:
    if not isinstance(target, dict):
        raise _RefusedError("the pickle sets items of something that is not a dict")
    items = [(key, value) for key, value in pairs]
    # Hashing a deeply nested key would overflow the interpreter's stack.
    if not all(isinstance(key, str | int | None) for key, _ in items):
        raise _RefusedError("a dict has keys that are neither text nor numbers")
    return items


_STEPS: dict[str, Callable[[_Pickle, Any], None]] = {
    "MARK": _Pickle.mark,
    "EMPTY_DICT": lambda pickle, _: pickle.push({}),
    "EMPTY_LIST": lambda pickle, _: pickle.push([]),
    "EMPTY_TUPLE": lambda pickle, _: pickle.push(()),
    "TUPLE": lambda pickle, _: pickle.push(tuple(pickle.above_mark())),
    "TUPLE1": lambda pickle, _: pickle.push(pickle.last(1)),
    "TUPLE2": lambda pickle, _: pickle.push(pickle.last(2)),
    "TUPLE3": lambda pickle, _: pickle.push(pickle.last(3)),
    "APPEND": lambda pickle, _: pickle.extend(pickle.last(1)),
    "APPENDS": lambda pickle, _: pickle.extend(pickle.above_mark()),
    "SETITEM": lambda pickle, _: pickle.set_items(pickle.last(2)),
    "SETITEMS": lambda pickle, _: pickle.set_items(pickle.above_mark()),
    "NONE": lambda pickle, _: pickle.push(None),
    "NEWTRUE": lambda pickle, _: pickle.push(True),
    "NEWFALSE": lambda pickle, _: pickle.push(False),
    "GLOBAL": lambda pickle, name: pickle.find(name.replace(" ", ".", 1)),
    "STACK_GLOBAL": _Pickle.stack_global,
    "BINPERSID": _Pickle.persistent,
    "REDUCE": _Pickle.reduce,
    "BUILD": _Pickle.build,
    **dict.fromkeys(("PROTO", "FRAME"), lambda *_: None),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), _Pickle.put),
    **dict.fromkeys(
        ("BINGET", "LONG_BINGET"), lambda pickle, index: pickle.push(pickle.memo[index])
    ),
    **dict.fromkeys(
        ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINSTRING", "SHORT_BINSTRING",
         "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        _Pickle.push,
    ),
}  # fmt: skip
