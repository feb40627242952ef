"""Photos in a zip or tar archive, unpacked once into the cache by the archive's digest."""

from __future__ import annotations

import gzip
import hashlib
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from packager.cache import cache_folder
from packager.data.images import PHOTO_BYTES
from packager.data.kinds import START, kind_of
from packager.errors import DataError, RecordError
from packager.files import held, write_text
from packager.progress import SILENT, Progress
from packager.reading import open_file
from packager.record import as_json, read_record

ARCHIVES = ("ZIP archive", "tar archive", "gzip archive", "archive")  # as `kind_of` calls them
# Photos are packed already: an archive that unpacks to much more than its own size holds others.
_MOST_TIMES = 20
_MOST_BEYOND = 1 << 30  # bytes
_MOST_FILES = 2_000_000
_SUFFIX = re.compile(r"(\.(zip|tar|tgz|tbz2?|txz|gz|bz2|xz))+$", re.IGNORECASE)
_LISTING = "complete.json"
_FIX = "Unpack it by hand and give the folder."

_DAMAGE: tuple[type[Exception], ...] = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError,
    NotImplementedError, UnicodeDecodeError,
)  # fmt: skip
try:
    import lzma
except ImportError:  # some Pythons are built without it; tarfile and zipfile say so
    pass
else:
    _DAMAGE += (lzma.LZMAError,)

_Member = tuple[str, int, Callable[[], IO[bytes]]]  # name, bytes, how to open it


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or a tar, compressed or not, by what is inside."""
    try:
        with open_file(path, 1 << 62) as file:
            return kind_of(file.read(START), path.name) in ARCHIVES
    except OSError:
        return False


def archive_name(path: Path) -> str:
    """The archive's name without what says that it is one: "photos" for photos.tar.gz."""
    return _SUFFIX.sub("", path.name) or path.name


def unpacked(archive: Path, *, cache: Path | None = None, progress: Progress = SILENT) -> Path:
    """Returns the folder of the archive's files, unpacked into the cache if needed.

    Only regular files are unpacked, each below the folder; links and devices are skipped, with a
    warning. Of several files with one name the last counts, as in unzip and tar. If the archive
    only has one folder at the top, that one is returned.

    Args:
        archive: a zip or a tar (gzip, bzip2 or xz).
        cache: the folder to keep it in; `packager.cache.cache_folder()` when None.
        progress: told of one phase, a step a file.

    Raises:
        DataError: it can't be read, is damaged, encrypted or no archive; a name in it leads out
            of its folder; it unpacks to more than 20 times its size and 1 GiB, or holds a file of
            more than 256 MiB; or the disk is full.
    """
    try:
        with open_file(archive, 1 << 62) as file:
            digest = hashlib.sha256()
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise DataError(
            f"the archive can't be read ({error.strerror or error})", where=archive, fix=_FIX
        ) from error
    home = (cache or cache_folder()) / "archives" / digest.hexdigest()[:16]
    inside = home / archive_name(archive)
    if listed_top(home) != inside:
        try:
            with held(home, wait=True) as place:
                if listed_top(home) != inside:  # another process may have just made it
                    with place.filled(lambda _: None) as fresh:
                        _unpack(archive, fresh / inside.name, progress)
                        write_listing(fresh, inside.name)
        except OSError as error:
            raise DataError(
                f"the archive can't be unpacked into the cache ({error.strerror or error})",
                where=archive,
                fix="Free some space, or set PACKAGER_CACHE to a folder on another disk.",
            ) from error
    return _top(inside)


def write_listing(folder: Path, top: str) -> None:
    """Keeps the names and sizes of a folder's files, and which folder in it holds the photos."""
    sizes = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    write_text(folder / _LISTING, as_json({"top": top, "sizes": sizes}))


def listed_top(folder: Path) -> Path | None:
    """The folder that holds the photos, when every file that was listed is still there."""
    from packager.shapes import Listing

    try:
        listing = read_record(folder / _LISTING, Listing, fix="")
        for name, size in listing["sizes"].items():
            if (folder / name).stat().st_size != size:
                return None
        return folder / str(listing["top"])
    except (OSError, ValueError, RecordError):  # whatever it is, the archive makes it good
        return None


def _top(folder: Path) -> Path:
    """The folder, or the only one in it that has folders itself."""
    entries = [each for each in folder.iterdir() if each.name != "__MACOSX"]
    if len(entries) == 1 and entries[0].is_dir() and any(e.is_dir() for e in entries[0].iterdir()):
        return _top(entries[0])
    return folder


def _unpack(archive: Path, folder: Path, progress: Progress) -> None:
    folder.mkdir()
    left = _MOST_TIMES * archive.stat().st_size + _MOST_BEYOND
    count = again = 0
    skipped: list[str] = []
    with (
        _damage_told(archive),
        _members(archive, skipped) as members,
        progress.phase("Unpacking photos") as phase,
    ):
        for name, size, open_member in members:
            count += 1
            left -= size
            if left < 0 or count > _MOST_FILES:
                raise DataError(
                    "the archive unpacks to far more data than photos would",
                    where=archive,
                    fix=_FIX,
                )
            target = folder.joinpath(*_inner(name, archive).parts)
            if size > PHOTO_BYTES:
                skipped.append(name)
                continue
            if target.is_dir() or any(each.is_file() for each in _above(target, folder)):
                raise DataError(
                    f"the archive has {name!r} as a file and as a folder",
                    where=archive,
                    fix=_FIX,
                )
            again += target.exists()
            target.parent.mkdir(parents=True, exist_ok=True)
            with open_member() as packed, target.open("wb") as file:
                _copy(packed, file, size)
            phase.advance()
    if again:
        progress.warn(
            f"{again:,} files of the archive have the same name as another; the last is used"
        )
    if skipped:
        progress.warn(
            f"{len(skipped):,} links, devices or files of more than {PHOTO_BYTES >> 20} MiB in "
            f"the archive are skipped, such as {skipped[0]}"
        )


def _above(target: Path, folder: Path) -> Iterator[Path]:
    for each in target.parents:
        if each == folder:
            return
        yield each


def _copy(packed: IO[bytes], file: IO[bytes], size: int) -> None:
    """No more than the archive's list says."""
    while size > 0:
        piece = packed.read(min(size, 1 << 20))
        if not piece:
            raise EOFError("it ends too early")
        file.write(piece)
        size -= len(piece)


def _inner(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name or not path.parts:
        raise DataError(
            f"the archive holds {name!r}, which leads out of its folder; nothing was unpacked",
            where=archive,
            fix="Don't trust it: it is malicious, or was made by a broken program.",
        )
    return path


@contextmanager
def _members(archive: Path, skipped: list[str]) -> Iterator[Iterator[_Member]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            yield _zipped(packed, skipped)
    else:
        with tarfile.open(archive, "r:*") as tar:
            yield _tarred(tar, skipped)


def _zipped(packed: zipfile.ZipFile, skipped: list[str]) -> Iterator[_Member]:
    for entry in packed.infolist():
        kind = entry.external_attr >> 28  # of the Unix mode; 0 where other systems wrote it
        if entry.is_dir() or entry.filename.endswith("\\"):
            continue
        if kind not in (0, 8):
            skipped.append(entry.filename)
            continue
        yield entry.filename, entry.file_size, lambda entry=entry: packed.open(entry)  # type: ignore[misc]


def _tarred(tar: tarfile.TarFile, skipped: list[str]) -> Iterator[_Member]:
    def opened(member: tarfile.TarInfo) -> IO[bytes]:
        file = tar.extractfile(member)
        assert file is not None  # it is regular
        return file

    for member in tar:
        if member.isreg():
            yield member.name, member.size, lambda member=member: opened(member)  # type: ignore[misc]
        elif not member.isdir():
            skipped.append(member.name)


@contextmanager
def _damage_told(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise DataError(
            f"the archive is damaged or has an unsupported format ({error})",
            where=archive,
            fix=_FIX,
        ) from error
    except RuntimeError as error:  # zipfile's word for a password
        raise DataError(
            f"the archive can't be opened ({error})", where=archive, fix=_FIX
        ) from error
