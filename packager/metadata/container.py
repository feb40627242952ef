"""The .tflite file as a container: a flatbuffer, its metadata entry, and a zip behind it.

Tables: TFLite's `schema.fbs` (file identifier TFL3). The model's own bytes are never rebuilt:
its operators, options and weights, and with them fields of newer schemas and the alignment of
the weights, stay as the converter wrote them. All that changes is a small block put in front:

    0  root offset  "TFL3"  block length  "pkg1"
       root table: version, and offsets into the model behind the block
       metadata vector, buffer vector, the metadata buffer
    P  the model as it was, byte for byte (P is a multiple of 16)
       zip of the associated files, its offsets counted from the start of the file

Flatbuffer offsets are relative and point forwards, so the model works at any place behind the
block. Rewriting takes the old block away first: nothing grows.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packager.errors import MetadataError, ModelFileError
from packager.metadata.flatbuffer import DamagedError, Tree, decode
from packager.metadata.schema import IDENTIFIER
from packager.reading import MODEL_BYTES, read_entry, read_file

ENTRY = "TFLITE_METADATA"
_MODEL_IDENTIFIER = b"TFL3"
_MARK = b"pkg1"
_ALIGNMENT = 16
_MOST_ASSOCIATED_BYTES = 64 << 20  # labels of a million classes have 20 MB
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # all that clients unpack

MODEL_TABLES: dict[str, dict[str, str]] = {
    "Model": {
        "version": "uint",
        "operator_codes": "[OperatorCode]",
        "subgraphs": "[SubGraph]",
        "description": "string",
        "buffers": "[Buffer]",
        "metadata_buffer": "skip",
        "metadata": "[Metadata]",
        "signature_defs": "[SignatureDef]",
    },
    "OperatorCode": {
        "deprecated_builtin_code": "byte",
        "custom_code": "string",
        "version": "int",
        "builtin_code": "int",
    },
    "SubGraph": {
        "tensors": "[Tensor]",
        "inputs": "[int]",
        "outputs": "[int]",
        "operators": "[Operator]",
        "name": "string",
    },
    "Tensor": {
        "shape": "[int]",
        "type": "byte",
        "buffer": "uint",
        "name": "string",
        "quantization": "Quantization",
        "is_variable": "skip",
        "sparsity": "skip",
        "shape_signature": "[int]",
    },
    "Quantization": {
        "min": "skip",
        "max": "skip",
        "scale": "[float]",
        "zero_point": "[long]",
    },
    "Operator": {
        "opcode_index": "uint",
        "inputs": "[int]",
        "outputs": "[int]",
        "builtin_options_type": "skip",
        "builtin_options": "skip",
        "custom_options": "skip",
        "custom_options_format": "skip",
        "mutating_variable_inputs": "skip",
        "intermediates": "skip",
        "large_custom_options_offset": "ulong",
    },
    "Buffer": {"data": "span", "offset": "ulong", "size": "ulong"},
    "Metadata": {"name": "string", "buffer": "uint"},
    "SignatureDef": {
        "inputs": "[TensorMap]",
        "outputs": "[TensorMap]",
        "signature_key": "string",
        "deprecated_tag": "skip",
        "subgraph_index": "uint",
    },
    "TensorMap": {"name": "string", "tensor_index": "uint"},
}

_ROOT: dict[str, dict[str, str]] = {
    "Model": {
        "version": "uint",
        "operator_codes": "target",
        "subgraphs": "target",
        "description": "target",
        "buffers": "[target]",
        "metadata_buffer": "target",
        "metadata": "[target]",
        "signature_defs": "target",
        "external_buffer_groups": "target",
        "external_buffers": "target",
    }
}


_SHAPES: dict[str, dict[str, str]] = {
    "Model": {"version": "skip", "operator_codes": "skip", "subgraphs": "[SubGraph]"},
    "SubGraph": {"tensors": "[Tensor]"},
    "Tensor": {
        field: "target" if field.startswith("shape") else "skip" for field in MODEL_TABLES["Tensor"]
    },
}


@dataclass(frozen=True)
class ModelFile:
    """A .tflite file, taken apart.

    Attributes:
        model: the flatbuffer, without the zip behind it.
        tree: its tables, as far as `MODEL_TABLES` goes, indices checked.
        metadata: the bytes of its metadata flatbuffer, if it has one.
        files: the associated files in the zip, by name, in order.
        size, sha256: of the whole file.
        where: the file's path, for messages.
    """

    model: bytes
    tree: Tree
    metadata: bytes | None
    files: dict[str, bytes]
    size: int
    sha256: str
    where: Path | None = None


def open_model(source: bytes | Path, *, unpack: bool = True) -> ModelFile:
    """Takes a .tflite file apart; `unpack=False` passes its associated files over.

    Raises:
        ModelFileError: it can't be read or isn't a whole TFLite model.
        MetadataError: its zip of associated files is damaged.
    """
    where = None if isinstance(source, bytes) else source
    data = source if isinstance(source, bytes) else _read(source)
    if not is_model(data[:8]):
        raise ModelFileError(
            "this is not a TFLite model (it lacks the identifier TFL3)",
            where=where,
            fix="Give a .tflite file, as a converter wrote it.",
        )
    model, files = _split_zip(data, where, unpack)
    try:
        tree = decode(model, MODEL_TABLES, "Model")
        _check(tree)
        metadata = _metadata(model, tree)
    except DamagedError as error:
        raise ModelFileError(
            f"the model is damaged: {error}",
            where=where,
            fix="Copy it again, or convert the model again.",
        ) from None
    digest = hashlib.sha256(data).hexdigest()
    return ModelFile(model, tree, metadata, files, len(data), digest, where)


def is_model(start: bytes) -> bool:
    """Whether a file whose first 8 bytes these are says that it is a TFLite model."""
    return start[4:8] == _MODEL_IDENTIFIER


def _read(path: Path) -> bytes:
    try:
        return read_file(path, MODEL_BYTES)
    except OSError as error:
        raise ModelFileError(
            f"the model can't be read ({error.strerror or error})",
            where=path,
            fix="Give the path of a .tflite file.",
        ) from None


def _check(tree: Tree) -> None:
    """Every index that other code follows leads somewhere."""
    subgraphs = tree.get("subgraphs", [])
    if not subgraphs:
        raise DamagedError("it has no subgraph")
    buffers, codes = len(tree.get("buffers", [])), len(tree.get("operator_codes", []))
    for graph in subgraphs:
        tensors = len(graph.setdefault("tensors", []))
        used = [*graph.setdefault("inputs", []), *graph.setdefault("outputs", [])]
        if any(not 0 <= index < tensors for index in used):
            raise DamagedError("an input or output is a tensor that it doesn't have")
        for tensor in graph["tensors"]:
            if tensor.get("buffer", 0) >= max(buffers, 1):
                raise DamagedError("a tensor lies in a buffer that it doesn't have")
        for operator in graph.setdefault("operators", []):
            ends = [*operator.setdefault("inputs", []), *operator.setdefault("outputs", [])]
            # -1 marks an optional input that isn't given.
            if any(not -1 <= index < tensors for index in ends):
                raise DamagedError("an operator uses a tensor that it doesn't have")
            if operator.get("opcode_index", 0) >= codes:
                raise DamagedError("an operator has no code")


def _metadata(model: bytes, tree: Tree) -> bytes | None:
    for entry in tree.get("metadata", []):
        if entry.get("name") == ENTRY:
            buffers = tree.get("buffers", [])
            index = entry.get("buffer", 0)
            if index >= len(buffers):
                raise DamagedError("its metadata lies in a buffer that it doesn't have")
            start, length = buffers[index].get("data", (0, 0))
            return model[start : start + length]
    return None


def _split_zip(data: bytes, where: Path | None, unpack: bool) -> tuple[bytes, dict[str, bytes]]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, struct.error, NotImplementedError):
        return data, {}
    with archive:
        entries = archive.infolist()
        start = min((entry.header_offset for entry in entries), default=0)
        if start < 8 or data[start : start + 4] != b"PK\x03\x04":
            return data, {}  # weights that look like the end of a zip
        if not unpack:
            return data[:start], {}
        fix = "Write the metadata again: packager metadata write --replace."
        if sum(entry.file_size for entry in entries) > _MOST_ASSOCIATED_BYTES:
            raise MetadataError(
                f"its associated files unpack to more than {_MOST_ASSOCIATED_BYTES >> 20} MB",
                where=where,
                fix=fix,
            )
        if any(entry.compress_type not in _PACKED for entry in entries):
            raise MetadataError(
                "its associated files are packed in a way that clients can't unpack",
                where=where,
                fix=fix,
            )
        try:
            files = {entry.filename: read_entry(archive, entry) for entry in entries}
        except Exception as error:  # zipfile raises what its decompressors raise
            raise MetadataError(
                f"its associated files can't be unpacked ({error})", where=where, fix=fix
            ) from None
    return data[:start], files


def input_shapes(data: bytes, tensor: int) -> list[int]:
    """Where the sizes of a tensor's shape and of its signature lie, each a little-endian int32.

    `data` is a whole file that `open_model` has taken; `tensor` counts in its first subgraph.
    """
    found = decode(data, _SHAPES, "Model")["subgraphs"][0]["tensors"][tensor]
    return [place + 4 for place in found.values()]


def join_model(model: ModelFile, metadata: bytes, files: Mapping[str, bytes]) -> bytes:
    """The .tflite file of `model` with this metadata flatbuffer and these associated files.

    What metadata and files it had are replaced.

    Raises:
        ModelFileError: the model keeps weights outside of its flatbuffer, or is of a newer schema.
    """
    out = io.BytesIO()
    out.write(_with_metadata(model, metadata))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            # Fixed in all that differs between machines. Stored: clients map the bytes directly.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)
    return out.getvalue()


def _with_metadata(file: ModelFile, payload: bytes) -> bytes:
    inner = _without_block(file.model)
    try:
        root = decode(inner, _ROOT, "Model", strict=True)
        tree = decode(inner, MODEL_TABLES, "Model")
        _check(tree)
        if not root.get("buffers"):
            raise DamagedError("it has no buffers")
    except DamagedError as error:
        raise ModelFileError(
            f"metadata can't be added to this model: {error}",
            where=file.where,
            fix="Convert the model again with a current converter.",
        ) from None
    _refuse_outside_weights(file, tree)
    entries = list(zip(root.get("metadata", []), tree.get("metadata", []), strict=True))
    buffers: list[int] = root.get("buffers", [])
    old = [entry.get("buffer", 0) for _, entry in entries if entry.get("name") == ENTRY]
    kept = [(place, entry) for place, entry in entries if entry.get("name") != ENTRY]
    shared = {entry.get("buffer", 0) for _, entry in kept} | {0} | {
        tensor.get("buffer", 0) for graph in tree["subgraphs"] for tensor in graph["tensors"]
    }  # fmt: skip
    free = [index for index in old if index < len(buffers) and index not in shared]
    inner = _blank(inner, [tree["buffers"][index] for index in free])
    slot = free[0] if free else len(buffers)
    return _block(root, [place for place, _ in kept], buffers, slot, payload) + inner


def _without_block(model: bytes) -> bytes:
    length = int.from_bytes(model[8:12], "little")
    ours = model[12:16] == _MARK and length % _ALIGNMENT == 0
    return model[length:] if ours and model[length + 4 : length + 8] == _MODEL_IDENTIFIER else model


def _refuse_outside_weights(file: ModelFile, tree: Tree) -> None:
    outside = any(buffer.get("offset", 0) > 1 for buffer in tree.get("buffers", [])) or any(
        operator.get("large_custom_options_offset", 0) > 1
        for graph in tree["subgraphs"]
        for operator in graph["operators"]
    )
    if outside:
        raise ModelFileError(
            "the model keeps weights behind its flatbuffer (the layout for more than 2 GB)",
            where=file.where,
            fix="Convert it without buffer offsets; models for phones don't need them.",
        )


def _blank(inner: bytes, buffers: list[Tree]) -> bytes:
    """Wipes metadata of another writer that nothing refers to any more."""
    content = bytearray(inner)
    for buffer in buffers:
        start, length = buffer.get("data", (0, 0))
        if content[start + 4 : start + 8] == IDENTIFIER:
            content[start : start + length] = bytes(length)
    return bytes(content)


def _block(root: Tree, entries: list[int], buffers: list[int], slot: int, payload: bytes) -> bytes:
    """What goes before a model: `entries` and `buffers` are places in that model."""
    vtable, table, vector = 16, 40, 84  # all offsets lead forwards, so the vectors come first
    count = max(len(buffers), slot + 1)
    buffer_vector = vector + 4 + 4 * (len(entries) + 1)
    entry = buffer_vector + 4 + 4 * count + 8  # a table's vtable is the 8 bytes before it
    name, buffer = entry + 12, entry + 40
    data = _aligned(buffer + 8 + 4)  # where the bytes begin, after their length
    total = _aligned(data + len(payload))
    block = bytearray(total)

    def put(at: int, code: str, *values: int) -> None:
        struct.pack_into(f"<{code}", block, at, *values)

    def put_vector(at: int, targets: list[int]) -> None:
        put(at, "I", len(targets))
        for place, target in zip(range(at + 4, total, 4), targets, strict=False):
            put(place, "I", target - place)

    put(0, "I", table)
    block[4:8], block[12:16] = _MODEL_IDENTIFIER, _MARK
    put(8, "I", total)
    targets = {key: total + place for key, place in root.items() if isinstance(place, int)}
    targets.update(buffers=buffer_vector, metadata=vector)
    put(vtable, "HH", 24, 44)
    put(table, "i", table - vtable)
    for number, field in enumerate(_ROOT["Model"]):
        place = table + 4 + 4 * number
        if field in targets:
            put(vtable + 4 + 2 * number, "H", place - table)
            put(place, "I", root["version"] if field == "version" else targets[field] - place)
    put(entry - 8, "HHHHiII", 8, 12, 4, 8, 8, name - (entry + 4), slot)
    put(name, "I", len(ENTRY))
    block[name + 4 : name + 4 + len(ENTRY)] = ENTRY.encode()
    put(buffer - 8, "HHHHiI", 6, 8, 4, 0, 8, data - 4 - (buffer + 4))
    put_vector(vector, [*(total + place for place in entries), entry])
    places = [total + place for place in buffers] + [buffer]
    places[slot:] = [buffer, *places[slot + 1 : count]]
    put_vector(buffer_vector, places)
    put(data - 4, "I", len(payload))
    block[data : data + len(payload)] = payload
    return bytes(block)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
