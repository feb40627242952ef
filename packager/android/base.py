"""The files that packager last wrote into a project: the base of later three-way merges.

It's a file in the project, `.packager.base`: JSON packed by gzip, with the answers that the project
was made with, all texts, and digests of what isn't text. The shape: `shapes.WrittenProject`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from packager import __version__, files
from packager.android.names import project_names
from packager.android.npu import check_npu
from packager.android.template import utf8_text
from packager.errors import OutputError, RecordError, SettingsError
from packager.in_place import digest_of, is_inside
from packager.reading import TEXT_BYTES, read_file
from packager.record import as_json, check_shape, parse_json
from packager.written import BASE_FILE, OWN_FILES

_FORMAT = 1
_NO_ENTRY = "Give --base a folder with the project as packager made it, from version control."


@dataclass(frozen=True)
class Answers:
    """The choices about a project that the user or the first model's name made."""

    package: str
    app_id: str
    app_name: str
    locale: str | None = None
    npu: str | None = None


@dataclass(frozen=True)
class Base:
    """Files as packager wrote them, by names relative to the project, "/" between their parts.

    Attributes:
        version: of the packager that wrote them.
        texts: content of UTF-8 text files; digests: SHA-256 of all other files.
    """

    version: str
    answers: Answers
    texts: Mapping[str, bytes]
    digests: Mapping[str, str]

    @property
    def names(self) -> frozenset[str]:
        return frozenset({*self.texts, *self.digests})

    def without(self, names: Collection[str]) -> Base:
        """A copy without those files."""
        return Base(
            self.version,
            self.answers,
            {name: text for name, text in self.texts.items() if name not in names},
            {name: digest for name, digest in self.digests.items() if name not in names},
        )

    def moved(self, package: str) -> Base:
        """A copy with another package: other folders, and the other name in the texts.

        The application ID, which is often the same, is kept.
        """
        old, answers = self.answers.package, replace(self.answers, package=package)
        folders = (f"/{each.replace('.', '/')}/" for each in (old, package))
        before, after = folders
        name_in_text = re.compile(rb"(?m)^(?!.*applicationId).*")
        word = re.compile(rb"(?<![\w.])" + re.escape(old.encode()) + rb"(?!\w)")

        def renamed(text: bytes) -> bytes:
            return name_in_text.sub(lambda line: word.sub(package.encode(), line[0]), text)

        return Base(
            self.version,
            answers,
            {name.replace(before, after, 1): renamed(text) for name, text in self.texts.items()},
            {name.replace(before, after, 1): digest for name, digest in self.digests.items()},
        )


def base_of(folder: Path, answers: Answers, names: Collection[str] | None = None) -> Base:
    """Reads a folder as packager generated it: all files in it, or those `names`."""
    texts, digests = {}, {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name in OWN_FILES or (names is not None and name not in names):
            continue
        content = path.read_bytes()
        if utf8_text(content) is not None:
            texts[name] = content
        else:
            digests[name] = digest_of(content)
    return Base(__version__, answers, texts, digests)


def write_base(folder: Path, base: Base) -> None:
    content = {
        "format": _FORMAT,
        "packager": base.version,
        "answers": asdict(base.answers),
        "texts": {name: text.decode() for name, text in base.texts.items()},
        "digests": dict(base.digests),
    }
    packed = gzip.compress(as_json(content, indent=None).encode(), mtime=0)
    files.write_bytes(folder / BASE_FILE, packed)


def read_base(folder: Path) -> Base | None:
    """None where there is none: an older packager made the project, or somebody deleted it.

    Raises:
        RecordError: it's damaged. OutputError: a newer packager wrote it.
    """
    from packager.shapes import WrittenProject

    path = folder / BASE_FILE
    try:
        values = parse_json(_unpacked(read_file(path, TEXT_BYTES)))
        if isinstance(values, dict):
            _check_version(values, path)
        content = check_shape(values, WrittenProject)
        for name in (*content["texts"], *content["digests"]):
            if not is_inside(name):
                raise ValueError(f"{name!r:.100} is not the name of a file in the project")
        answers = content["answers"]
        names = {each: answers[each] for each in ("package", "app_id", "app_name")}
        project_names("", **names)
        check_npu(answers.get("npu"))
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"the file can't be read ({error.strerror or error})"
        raise RecordError(what, where=path, fix=_NO_ENTRY) from None
    except (ValueError, SettingsError) as error:
        what = f"the file is damaged: {getattr(error, 'what', error)}"
        raise RecordError(what, where=path, fix=_NO_ENTRY) from None
    return Base(
        content["packager"],
        Answers(**names, locale=answers["locale"], npu=answers.get("npu")),
        {name: text.encode("utf-8", "replace") for name, text in content["texts"].items()},
        content["digests"],
    )


def _unpacked(packed: bytes) -> bytes:
    """Raises `ValueError` for data that isn't gzip, is truncated, or unpacks to too many bytes."""
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = unpacking.decompress(packed, TEXT_BYTES)
    except zlib.error as error:
        raise ValueError(f"it can't be unpacked ({error})") from None
    if not unpacking.eof:
        raise ValueError("it is truncated or too large")
    return content


def _check_version(values: Mapping[str, object], path: Path) -> None:
    made, version = values.get("format"), str(values.get("packager"))
    newer = _numbers(version) > _numbers(__version__)
    if newer or (type(made) is int and made > _FORMAT):
        raise OutputError(
            f"packager {version} wrote this project last, which is newer than {__version__}",
            where=path.parent,
            fix="Update packager: pip install --upgrade tflite-packager.",
        )


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d{1,9}", version)]
