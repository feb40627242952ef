"""Reads an APK's package, instrumentation and the ABIs of its native libraries.

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
from packager.reading import open_file

_XML, _STRINGS, _ELEMENT = 0x0003, 0x0001, 0x0102
_UTF8 = 1 << 8
_TYPE_STRING, _TYPE_BOOLEAN = 0x03, 0x12
_ATTRIBUTE = struct.Struct("<IIIHxBI")
_MOST_BYTES = 2 << 30
_MOST_MANIFEST = 4 << 20  # a large app's has some hundred kB


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
        manifest, folders = _unzipped(path)
        package = target = runner = None
        debuggable = False
        for name, attributes in _elements(manifest):
            if name == "manifest" and package is None:
                package = attributes["package"]
            elif name == "instrumentation":
                runner, target = attributes["name"], attributes.get("targetPackage", package)
            elif name == "application":
                debuggable = attributes.get("debuggable") == "true"
        if package is None:
            raise ValueError("the manifest names no package")
    except OSError as error:
        raise _unreadable(error.strerror or str(error), path) from error
    except LookupError as error:
        raise _unreadable(f"its manifest lacks {error}", path) from error
    except (ValueError, struct.error) as error:
        raise _unreadable(str(error), path) from error
    abis = frozenset(parts[1] for parts in folders if parts[0] == "lib" and len(parts) == 3)
    return Apk(path, package, runner, target, debuggable, abis)


def _unreadable(why: str, path: Path) -> DeviceError:
    return DeviceError(
        f"this is not a readable APK ({why[:200]})",
        where=path,
        fix="Give one that Gradle built, from the project's benchmark/build/outputs/apk.",
    )


def _unzipped(path: Path) -> tuple[bytes, list[list[str]]]:
    """The manifest, and the path of every file in parts. Raises `OSError` and `ValueError`."""
    with open_file(path, _MOST_BYTES) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                entry = archive.getinfo("AndroidManifest.xml")
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError("the manifest is compressed in a way that Android can't read")
                with archive.open(entry) as packed:
                    manifest = packed.read(_MOST_MANIFEST + 1)  # without a number it takes GBs
                if len(manifest) > _MOST_MANIFEST:
                    raise ValueError(f"the manifest has more than {_MOST_MANIFEST >> 20} MiB")
                return manifest, [name.split("/") for name in archive.namelist()]
        except Exception as error:  # zipfile raises what its decompressors raise
            raise ValueError(str(error) or type(error).__name__) from error


def _elements(manifest: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """Every element's name, and its attributes of strings and booleans without namespaces."""
    kind, header, _ = struct.unpack_from("<HHI", manifest)
    if kind != _XML:
        raise ValueError("the manifest is not binary XML")
    strings = _Strings(b"")
    place = header
    while place + 8 <= len(manifest):
        kind, header, size = struct.unpack_from("<HHI", manifest, place)
        if size < 8:
            raise ValueError("the manifest is damaged")
        if kind == _STRINGS:
            strings = _Strings(manifest[place : place + size])
        elif kind == _ELEMENT:
            yield _element(manifest[place + header : place + size], strings)
        place += size


def _element(body: bytes, strings: _Strings) -> tuple[str, dict[str, str]]:
    _, name, start, width, count = struct.unpack_from("<IIHHH", body)
    if count and (width < _ATTRIBUTE.size or start + count * width > len(body)):
        raise ValueError("an element has no room for its attributes")
    attributes = {}
    for number in range(count):
        _, key, _, _, kind, value = _ATTRIBUTE.unpack_from(body, start + number * width)
        if kind == _TYPE_STRING:
            attributes[strings[key]] = strings[value]
        elif kind == _TYPE_BOOLEAN:
            attributes[strings[key]] = "true" if value else "false"
    return strings[name], attributes


class _Strings:
    """A pool of strings that are read on demand.

    Many may lie in the same bytes: what is read of all of them has a bound.
    """

    def __init__(self, chunk: bytes) -> None:
        self._chunk, self._left = chunk, _MOST_MANIFEST
        self._read: dict[int, str] = {}
        self._count = 0
        if chunk:
            self._header, self._count, flags, self._start = struct.unpack_from("<2xH4xI4xII", chunk)
            self._decode = _utf8 if flags & _UTF8 else _utf16

    def __getitem__(self, index: int) -> str:
        if index not in self._read:
            if index >= self._count:
                raise ValueError("the manifest names a string that isn't there")
            (offset,) = struct.unpack_from("<I", self._chunk, self._header + 4 * index)
            text = self._decode(self._chunk, self._start + offset)
            self._left -= len(text) + 1
            if self._left < 0:
                raise ValueError("the manifest's strings are longer than the manifest")
            self._read[index] = text
        return self._read[index]


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
