from __future__ import annotations

import os
import pickle
import struct
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from packager.backbones.state_dict import read_state_dict
from packager.errors import WeightsError
from tests.backbones import torch_files as files

ARRAYS = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "half": np.array([0.5, -2], np.float16),
    "double": np.array([[1e300]]),
    "steps": np.array(7, np.int64),
    "empty": np.zeros((0, 3), np.float32),
}
FLAT = np.arange(6, dtype=np.float32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth"


def read(file: Path, content: bytes) -> dict[str, np.ndarray]:
    file.write_bytes(content)
    return read_state_dict(file)


def refused(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        read_state_dict(file)
    assert caught.value.where == str(file)
    assert "state dict" in caught.value.fix
    return caught.value.what


def check(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape
        assert found[name].dtype == array.dtype


def test_legacy_format(file: Path) -> None:
    check(read(file, files.legacy(*files.tensors(ARRAYS))), ARRAYS)


def test_zip_format(file: Path) -> None:
    check(read(file, files.zipped(*files.tensors(ARRAYS))), ARRAYS)


def test_safetensors_format(file: Path) -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "b": {"dtype": "I64", "shape": [], "data_offsets": [16, 24]},
        "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
        "none": {"dtype": "F32", "shape": [0, 5], "data_offsets": [16, 16]},
    }
    a, b = np.array([[1, 2], [3, 4]], np.float32), np.array(-1, np.int64)
    found = read(file, files.safetensors(header, a.tobytes() + b.tobytes()))
    check(found, {"a": a, "none": np.zeros((0, 5), np.float32), "b": b})


def test_bfloat16_becomes_float32(file: Path) -> None:
    values = np.array([1.0, -2.5, 0.0078125], np.float32)
    raw = (values.view(np.uint32) >> 16).astype("<u2")
    body = files.mapping({"w": files.tensor(files.storage("0", "BFloat16", 3), (3,), (1,))})
    header = {"w": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}
    for content in (files.zipped(body, {"0": raw}), files.safetensors(header, raw.tobytes())):
        check(read(file, content), {"w": values})


def test_strides_and_offsets_are_respected(file: Path) -> None:
    reference = files.storage("0", "Float", 6)
    body = files.mapping(
        {
            "transposed": files.tensor(reference, (3, 2), (1, 3)),
            "tail": files.tensor(reference, (2,), (1,), offset=4),
            "last": files.tensor(reference, (), (), offset=5),
        }
    )
    found = read(file, files.legacy(body, {"0": FLAT}))
    expected = {"transposed": FLAT.reshape(2, 3).T, "tail": FLAT[4:], "last": FLAT[5]}
    check(found, {name: np.asarray(array) for name, array in expected.items()})


def test_a_parameter_is_its_tensor(file: Path) -> None:
    inner = files.tensor(files.storage("0", "Float", 6), (6,), (1,))
    hooks = b"ccollections\nOrderedDict\n)R"
    parameter = b"ctorch._utils\n_rebuild_parameter\n(" + inner + b"\x88" + hooks + b"tR"
    content = files.zipped(files.mapping({"w": parameter}), {"0": FLAT})
    check(read(file, content), {"w": FLAT})


@pytest.mark.parametrize("wrapping", ["state_dict", "model_state_dict", "model"])
def test_a_wrapped_dict_is_taken_out_and_other_values_left(file: Path, wrapping: str) -> None:
    body, raw = files.tensors({"module.w": FLAT, "module.b": FLAT[:2]})
    outer = files.mapping({"epoch": files.number(3), "arch": files.text("lite"), wrapping: body})
    check(read(file, files.zipped(outer, raw)), {"w": FLAT, "b": FLAT[:2]})


def test_module_prefix_stays_when_not_on_all(file: Path) -> None:
    arrays = {"module.w": FLAT, "b": FLAT}
    check(read(file, files.legacy(*files.tensors(arrays))), arrays)


def test_version_notes_of_the_dict_are_passed_over(file: Path) -> None:
    body, raw = files.tensors({"w": FLAT})
    notes = b"}(" + files.text("_metadata") + files.mapping({"": b"}"}) + b"ub"
    check(read(file, files.zipped(body + notes, raw)), {"w": FLAT})


# Hostile pickles. Each would leave a file behind if any of it were executed.


class Reduced:
    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> object:
        return self.call


def hostile(marker: Path) -> dict[str, bytes]:
    """Opcodes between PROTO and STOP, by what they try; `marker` is what they would make."""
    shell = f"touch {marker}"
    source = f"open({str(marker)!r}, 'w')"

    def call(module: str, name: str, argument: str) -> bytes:
        return f"c{module}\n{name}\n".encode() + b"(" + files.text(argument) + b"tR"

    def stack(module: str, name: str, argument: str) -> bytes:
        return files.text(module) + files.text(name) + b"\x93" + files.text(argument) + b"\x85R"

    get = b"cbuiltins\ngetattr\n(cos\n\n" + files.text("system") + b"tR"
    real = {
        "os.system, protocol 2": pickle.dumps(Reduced(os.system, shell), 2)[2:-1],
        "os.system, protocol 5": pickle.dumps(Reduced(os.system, shell), 5)[2:-1],
        "eval": pickle.dumps(Reduced(eval, source), 2)[2:-1],
        "nested": pickle.dumps({"w": [(Reduced(exec, source),)]}, 4)[2:-1],
        "touch": pickle.dumps(Reduced(Path.touch, marker), 4)[2:-1],
    }
    return real | {
        "os": call("os", "system", shell),
        "posix": call("posix", "system", shell),
        "nt": call("nt", "system", shell),
        "__builtin__": call("__builtin__", "eval", source),
        "subprocess": call("subprocess", "getoutput", shell),
        "stack global": stack("os", "system", shell),
        "dotted name": stack("collections", "OrderedDict.__class__", shell),
        "dotted module": stack("torch._utils", "os.system", shell),
        "split elsewhere": stack("collections.OrderedDict", "__init__", shell),
        "torch.load": call("torch", "load", str(marker)),
        "storage called": call("torch", "FloatStorage", str(marker)),
        "getattr": get + b"(" + files.text(shell) + b"tR",
        "inside a tensor": b"ctorch._utils\n_rebuild_tensor_v2\n("
        + call("os", "system", shell) + b"tR",
        "inside a storage": b"(" + files.text("storage") + call("os", "system", shell) + b"tQ",
        "as a hook": files.mapping({"w": files.tensor(b"N", (1,), (1,))[:-2]
                                    + call("os", "system", shell) + b"tR"}),
        "INST": b"(" + files.text(shell) + b"ios\nsystem\n",
        "OBJ": b"(cos\nsystem\n" + files.text(shell) + b"o",
        "NEWOBJ": b"ccollections\nOrderedDict\n)\x81",
        "NEWOBJ_EX": b"ccollections\nOrderedDict\n)}\x92",
        "EXT1": b"\x82\x01",
        "EXT2": b"\x83\x01\x00",
        "EXT4": b"\x84\x01\x00\x00\x00",
        "text persistent id": b"Pstorage\n",
        "BUILD on a global": b"ccollections\nOrderedDict\n}" + b"b",
        "reduced text": files.text("os.system") + b"(" + files.text(shell) + b"tR",
        "buffers": b"\x97",
    }  # fmt: skip


KINDS = list(hostile(Path("marker")))


@pytest.mark.parametrize("container", ["raw", "legacy", "zip"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_pickle_is_refused_and_executes_nothing(
    file: Path, tmp_path: Path, kind: str, container: str
) -> None:
    marker = tmp_path / "executed"
    body = hostile(marker)[kind]
    contents = {
        "raw": b"\x80\x02" + body + b".",
        "legacy": files.legacy(body, {}),
        "zip": files.zipped(body, {}),
    }
    refused(file, contents[container])
    assert not marker.exists()


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("os", "os.system"), ("posix", "posix.system"), ("__builtin__", "__builtin__.eval"),
        ("stack global", "os.system"), ("eval", "builtin"), ("getattr", "builtins.getattr"),
        ("INST", "os system"), ("EXT1", "EXT1"), ("NEWOBJ", "NEWOBJ"),
        ("storage called", "torch.FloatStorage"),
    ],
)  # fmt: skip
def test_the_refusal_names_what_was_asked_for(file: Path, kind: str, named: str) -> None:
    assert named in refused(file, files.zipped(hostile(Path("marker"))[kind], {}))


def test_the_hostile_pickles_are_live(tmp_path: Path) -> None:
    """Python's own unpickler is hurt by them: otherwise the tests above would show nothing."""
    for kind in ("os.system, protocol 2", "eval", "stack global", "INST"):
        marker = tmp_path / "executed"
        pickle.loads(b"\x80\x02" + hostile(marker)[kind] + b".")
        assert marker.exists(), kind
        marker.unlink()


# Tensors that reach outside their storage, or ask for more than the file holds.


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        ((7,), (1,), 0),
        ((6,), (1,), 1),
        ((2,), (6,), 0),
        ((3, 2), (3, 1), 0),
        ((), (), 6),
        ((-1,), (1,), 0),
        ((2,), (-1,), 1),
        ((2,), (1,), -1),
        ((1 << 40, 1 << 40), (0, 0), 0),
        ((1000,), (0,), 0),
        ((1 << 70,), (0,), 0),
        ((2, 3), (1,), 0),
        ((1,) * 40, (1,) * 40, 0),
    ],
)
def test_a_tensor_outside_its_storage_is_refused(
    file: Path, size: tuple[int, ...], stride: tuple[int, ...], offset: int
) -> None:
    body = files.mapping({"w": files.tensor(files.storage("0", "Float", 6), size, stride, offset)})
    assert "tensor" in refused(file, files.legacy(body, {"0": FLAT}))


@pytest.mark.parametrize("claimed", [1 << 60, 1 << 31, 7, 5, -1])
def test_a_storage_of_another_length_is_refused(file: Path, claimed: int) -> None:
    body = files.mapping({"w": files.tensor(files.storage("0", "Float", claimed), (1,), (1,))})
    for content in (files.legacy(body, {"0": FLAT}), files.zipped(body, {"0": FLAT})):
        assert refused(file, content)


def test_a_storage_that_ends_outside_the_file_is_refused(file: Path) -> None:
    body = files.mapping({"w": files.tensor(files.storage("0", "Float", 7), (1,), (1,))})
    content = files.legacy(body, {"0": FLAT})
    count = content.rindex(struct.pack("<q", 6))
    content = content[:count] + struct.pack("<q", 7) + content[count + 8 :]
    assert "outside the file" in refused(file, content)


def test_a_storage_described_twice_differently_is_refused(file: Path) -> None:
    body = files.mapping(
        {
            "a": files.tensor(files.storage("0", "Float", 6), (6,), (1,)),
            "b": files.tensor(files.storage("0", "Double", 6), (6,), (1,)),
        }
    )
    assert "twice" in refused(file, files.zipped(body, {"0": FLAT}))


@pytest.mark.parametrize("size", [0, 1, 14, 30, 60, 200, -30, -1])
@pytest.mark.parametrize("container", ["legacy", "zip"])
def test_a_cut_file_is_refused(file: Path, container: str, size: int) -> None:
    body, raw = files.tensors({"w": FLAT})
    whole = files.legacy(body, raw) if container == "legacy" else files.zipped(body, raw)
    assert refused(file, whole[:size])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged"),
        (b"not a pickle at all", "damaged"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "damaged"),
        (pickle.dumps({"w": [1.0, 2.0]}, 2), "not a PyTorch or safetensors file"),
        (pickle.dumps(42, 2), "not a PyTorch or safetensors file"),
        (files.MAGIC + pickle.dumps(1002, 2), "unknown protocol"),
        (files.MAGIC + files.PROTOCOL + pickle.dumps({"little_endian": False}, 2), "endian"),
        (files.legacy(b"]", {}), "a list, not a dict"),
        (files.legacy(files.mapping({}), {}), "no tensors"),
        (files.legacy(b"}(](" + b"lu", {}), "refused"),
        (files.legacy(b"}]K\x01s", {}), "neither text nor numbers"),
        (files.legacy(b"h\x07", {}), "damaged"),
        (files.legacy(b"R", {}), "pops more"),
        (files.zipped(files.mapping({"w": files.storage("1", "Float", 1)}), {}), "damaged"),
    ],
)
def test_a_file_that_is_no_state_dict_is_refused(file: Path, content: bytes, words: str) -> None:
    assert words in refused(file, content)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.pth", tmp_path):
        with pytest.raises(WeightsError, match="can't be read"):
            read_state_dict(path)


def test_an_endless_pickle_is_refused(file: Path) -> None:
    assert "too long" in refused(file, files.zipped(b"N" * 1_000_002, {}))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("use", [b"", b"\x93", b"Q", b")R", b"\x85\x85Q"])
def test_lists_that_double_forty_times_cost_nothing(file: Path, use: bytes) -> None:
    doubled = b"]q\x00" + b"".join(b"](h%bh%be" % (bytes([i]), bytes([i])) + b"q"
                                   + bytes([i + 1]) for i in range(60))  # fmt: skip
    shape = b"ctorch._utils\n_rebuild_tensor_v2\n(" + files.storage("0", "Float", 1)
    for body in (doubled + doubled + use, shape + files.number(0) + doubled + b"N\x89NtR"):
        refused(file, files.zipped(body, {}))
    keys = b"\x80\x02](" + doubled + doubled + b"e."
    refused(file, files.MAGIC + files.PROTOCOL + files.SYSTEM + b"\x80\x02}." + keys)


def test_a_zip_bomb_is_refused(file: Path) -> None:
    body = files.mapping({"w": files.tensor(files.storage("0", "Byte", 1 << 24), (1,), (1,))})
    bomb = files.zipped(body, {"0": np.zeros(1 << 24, np.uint8)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 16
    assert "compressed" in refused(file, bomb)


def test_a_zip_whose_entries_overlap_is_refused(file: Path) -> None:
    body, raw = files.tensors({"w": np.zeros(1000, np.float32)})
    whole = files.zipped(body, raw)
    start = whole.rindex(b"PK\x01\x02")
    entry = whole[start : whole.rindex(b"PK\x05\x06")]
    end = bytearray(whole[whole.rindex(b"PK\x05\x06") :])
    struct.pack_into("<HH", end, 8, 53, 53)
    size = struct.unpack_from("<I", end, 12)[0]
    struct.pack_into("<I", end, 12, size + 50 * len(entry))
    many = whole[: start + len(entry)] + entry * 50 + bytes(end)
    assert "claims to hold more" in refused(file, many)


def test_a_zip_without_one_pickle_is_refused(file: Path) -> None:
    for names in ((), ("a/data.pkl", "b/data.pkl")):
        content = BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name in ("readme.txt", *names):
                archive.writestr(name, b"}.")
        assert "data.pkl" in refused(file, content.getvalue())


def test_a_flipped_byte_in_a_zip_is_noticed(file: Path) -> None:
    content = bytearray(files.zipped(*files.tensors({"w": FLAT})))
    content[content.index(FLAT.tobytes()) + 5] ^= 1
    assert "damaged" in refused(file, bytes(content))


W = {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"w": W | {"shape": [7]}}, "does not lie"),
        ({"w": W | {"shape": [1 << 61]}}, "does not lie"),
        ({"w": W | {"shape": [-6]}}, "negative"),
        ({"w": W | {"shape": [6.0]}}, "whole number"),
        ({"w": W | {"shape": [True] * 6}}, "whole number"),
        ({"w": W | {"shape": "six"}}, "shape"),
        ({"w": W | {"data_offsets": [0, 28], "shape": [7]}}, "does not lie"),
        ({"w": W | {"data_offsets": [24, 0]}}, "does not lie"),
        ({"w": W | {"data_offsets": [-4, 20]}}, "negative"),
        ({"w": W | {"data_offsets": [0]}}, "damaged"),
        ({"w": W, "v": W}, "does not lie"),
        ({"w": W | {"data_offsets": [4, 24], "shape": [5]}}, "does not lie"),
        ({"w": W | {"data_offsets": [0, 20], "shape": [5]}}, "no tensor"),
        ({"w": W | {"dtype": "F8_E4M3"}}, "unknown type"),
        ({"w": W | {"dtype": ["F32"]}}, "damaged"),
        ({"w": {"dtype": "F32"}}, "damaged"),
        ({"w": 5}, "damaged"),
        (b'{"w": 1', "damaged"),
        (b'{"w": {"shape": [], "shape": []}}', "twice"),
        (b'{"w": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "damaged"),
        (b'{"\xff": 1}', "damaged"),
    ],
)
def test_a_wrong_safetensors_header_is_refused(file: Path, header: object, words: str) -> None:
    assert words in refused(file, files.safetensors(header, FLAT.tobytes()))


@pytest.mark.parametrize("length", [3_000, 1 << 27, (1 << 64) - 1])
def test_a_safetensors_header_longer_than_the_file_is_refused(file: Path, length: int) -> None:
    assert "header" in refused(file, struct.pack("<Q", length) + b"{" + bytes(2_000))


def test_a_file_too_large_is_refused_unread(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(3 << 30)
    with pytest.raises(WeightsError, match="it has 3,221 MB, and at most 1,074 are read"):
        read_state_dict(file)


@pytest.mark.timeout(60)
def test_a_list_used_by_thousands_of_calls_costs_nothing(file: Path) -> None:
    pairs = b"](" + b"".join(files.number(i) + b"N\x86" for i in range(2000)) + b"eq\x01"
    make = b"ccollections\nOrderedDict\nq\x02"
    dicts = pairs + make + b"](" + b"h\x02h\x01\x85R" * 20_000 + b"e"
    tracemalloc.start()
    try:
        assert "makes a dict of" in refused(file, files.zipped(dicts, {}))
        calls = pairs + make + b"](" + b"h\x02h\x01h\x01\x86R" * 20_000 + b"e"
        refused(file, files.zipped(calls, {}))
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
    many = pairs + make + b"h\x02(" + b"N" * 20 + b"tR"
    assert "more than it takes" in refused(file, files.zipped(many, {}))


def test_tensors_that_share_a_storage_share_its_floats(file: Path) -> None:
    reference = files.storage("0", "BFloat16", 1 << 20) + b"q\x01"
    same = {f"w{i}": files.tensor(b"h\x01", (1 << 20,), (1,)) for i in range(200)}
    body = files.mapping({"w": files.tensor(reference, (1 << 20,), (1,)), **same})
    tracemalloc.start()
    try:
        found = read(file, files.zipped(body, {"0": np.zeros(1 << 20, np.uint16)}))
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()
    assert len(found) == 201
    assert found["w7"].dtype == np.float32


def test_a_safetensors_header_has_a_bound(file: Path) -> None:
    header = {
        f"{i:90}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(40_000)
    }
    assert "longer than allowed" in refused(file, files.safetensors(header, b""))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(WeightsError, match="it is a pipe, not a file"):
        read_state_dict(tmp_path / "pipe.pth")
