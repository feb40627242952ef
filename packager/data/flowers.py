"""The flower photos: 3,670 photos of five kinds of flower, fetched once and kept."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path, PurePosixPath

from packager.cache import cache_folder
from packager.data.archive import listed_top, write_listing
from packager.data.download import fetch
from packager.errors import DownloadError
from packager.files import Place, held
from packager.progress import SILENT, Progress

FLOWERS_URL = (
    "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"
)
# Size and digest as published in TensorFlow Datasets' checksums of `tf_flowers`.
FLOWERS_SHA256 = "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c"
FLOWERS_SIZE = 228_813_984  # bytes
_ADVICE = "Or give your own photos with --data DIR, or use the drawn set with --data demo."


def flower_photos(
    *,
    url: str = FLOWERS_URL,
    sha256: str = FLOWERS_SHA256,
    cache: Path | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Returns the folder of the flower photos, one subfolder per class; downloads it if needed.

    The archive (229 MB) is checked, unpacked into the cache and deleted. A folder found there
    is compared with the list of its files, and recreated when one is missing or cut short.

    Args:
        url: where the archive is; sha256: its digest.
        cache: the folder to keep it in; `packager.cache.cache_folder()` when None.
        progress: told of the download (in bytes) and the unpacking (in files).

    Raises:
        DownloadError: see `packager.data.download.fetch`; or the archive holds something that
            does not belong in a folder of photos; or the disk is full.
    """
    home = (cache or cache_folder()) / f"flowers-{sha256[:12]}"
    if (found := listed_top(home)) is not None:
        return found
    archive = home.with_suffix(".tgz")
    fetch(
        [url],
        archive,
        sha256=sha256,
        size=FLOWERS_SIZE if sha256 == FLOWERS_SHA256 else None,
        progress=progress,
        label="flower photos",
        advice=_ADVICE,
    )
    try:
        with held(home, wait=True) as place:
            if (found := listed_top(home)) is not None:
                return found  # another process has just made it
            top = _unpacked(place, archive, progress)
    except OSError as error:
        raise DownloadError(
            f"could not unpack the flower photos ({error.strerror or error})",
            where=home,
            fix=f"They need 250 MB: free some space, or set PACKAGER_CACHE. {_ADVICE}",
        ) from error
    archive.unlink(missing_ok=True)
    return home / top


def _unpacked(place: Place, archive: Path, progress: Progress) -> str:
    """Makes the folder; gives the name of the one in it that holds the photos."""
    with place.filled(lambda _: None) as fresh:
        top = _unpack(archive, fresh, progress)
        write_listing(fresh, top)
        return top


def _unpack(archive: Path, folder: Path, progress: Progress) -> str:
    """Unpacks files and folders below the one folder at the archive's top; gives its name."""
    tops: set[str] = set()
    try:
        with (
            tarfile.open(archive, "r:*") as tar,
            progress.phase("Unpacking flower photos") as phase,
        ):
            for member in tar:
                name = PurePosixPath(member.name)
                # The rules of tarfile's "data" filter, which older 3.10s lack, and one more:
                # photos need no links.
                if name.is_absolute() or ".." in name.parts or set("\\:") & set(member.name):
                    raise _refusal(member, "leads out of its folder", archive)
                if not (member.isreg() or member.isdir()):
                    raise _refusal(member, "is neither a file nor a folder", archive)
                if len(name.parts) < 2:
                    continue  # the top itself, or a file beside it
                tops.add(name.parts[0])
                member.mode = 0o755 if member.isdir() else 0o644
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                if hasattr(tarfile, "data_filter"):
                    tar.extract(member, folder, filter="data")
                else:
                    tar.extract(member, folder)
                phase.advance()
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DownloadError(
            f"the archive of the flower photos can't be unpacked ({error})",
            where=archive,
            fix=f"Delete it and run again. {_ADVICE}",
        ) from error
    if len(tops) != 1:
        raise DownloadError(
            f"the archive of the flower photos should hold one folder, not {len(tops)}",
            where=archive,
            fix=_ADVICE,
        )
    return tops.pop()


def _refusal(member: tarfile.TarInfo, why: str, archive: Path) -> DownloadError:
    return DownloadError(
        f"the archive holds {member.name!r}, which {why}; nothing was unpacked",
        where=archive,
        fix=f"Delete it: these are not the flower photos. {_ADVICE}",
    )
