"""Writes results as JSON, and reads them back.

Input is checked twice: that it is valid JSON by RFC 8259 (no NaN, no duplicate names), and that it
has the shape that its reader expects.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any, TypeVar, cast

from packager.errors import RecordError
from packager.reading import RECORD_BYTES, read_file

_T = TypeVar("_T")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_DEPTH = 100
_MOST_WORDS = 200


def as_json(value: Any, indent: int | None = 2) -> str:
    """JSON of dataclasses, paths and what JSON knows itself; ends with a newline.

    Numbers that aren't finite become null. A file's name that isn't UTF-8 has lone surrogates in
    Python: they are escaped, so that the text is UTF-8 and gives the same name when it is read.
    """
    try:
        text = _dumped(value, indent)
    except ValueError:  # of NaN and the infinities
        text = _dumped(_finite(value), indent)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def encodable(text: str) -> str:
    """Text for people, with U+FFFD for what has no UTF-8: parts of some files' names."""
    return _SURROGATE.sub("\ufffd", text)


def _dumped(value: Any, indent: int | None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False, default=_plain)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if value is None or isinstance(value, str | int):
        return value
    return _finite(_plain(value))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def parse_json(content: bytes | str) -> Any:
    """The values of one JSON text; a name twice, NaN, endless numbers and nests are refused.

    Raises `ValueError`, which says what is wrong in a few words.
    """
    try:
        if isinstance(content, bytes):
            content = content.decode("utf-8-sig")
        values = json.loads(
            content,
            object_pairs_hook=_without_repeats,
            parse_float=_finite_number,
            parse_constant=_refused_constant,
        )
        if isinstance(values, dict | list):
            _check_depth(values)
        return values
    except UnicodeDecodeError as error:
        raise ValueError(f"it isn't valid UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"it isn't valid JSON: {error.msg}, {place}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        if "integer string conversion" in str(error):  # Python's limit of 4,300 digits
            raise ValueError("a number is too large") from None
        raise


def check_shape(values: Any, shape: type[_T]) -> _T:
    """`values` themselves, once they are known to fit `shape`: a TypedDict, dataclass or the like.

    Raises `ValueError`, which names the key.
    """
    import msgspec

    try:
        msgspec.convert(values, shape)
    except msgspec.ValidationError as error:
        raise ValueError(_explained(str(error))) from None
    except (OverflowError, RecursionError) as error:
        raise ValueError(f"a value in it is out of range ({error})"[:200]) from None
    return cast(_T, values)


def read_record(
    path: Path,
    shape: type[_T],
    *,
    fix: str,
    newest: int | None = None,
    most: int = RECORD_BYTES,
) -> _T:
    """What a JSON file holds, of that shape; more than the shape names may be there.

    Args:
        shape: see `check_shape`; `dict[str, Any]` for any object.
        fix: what the user can do when it can't be read.
        newest: where the file tells its format, the highest that is known.
        most: bytes that such a file can have.

    Raises:
        RecordError: it isn't there, can't be read, isn't JSON, or has another shape; the message
            names the key.
    """
    try:
        values = parse_json(read_file(path, most))
        made = values.get("format") if isinstance(values, dict) else None
        if newest is not None and type(made) is int and not 1 <= made <= newest:
            raise RecordError(
                f"the file has format {made:.0f}, but this packager reads {newest}",
                where=path,
                fix="Update packager, or create the file again with this one.",
            )
        return check_shape(values, shape)
    except OSError as error:
        what = f"the file can't be read ({error.strerror or error})"
        raise RecordError(what, where=path, fix=fix) from error
    except ValueError as error:
        raise RecordError(f"the file is damaged: {error}", where=path, fix=fix) from error


def _check_depth(value: Any, left: int = _MOST_DEPTH) -> None:
    """So that code which follows it by recursion can't run out of stack."""
    if left == 0:
        raise ValueError("it is nested too deeply")
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            _check_depth(inner, left - 1)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"it contains the name {twice!r:.60} twice")
    return values


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text:.30} is too large")
    return number


def _refused_constant(text: str) -> Any:
    raise ValueError(f"it isn't valid JSON: {text} is not a number")


def _explained(said: str) -> str:
    """Of msgspec's "Expected `str`, got `int` - at `$.data.root`"."""
    what, _, place = said.partition(" - at `")
    key = place.rstrip("`").removeprefix("$").lstrip(".")
    if missing := re.fullmatch(r"Object missing required field `(.*)`", what):
        return f"`{key}.{missing[1]}` is missing" if key else f"`{missing[1]}` is missing"
    if len(what) > _MOST_WORDS:
        what = f"{what[:_MOST_WORDS]}…"  # it quotes what it found
    return f"`{key}` has an unexpected value ({what})" if key else what
