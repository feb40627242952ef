"""Reads and writes flatbuffers by a table of their fields, trusting no byte of them.

A schema is a table of tables: `{"Table": {"field": "type", ...}}`, the fields in the order of
their numbers. Types: a scalar (`SCALARS`), `string`, the name of a table, `[X]` a vector of X,
`union A B` (two fields: which table, then the table), `span` (a byte vector, as its place:
start and length), `target` (where an offset leads) and `skip` (known, of no interest).

Layout of the bytes: https://flatbuffers.dev/internals/. Tables are read as plain dicts that hold
the fields that are present, a union as (name of its table, table).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

Tree = dict[str, Any]
Schema = Mapping[str, Mapping[str, str]]

SCALARS = {
    "bool": "?", "byte": "b", "ubyte": "B", "ushort": "H", "int": "i", "uint": "I",
    "long": "q", "ulong": "Q", "float": "f",
}  # fmt: skip


class DamagedError(ValueError):
    """The bytes aren't a flatbuffer of that schema, or one that would exhaust its reader."""


def decode(
    data: bytes, schema: Schema, root: str, *, strict: bool = False, at: int | None = None
) -> Tree:
    """The table `root` of a flatbuffer.

    Args:
        strict: refuses fields and union members that the schema lacks, and text that isn't UTF-8.
        at: where the table lies; by default where the first four bytes point.

    Raises:
        DamagedError: an offset leads outside, or much more is read than the bytes can hold.
    """
    reader = _Reader(data, schema, strict)
    return reader.table(reader.follow(0) if at is None else at, root)


class _Reader:
    def __init__(self, data: bytes, schema: Schema, strict: bool) -> None:
        self.data, self.schema, self.strict = data, schema, strict
        # Offsets may overlap, so a small file can describe endless tables; an honest one can't.
        # Weights are skipped, so that no model is so large that it needs more than the maximum.
        self.budget = min(4_000_000 + 2 * len(data), 40_000_000)

    def spend(self, cost: int) -> None:
        self.budget -= cost
        if self.budget < 0:
            raise DamagedError("it describes more than its bytes can hold")

    def numbers(self, code: str, at: int, count: int) -> list[Any]:
        self.check(at, struct.calcsize(f"<{code}") * count)
        return list(struct.unpack_from(f"<{count}{code}", self.data, at))

    def check(self, at: int, size: int) -> None:
        if at < 0 or at + size > len(self.data):
            raise DamagedError(f"offset {at} leads outside of its {len(self.data)} bytes")
        self.spend(size)

    def number(self, code: str, at: int) -> Any:
        return self.numbers(code, at, 1)[0]

    def follow(self, at: int) -> int:
        target = at + int(self.number("I", at))
        if target >= len(self.data):
            raise DamagedError(f"offset {at} leads outside of its {len(self.data)} bytes")
        return target

    def table(self, at: int, name: str) -> Tree:
        self.spend(16)
        vtable = at - self.number("i", at)
        size = self.number("H", vtable)
        if size < 4 or size % 2:
            raise DamagedError(f"the vtable at {vtable} has {size} bytes")
        slots = self.numbers("H", vtable + 4, size // 2 - 2)
        found: Tree = {}
        number = 0
        for field, kind in self.schema[name].items():
            member = self.schema_member(kind, slots, number, at)
            number += 2 if kind.startswith("union ") else 1
            slot = slots[number - 1] if number <= len(slots) else 0
            if slot and kind != "skip" and member is not None:
                value = self.value(at + slot, member or kind)
                found[field] = (member, value) if member else value
        if self.strict and any(slots[number:]):
            raise DamagedError(f"{name} has fields of a schema that is newer than packager")
        return found

    def schema_member(self, kind: str, slots: list[int], number: int, at: int) -> str | None:
        """The table that a union holds, "" for other kinds, None for an absent or unknown one."""
        if not kind.startswith("union "):
            return ""
        slot = slots[number] if number < len(slots) else 0
        which = self.number("B", at + slot) if slot else 0
        members = kind.split()[1:]
        if which > len(members) and self.strict:
            raise DamagedError(
                f"member {which} of a union is of a schema that is newer than packager"
            )
        return members[which - 1] if 0 < which <= len(members) else None

    def value(self, at: int, kind: str) -> Any:
        if kind in SCALARS:
            return self.number(SCALARS[kind], at)
        at = self.follow(at)
        if kind == "target":
            return at
        if kind == "string":
            return self.text(at)
        if kind == "span":
            length = self.number("I", at)
            if at + 4 + length > len(self.data):
                raise DamagedError(f"the {length} bytes at {at} lead outside of the file")
            return at + 4, length
        if kind[0] != "[":
            return self.table(at, kind)
        kind, count = kind[1:-1], self.number("I", at)
        if kind in SCALARS:
            return self.numbers(SCALARS[kind], at + 4, count)
        if count > (len(self.data) - at) // 4:
            raise DamagedError(f"the vector at {at} says that it has {count} elements")
        return [self.value(at + 4 + 4 * index, kind) for index in range(count)]

    def text(self, at: int) -> str:
        length = self.number("I", at)
        self.check(at + 4, length)
        content = self.data[at + 4 : at + 4 + length]
        try:
            return content.decode("utf-8", "strict" if self.strict else "replace")
        except UnicodeDecodeError:
            raise DamagedError(f"the text at {at} isn't UTF-8") from None


def encode(tree: Tree, schema: Schema, root: str, identifier: bytes) -> bytes:
    """The flatbuffer of `tree`; the same tree always gives the same bytes."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(_table(builder, tree, schema, root), identifier)
    return bytes(builder.Output())


def _table(builder: Any, tree: Tree, schema: Schema, name: str) -> int:
    slots: list[tuple[str, Any]] = []
    for field, kind in schema[name].items():
        value = tree.get(field)
        if kind.startswith("union "):
            member, content = value or ("", None)
            slots.append(("ubyte", kind.split()[1:].index(member) + 1 if member else None))
            kind, value = member, content
        if value is not None and kind not in SCALARS:
            value = _child(builder, value, schema, kind)
        slots.append((kind, value))
    builder.StartObject(len(slots))
    for number, (kind, value) in enumerate(slots):
        if value is None:
            continue
        if kind in SCALARS:
            _PREPEND[kind](builder, number, value, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(number, value, 0)
    return int(builder.EndObject())


def _child(builder: Any, value: Any, schema: Schema, kind: str) -> int:
    if kind == "string":
        return int(builder.CreateString(value))
    if kind[0] != "[":
        return _table(builder, value, schema, kind)
    kind = kind[1:-1]
    if kind in SCALARS:
        code = SCALARS[kind]
        size = struct.calcsize(f"<{code}")
        # CustomMetadata.data asks for 16; more than needed harms nobody.
        builder.StartVector(size, len(value), 16 if kind == "ubyte" else size)
        builder.head -= size * len(value)
        struct.pack_into(f"<{len(value)}{code}", builder.Bytes, builder.head, *value)
        return int(builder.EndVector())
    children = [_child(builder, item, schema, kind) for item in value]
    builder.StartVector(4, len(children), 4)
    for child in reversed(children):
        builder.PrependUOffsetTRelative(child)
    return int(builder.EndVector())


def _slot(method: str) -> Any:
    return lambda builder, *args: getattr(builder, method)(*args)


_PREPEND = {
    "byte": _slot("PrependInt8Slot"),
    "ubyte": _slot("PrependUint8Slot"),
    "int": _slot("PrependInt32Slot"),
    "uint": _slot("PrependUint32Slot"),
    "float": _slot("PrependFloat32Slot"),
}
