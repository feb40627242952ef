"""Seeded mutations of files, and the one rule that every reader has to keep.

A reader may accept a mutated file or refuse it with a `PackagerError`; nothing else may come out,
and an input may take neither more than a few seconds nor more than a gigabyte.
`PACKAGER_FUZZ=20000 pytest tests/fuzz` tries more mutations than the usual 300 a reader (60 with
`-m "not slow"`), `PACKAGER_FUZZ_SEED=7` others. The run ends with a table of counts.
"""

from __future__ import annotations

import copy
import json
import os
import random
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packager.errors import PackagerError

COUNT = int(os.environ.get("PACKAGER_FUZZ", "300"))
SEED = int(os.environ.get("PACKAGER_FUZZ_SEED", "0"))
_SECONDS = 10  # for one input, on a busy machine
_MEMORY = 1 << 30  # bytes for one input, beside what the process has already (Linux)
_SHOWN = 10
# Lengths, offsets and counts that are at the edge of something.
_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass
class Tally:
    """What became of a reader's inputs."""

    inputs: int = 0
    refused: int = 0
    faults: int = 0


TALLIES: defaultdict[str, Tally] = defaultdict(Tally)  # by the test's name


def check(
    reader: Callable[[Any], object],
    inputs: Iterable[Any],
    allowed: tuple[type[Exception], ...] = (PackagerError,),
) -> None:
    """Fails with the first inputs' tracebacks where `reader` raises anything but `allowed`."""
    failures: list[str] = []
    tally = Tally()
    for number, each in enumerate(inputs):
        tally.inputs += 1
        resident = _watch_memory()
        began = time.monotonic()
        try:
            reader(each)
        except allowed as error:
            # A person has to be able to print the message, and to read it.
            tally.refused += 1
            text = str(error)
            if len(text) > 5000:
                failures.append(f"input {number}: a message of {len(text):,} characters")
        except Exception:
            shown = f"{each!r:.300}"
            failures.append(f"input {number}: {shown}\n{traceback.format_exc(limit=-4)}")
        spent = time.monotonic() - began
        if spent > _SECONDS:
            failures.append(f"input {number}: {spent:.0f} s")
        if resident and (taken := _memory("VmHWM") - resident) > _MEMORY:
            failures.append(f"input {number}: {taken / 1e6:.0f} MB")
    tally.faults = len(failures)
    _add(tally)
    shown = "\n".join(failures[:_SHOWN])
    assert not failures, f"{len(failures)} of {tally.inputs} inputs:\n{shown}"


def _add(tally: Tally) -> None:
    """To the running test's."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2].partition(" ")[0]
    whole = TALLIES[test]
    whole.inputs += tally.inputs
    whole.refused += tally.refused
    whole.faults += tally.faults


def _watch_memory() -> int:
    """Makes the process's memory of now its peak; gives its bytes. 0 where Linux isn't."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return 0
    return _memory("VmRSS")


def _memory(what: str) -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return int(status.partition(f"{what}:")[2].split()[0]) << 10


def mutated_bytes(
    originals: Sequence[bytes], count: int = COUNT, seed: int = SEED
) -> Iterator[bytes]:
    """Each made of one of the originals by one to four changes: the same ones for the same seed."""
    rng = random.Random(f"bytes {seed}")
    for number in range(count):
        data = bytearray(originals[number % len(originals)])
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            _change(data, rng)
        yield bytes(data)


def _change(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data) + 1)
    length = min(rng.choice((1, 1, 2, 4, 8, 64)), len(data) - place)
    kind = rng.randrange(8)
    if kind == 0 and length:  # a bit
        data[place] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[place : place + length] = rng.randbytes(length)
    elif kind == 2:  # a number at an edge
        width = rng.choice((1, 2, 4, 8))
        value = rng.choice(_EDGES) % (1 << 8 * width)
        data[place : place + width] = value.to_bytes(width, rng.choice(("little", "big")))
    elif kind == 3:  # cut short
        del data[place:]
    elif kind == 4:  # a piece is missing
        del data[place : place + length]
    elif kind == 5:
        data[place:place] = rng.randbytes(length)
    elif kind == 6 and length:  # a piece twice
        data[place:place] = data[place : place + length]
    elif length:
        data[place : place + length] = rng.choice((b"\x00", b"\xff")) * length


_ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, -(2**63), 10**300, 0.5, -0.0, 1e308, "", "x",
    "\ud800", "\udce9.jpg", "\x00", "../../etc/passwd", "/dev/zero", "<script>", "[red]", "=1+1",
    "x" * 5000, [], {}, [[]], [None], {"": None}, [0] * 50, {"x": {"y": []}},
)  # fmt: skip
_TEXTS = (
    b"", b" ", b"null", b"[]", b"{}", b"0", b'""', b"NaN", b"{", b'{"a":', b"[" * 100_000,
    b'{"a":' * 100_000, b"9" * 5000, b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"\x00" * 64,
    b"version https://git-lfs.github.com/spec/v1\n", b"<!DOCTYPE html><html></html>",
)  # fmt: skip


def mutated_json(original: Any, count: int = COUNT, seed: int = SEED) -> Iterator[bytes]:
    """JSON files whose values are changed, and now and then their bytes."""
    rng = random.Random(f"json {seed}")
    whole = json.dumps(original).encode()
    broken = mutated_bytes([whole], count, seed)
    yield from _TEXTS
    for number in range(count):
        if number % 4 == 3:
            yield next(broken)
            continue
        value = copy.deepcopy(original)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            value = _with_other_value(value, rng)
        text = json.dumps(value)  # NaN and Infinity too, as bare words
        if rng.random() < 0.03:
            text = text.replace(
                ":", ":" + rng.choice(("NaN,", "1e999,", "[" * 5000, "9" * 5000)), 1
            )
        yield text.encode()


def _places(value: Any, parent: Any = None, key: Any = None) -> Iterator[tuple[Any, Any]]:
    if parent is not None:
        yield parent, key
    if isinstance(value, dict):
        for inner in value:
            yield from _places(value[inner], value, inner)
    elif isinstance(value, list):
        for inner in range(len(value)):
            yield from _places(value[inner], value, inner)


def _with_other_value(value: Any, rng: random.Random) -> Any:
    places = list(_places(value))
    if not places or rng.random() < 0.02:
        return copy.deepcopy(rng.choice(_ODD))
    parent, key = rng.choice(places)
    kind = rng.randrange(6)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(parent[key]))
    elif kind == 2:  # another place's value
        other, name = rng.choice(places)
        parent[key] = copy.deepcopy(other[name])
    elif kind == 3 and type(parent[key]) in (int, float):
        parent[key] = rng.choice((-parent[key], parent[key] + 1, parent[key] * 10**6, float("nan")))
    elif kind == 4 and isinstance(parent, dict):
        parent[f"{key}x"] = parent.pop(key)
    else:
        parent[key] = copy.deepcopy(rng.choice(_ODD))
    return value
