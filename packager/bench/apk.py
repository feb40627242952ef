"""What an APK says of itself: its package, what it instruments, its native libraries' ABIs.

Its manifest is binary XML: chunks of a string pool and of elements, `ResourceTypes.h` in AOSP's
frameworks/base/libs/androidfw.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packager.errors import DeviceError

_XML, _STRINGS, _ELEMENT = 0x0003, 0x0001, 0x0102
_UTF8 = 1 << 8
_TYPE_STRING, _TYPE_BOOLEAN = 0x03, 0x12


@dataclass(frozen=True)
class Apk:
    """An APK.

    Attributes:
        path: the file; package: its application id.
        runner: the class of its instrumentation, None when it has none; target: the package that
            the instrumentation is of.
        debuggable: whether its code runs without some of the compiler's work.
        abis: of its native libraries, empty when it has none.
    """

    path: Path
    package: str
    runner: str | None
    target: str | None
    debuggable: bool
    abis: frozenset[str]


def read_apk(path: Path) -> Apk:
    """Reads the manifest and the list of files.

    Raises:
        DeviceError: it can't be read, or is no APK.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = archive.read("AndroidManifest.xml")
            folders = [name.split("/") for name in archive.namelist()]
        elements = list(_elements(manifest))
        package = next(attributes for name, attributes in elements if name == "manifest")["package"]
        runner = target = None
        debuggable = False
        for name, attributes in elements:
            if name == "instrumentation":
                runner, target = attributes["name"], attributes.get("targetPackage", package)
            elif name == "application":
                debuggable = attributes.get("debuggable") == "true"
    except (OSError, KeyError, ValueError, StopIteration, IndexError, struct.error,
            zipfile.BadZipFile) as error:  # fmt: skip
        raise DeviceError(
            f"this is no APK that can be read ({type(error).__name__}: {error})",
            where=path,
            fix="Give one that Gradle built, from the project's benchmark/build/outputs/apk.",
        ) from error
    abis = frozenset(parts[1] for parts in folders if parts[0] == "lib" and len(parts) == 3)
    return Apk(path, package, runner, target, debuggable, abis)


def _elements(manifest: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """Every element's name, and its attributes of strings and booleans without namespaces."""
    kind, header, _ = struct.unpack_from("<HHI", manifest)
    if kind != _XML:
        raise ValueError("the manifest is not binary XML")
    strings: list[str] = []
    place = header
    while place + 8 <= len(manifest):
        kind, header, size = struct.unpack_from("<HHI", manifest, place)
        if size < 8:
            raise ValueError("the manifest is damaged")
        if kind == _STRINGS:
            strings = _strings(manifest[place : place + size])
        elif kind == _ELEMENT:
            yield _element(manifest[place + header : place + size], strings)
        place += size


def _element(body: bytes, strings: list[str]) -> tuple[str, dict[str, str]]:
    _, name, start, width, count = struct.unpack_from("<IIHHH", body)
    attributes = {}
    for number in range(count):
        _, key, _, _, kind, value = struct.unpack_from("<IIIHxBI", body, start + number * width)
        if kind == _TYPE_STRING:
            attributes[strings[key]] = strings[value]
        elif kind == _TYPE_BOOLEAN:
            attributes[strings[key]] = "true" if value else "false"
    return strings[name], attributes


def _strings(chunk: bytes) -> list[str]:
    count, _, flags, start = struct.unpack_from("<IIII", chunk, 8)
    header = struct.unpack_from("<H", chunk, 2)[0]
    offsets = struct.unpack_from(f"<{count}I", chunk, header)
    read = _utf8 if flags & _UTF8 else _utf16
    return [read(chunk, start + offset) for offset in offsets]


def _utf8(chunk: bytes, place: int) -> str:
    """Its length comes twice, in UTF-16 units and in bytes, each in one byte or two."""
    for _ in range(2):
        size = chunk[place]
        place += 1
        if size & 0x80:
            size = (size & 0x7F) << 8 | chunk[place]
            place += 1
    return chunk[place : place + size].decode("utf-8", "replace")


def _utf16(chunk: bytes, place: int) -> str:
    size = struct.unpack_from("<H", chunk, place)[0]
    place += 2
    if size & 0x8000:
        size = (size & 0x7FFF) << 16 | struct.unpack_from("<H", chunk, place)[0]
        place += 2
    return chunk[place : place + 2 * size].decode("utf-16-le", "replace")
