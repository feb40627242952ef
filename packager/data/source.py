"""Photos from any source: folder, table, archive, Hub, or packager's own sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from packager.data.archive import archive_name, is_archive, unpacked
from packager.data.folder import Found, PhotoFolder, find_in_folder, usable_photos
from packager.data.hub import hub_name, hub_photos
from packager.data.look import LookStore
from packager.data.settings import DEMO, FLOWERS, HUB
from packager.data.table import find_in_table, read_rows, read_table
from packager.errors import DataError, first_of
from packager.files import expanded
from packager.progress import SILENT, Progress

_NAMED = 5


def source_name(data: str | Path) -> str:
    """The name of a set of photos, for a folder or a model: "photos" for ~/photos.zip."""
    if str(data).startswith(HUB):
        return hub_name(str(data))
    path = expanded(data, "--data").absolute()
    if path.is_dir():
        return path.name or "photos"
    return path.stem if is_table(path) else archive_name(path)


def scan_photos(
    data: str | Path,
    *,
    images: Path | None = None,
    exclude: Path | None = None,
    strict: bool = False,
    looks: LookStore | None = None,
    progress: Progress = SILENT,
) -> PhotoFolder:
    """Finds the photos that `data` names, reads each once and keeps those that can be decoded.

    Args:
        data: a folder (see `packager.data.folder.scan_folder`); a CSV file (see
            `packager.data.table.find_in_table`); a zip or tar of either; "hf:OWNER/NAME"; "demo"
            or "flowers".
        images: the folder that a CSV file's paths are relative to.
        exclude: a file of photos to leave out: a path a line, or a CSV file with a column of
            paths, as `packager photos --list` writes it; relative to the photos' folder, or
            absolute.
        strict: makes an unusable photo an error.
        looks: where to keep what each photo looks like, see `scan_folder`.
        progress: told of each phase, and of everything that is left out.

    Raises:
        DataError: as those functions do; or a photo of `exclude` isn't there; or `images` is
            given, and `data` is no CSV file.
        SettingsError, DownloadError: as `hub_photos` and `flower_photos` do.
    """
    place = photo_place(data, progress)
    if is_table(place):
        found = find_in_table(place, images, progress=progress)
    elif images is None:
        found = find_in_folder(place, progress)
    else:
        raise DataError(
            "--images only applies to a CSV file", where=place, fix="Leave out --images."
        )
    if exclude is not None:
        kept = without(found, exclude)
        left_out = len(found.photos) - len(kept.photos)
        progress.say(
            f"{left_out:,} of {len(found.photos):,} photos are left out, as {exclude} says."
        )
        found = kept
    return usable_photos(found, strict=strict, looks=looks, progress=progress)


def photo_place(data: str | Path, progress: Progress = SILENT) -> Path:
    """The folder or CSV file on this machine that holds or lists the photos of `data`.

    Archives, and what isn't here yet, go into the cache. For the errors see `scan_photos`.
    """
    if data == DEMO:
        from packager.data.demo import demo_photos

        progress.say("Using the demo set: five drawn classes, made on this machine.")
        return demo_photos(progress=progress)
    if data == FLOWERS:
        from packager.data.flowers import flower_photos

        return flower_photos(progress=progress)
    if str(data).startswith(HUB):
        return hub_photos(str(data), progress=progress)
    path = expanded(data, "--data")
    if path.is_dir() or is_table(path) or not is_archive(path):
        return path
    inside = unpacked(path, progress=progress)
    tables = [each for each in inside.iterdir() if is_table(each)]
    folders = [each for each in inside.iterdir() if each.is_dir()]
    return tables[0] if len(tables) == 1 and len(folders) < 2 else inside


def is_table(place: Path) -> bool:
    """Whether that is a file with the extension of a CSV file."""
    return place.suffix.lower() in (".csv", ".tsv") and place.is_file()


def without(found: Found, exclude: Path) -> Found:
    """Leaves out the photos that a file lists, see `scan_photos`."""
    by_name = {photo.path.relative_to(found.root).as_posix(): photo for photo in found.photos}
    by_name |= {photo.path.absolute().as_posix(): photo for photo in found.photos}
    gone, unknown = set(), []
    for path in listed_paths(exclude):
        name = path.replace("\\", "/") if "/" not in path else path
        photo = by_name.get(name.removeprefix("./")) or by_name.get(name.removeprefix("'"))
        if photo is None:
            unknown.append(path)
        else:
            gone.add(photo)
    if unknown:
        raise DataError(
            f"{len(unknown):,} of its photos {'is' if len(unknown) == 1 else 'are'} not among those"
            f" of {found.root}: {first_of(unknown, _NAMED)}",
            where=exclude,
            fix="Write each path relative to that folder, or delete its line.",
        )
    kept = tuple(photo for photo in found.photos if photo not in gone)
    return replace(found, photos=kept)


def listed_paths(file: Path) -> list[str]:
    """The paths in a file for `scan_photos`' `exclude`, in its order, each once.

    A column "path" of a CSV file, or else each line.
    """
    rows = read_rows(file)
    names = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "path" in names:
        column = names.index("path")
        paths = [row[column].strip() for row in rows[1:] if len(row) > column]
    else:
        paths = [line.strip() for line in read_table(file).splitlines()]
    return list(dict.fromkeys(path for path in paths if path))
