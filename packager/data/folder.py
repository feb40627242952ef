"""Reads a folder of photos: which classes, which photos, and what had to be left out."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from packager import pool
from packager.errors import DataError
from packager.progress import SILENT, Progress

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"})
# Pictures by their name, but of no kind that is read: passing them over deserves a word.
_OTHER_PICTURES = frozenset(
    {".heic", ".heif", ".avif", ".tif", ".tiff", ".jfif", ".jpe", ".jp2", ".jxl", ".dng", ".svg"}
)
_CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir"})
_PARTS = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}
_LARGEST = 1 << 28  # bytes of one file; each worker holds one in memory
_NAMED = 10  # warnings and errors name so many files and count the rest


@dataclass(frozen=True)
class Photo:
    """One usable photo.

    Attributes:
        path: the file.
        label: index of its class in `PhotoFolder.classes`.
        sha256: digest of the file's bytes, in hex.
        part: "train", "validation" or "test" in a folder that is split already, else None.
    """

    path: Path
    label: int
    sha256: str
    part: str | None = None


@dataclass(frozen=True)
class Reject:
    """A file that should be a photo and was left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class PhotoFolder:
    """What a folder of photos holds.

    Attributes:
        root: the folder.
        classes: names (Unicode NFC), sorted.
        photos: sorted by part, class and path.
        rejects: files left out: unreadable, or in more than one part of a split folder.
        ignored: how many files and folders are not photos: hidden, of another type, or outside
            of the class folders.
        duplicates: groups of byte-identical photos within one class.
        conflicts: groups of byte-identical photos in more than one class.
        presplit: whether the folder has train, validation and test parts of its own.
    """

    root: Path
    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    rejects: tuple[Reject, ...]
    ignored: int
    duplicates: tuple[tuple[Path, ...], ...]
    conflicts: tuple[tuple[Path, ...], ...]
    presplit: bool


def scan_folder(
    root: Path,
    *,
    strict: bool = False,
    progress: Progress = SILENT,
    known_good: Callable[[str], bool] = lambda sha: False,  # noqa: ARG005
) -> PhotoFolder:
    """Finds the photos in `root`, reads each once and keeps those that can be decoded.

    Each sub-folder is a class; photos in folders within it, at any depth, are of that class.
    A folder with `train`, `validation` (or `val`) and `test` sub-folders that have sub-folders
    themselves is taken as split already: those have the classes. The extensions jpg, jpeg, png,
    webp, bmp and gif are considered, in any case; what is inside decides whether it is usable.

    A photo whose bytes are in more than one part of a split folder stays in test only, or in
    validation only, so that nothing is trained on and then measured.

    Args:
        root: the folder.
        strict: makes an unusable photo an error.
        progress: told of one phase, a step a photo, and of everything that is left out.
        known_good: says of a SHA-256 that such a photo was decoded before and needs no check;
            called from several threads.

    Raises:
        DataError: there is no such folder or it can't be listed; its layout, class names or
            parts are not usable (the message says which); a class has no usable photo; or a
            photo is unusable and `strict` is set.
    """
    root = Path(root)
    try:
        what = "" if stat.S_ISDIR(root.stat().st_mode) else "it is not a folder"
    except FileNotFoundError:
        what = "there is no such folder"
    except OSError as error:
        what = f"the folder can't be opened ({error.strerror or error})"
    if what:
        raise DataError(what, where=root, fix="Give a folder that has one sub-folder a class.")
    found = _find(root, progress)
    checked, rejects = _check(found, known_good, progress)
    if strict and rejects:
        raise DataError(
            _count(len(rejects), "photo") + " can't be used: " + _names(root, rejects),
            where=root,
            fix="Replace or delete them, or leave out --strict to go on without them.",
        )
    _warn_each(root, rejects, progress)
    photos, leaks = _without_leaks(checked, progress)
    _demand_all_classes(found, photos, rejects)
    duplicates, conflicts = _identical(photos)
    if duplicates:
        copies = sum(len(group) - 1 for group in duplicates)
        progress.warn(
            f"{_count(copies, 'photo')} the same as another of the class, byte for byte, such as "
            f"{_short(root, duplicates[0][0])} and {_short(root, duplicates[0][1])}; "
            "copies stay in one part of the split"
        )
    if conflicts:
        progress.warn(
            f"{_count(len(conflicts), 'photo')} in more than one class, byte for byte, such as "
            f"{_short(root, conflicts[0][0])} and {_short(root, conflicts[0][-1])}; "
            "delete the wrong ones"
        )
    return PhotoFolder(
        root=root,
        classes=found.classes,
        photos=tuple(photos),
        rejects=(*rejects, *leaks),
        ignored=found.ignored,
        duplicates=tuple(duplicates),
        conflicts=tuple(conflicts),
        presplit=found.presplit,
    )


# The search: names only, no file is opened.


@dataclass(frozen=True)
class _Found:
    root: Path
    classes: tuple[str, ...]
    presplit: bool
    photos: tuple[Photo, ...]  # sha256 still ""
    ignored: int


class _Walk:
    """Lists folders; keeps count of what is passed over."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ignored = 0
        self.nested = 0
        self.other_pictures: Counter[str] = Counter()
        above = [root.resolve(), *root.resolve().parents]
        self.above = {_identity(folder.stat()) for folder in above}

    def list(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """Sub-folders and photos in `folder`, sorted; the rest is counted."""
        folders, photos = [], []
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise DataError(
                f"the folder can't be listed ({error.strerror or error})",
                where=_printable(str(folder)),
                fix="Change its permissions, or move it elsewhere.",
            ) from error
        for entry in entries:
            path, extension = Path(entry.path), os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
            if entry.name.startswith(".") or entry.name.lower() in _CLUTTER:
                self.ignored += 1
            elif _is_folder(entry):
                if _identity(path.stat()) in self.above:  # a link that leads back up
                    self.ignored += 1
                else:
                    folders.append(path)
            elif extension in EXTENSIONS:
                photos.append(path)
            else:
                self.ignored += 1
                if extension in _OTHER_PICTURES:
                    self.other_pictures[extension] += 1
        return folders, photos

    def photos_below(self, top: Path) -> Iterator[Path]:
        seen, waiting = set(self.above), [top]
        while waiting:
            folder = waiting.pop()
            identity = _identity(folder.stat())
            if identity in seen:  # linked twice, or to itself
                self.ignored += 1
                continue
            seen.add(identity)
            folders, photos = self.list(folder)
            waiting.extend(folders)
            self.nested += len(photos) * (folder != top)
            yield from photos


def _find(root: Path, progress: Progress) -> _Found:
    walk = _Walk(root)
    folders, loose = walk.list(root)
    parts = _parts(walk, folders)
    if not folders and loose:
        raise DataError(
            f"{_count(len(loose), 'photo')} directly in the folder, which has no sub-folders",
            where=root,
            fix="Move the photos into one sub-folder a class; its name is the label.",
        )
    classes: tuple[str, ...] = ()
    found: list[Photo] = []
    for part, folder in parts.items() if parts else [(None, root)]:
        if part is not None:
            folders, in_part = walk.list(folder)
            loose += in_part
        named = _named(folders, folder)
        if part in (None, "train"):
            classes = tuple(named)
            _demand_two(classes, folder, walk)
        elif tuple(named) != classes:
            raise _difference(folder, tuple(named), classes)
        for label, name in enumerate(classes):
            paths = sorted(walk.photos_below(named[name]), key=lambda path: path.parts)
            found.extend(Photo(path, label, "", part) for path in paths)
    walk.ignored += len(loose)
    if loose:
        progress.warn(
            f"{_count(len(loose), 'photo')} beside the class folders left out, such as "
            f"{_short(root, loose[0])}"
        )
    if walk.nested:
        progress.warn(
            f"{_count(walk.nested, 'photo')} in folders within a class folder taken as that class"
        )
    for extension, count in sorted(walk.other_pictures.items()):
        progress.warn(f"{_count(count, extension + ' file')} passed over: save as JPEG or PNG")
    return _Found(root, classes, bool(parts), tuple(found), walk.ignored)


def _parts(walk: _Walk, folders: list[Path]) -> dict[str, Path]:
    """Part -> folder, in the order of use, when the folder is split already; else empty."""
    parts: dict[str, Path] = {}
    others: list[Path] = []
    for folder in folders:
        part = _PARTS.get(folder.name.lower())
        if part in parts:
            raise DataError(
                f"both {parts[part].name}/ and {folder.name}/ hold the part {part!r}",
                where=walk.root,
                fix="Put their photos together in one of them.",
            )
        if part is None:
            others.append(folder)
        else:
            parts[part] = folder
    deep = {part for part, folder in parts.items() if _has_folders(folder)}
    if "train" not in deep or (others and deep != set(parts)):
        return {}  # train, say, is a class like another
    lacking = [part for part in ("validation", "test") if part not in parts]
    if len(lacking) == 2 and others:
        return {}
    if lacking:
        raise DataError(
            f"there is a {parts['train'].name}/ folder but no {'/ and no '.join(lacking)}/",
            where=walk.root,
            fix="Add what is missing, or put all photos in one sub-folder a class (or give the "
            "train folder itself) and packager splits them.",
        )
    if others:
        raise DataError(
            f"beside train, validation and test there is {_list(f.name for f in others)}",
            where=walk.root,
            fix="Move it elsewhere, or put a dot before its name.",
        )
    return {part: parts[part] for part in ("train", "validation", "test")}


def _named(folders: list[Path], root: Path) -> dict[str, Path]:
    """Class name -> folder, sorted by name; refuses names that can't be told apart."""
    named: dict[str, Path] = {}
    alike: dict[str, Path] = {}
    for folder in folders:
        name = unicodedata.normalize("NFC", folder.name).strip()
        if not name or any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
            raise DataError(
                f"the class name {_printable(folder.name)!a} is blank or has a line break or a "
                "character that can't be written",
                where=root,
                fix="Rename the folder: a label is one line of text.",
            )
        key = unicodedata.normalize("NFC", name.casefold())
        if key in alike:
            raise DataError(
                f"the class names {alike[key].name!a} and {folder.name!a} differ only in case, "
                "Unicode form or spaces around",
                where=root,
                fix="Rename one of the folders, or put their photos together.",
            )
        alike[key] = named[name] = folder
    return dict(sorted(named.items()))


def _demand_two(classes: tuple[str, ...], folder: Path, walk: _Walk) -> None:
    if len(classes) >= 2:
        return
    fix = "A classifier needs two classes or more: make one sub-folder a class."
    if len(classes) == 1 and _has_folders(folder / classes[0]):
        fix += f" Perhaps you mean {walk.root / classes[0]}?"
    what = f"there is only one class, {classes[0]!r}" if classes else "there is no sub-folder"
    raise DataError(what, where=folder, fix=fix)


def _difference(folder: Path, names: tuple[str, ...], classes: tuple[str, ...]) -> DataError:
    lacks, more = sorted({*classes} - {*names}), sorted({*names} - {*classes})
    said = [f"lacks {_list(lacks)}"] * bool(lacks) + [f"has {_list(more)} besides"] * bool(more)
    return DataError(
        f"its classes differ from those of train: it {' and '.join(said)}",
        where=folder,
        fix="Give train, validation and test the same sub-folders.",
    )


# The check: each file is read once, and decoded.


def _check(
    found: _Found, known_good: Callable[[str], bool], progress: Progress
) -> tuple[list[Photo], list[Reject]]:
    def look(photo: Photo) -> Photo | Reject:
        from packager.data.images import open_photo

        try:
            content = _read(photo.path)
            digest = hashlib.sha256(content).hexdigest()
            if not known_good(digest):
                open_photo(content, at_least=1)
            return replace(photo, sha256=digest)
        except DataError as error:
            return Reject(photo.path, error.what)

    photos: list[Photo] = []
    rejects: list[Reject] = []
    with progress.phase("Checking photos", len(found.photos)) as phase:
        for result in pool.each(lambda: None, lambda _, photo: look(photo), found.photos):
            if isinstance(result, Photo):
                photos.append(result)
            else:
                rejects.append(result)
            phase.advance()
    return photos, rejects


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError("not a file", fix="Delete it.")
        if status.st_size > _LARGEST:
            raise DataError("the file is larger than 256 MiB", fix="Delete it.")
        return path.read_bytes()
    except FileNotFoundError as error:
        what = "a link that leads nowhere" if path.is_symlink() else "it has vanished"
        raise DataError(what, fix="Delete it.") from error
    except OSError as error:
        raise DataError(f"can't be read ({error.strerror or error})", fix="Delete it.") from error


def _without_leaks(photos: list[Photo], progress: Progress) -> tuple[list[Photo], list[Reject]]:
    order = ("train", "validation", "test")
    last: dict[str, str | None] = {}
    for photo in photos:  # sorted by part
        last[photo.sha256] = photo.part
    kept = [photo for photo in photos if photo.part == last[photo.sha256]]
    leaks = [
        Reject(photo.path, f"the same photo is in {last[photo.sha256]}")
        for photo in photos
        if photo.part != last[photo.sha256]
    ]
    for part in order:
        count = sum(photo.part == part != last[photo.sha256] for photo in photos)
        if count:
            progress.warn(
                f"{_count(count, 'photo')} left out of {part}: the same, byte for byte, in "
                f"{' or '.join(order[order.index(part) + 1 :])}"
            )
    return kept, leaks


def _demand_all_classes(found: _Found, photos: list[Photo], rejects: list[Reject]) -> None:
    usable = Counter((photo.part, photo.label) for photo in photos)
    rejected = {reject.path for reject in rejects}
    seen = defaultdict(list)
    for photo in found.photos:
        seen[photo.part, photo.label].append(photo.path)
    for part in ("train", "validation", "test") if found.presplit else (None,):
        for label, name in enumerate(found.classes):
            if usable[part, label]:
                continue
            paths = seen[part, label]
            if not paths:
                why = "no photo in it"
            elif rejected.issuperset(paths):
                why = f"none of its {_count(len(paths), 'photo')} can be used"
            else:
                why = "all its photos are unusable or in another part too"
            raise DataError(
                f"the class {name!r}{f' in {part}' if part else ''} is empty: {why}",
                where=found.root,
                fix="Add photos (jpg, jpeg, png, webp, bmp, gif) to its folder, or delete it.",
            )


def _identical(photos: list[Photo]) -> tuple[list[tuple[Path, ...]], list[tuple[Path, ...]]]:
    same: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        same[photo.sha256].append(photo)
    duplicates: list[tuple[Path, ...]] = []
    conflicts: list[tuple[Path, ...]] = []
    for group in same.values():
        if len(group) > 1:
            kind = duplicates if len({photo.label for photo in group}) == 1 else conflicts
            kind.append(tuple(photo.path for photo in group))
    return duplicates, conflicts


# Words.


def _warn_each(root: Path, rejects: list[Reject], progress: Progress) -> None:
    for reject in rejects[:_NAMED]:
        progress.warn(f"{_short(root, reject.path)} left out: {reject.reason}")
    if len(rejects) > _NAMED:
        progress.warn(f"{_count(len(rejects) - _NAMED, 'more photo')} left out")


def _names(root: Path, rejects: list[Reject]) -> str:
    named = [f"{_short(root, reject.path)} ({reject.reason})" for reject in rejects[:_NAMED]]
    more = len(rejects) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(_printable(name) for name in names)


def _short(root: Path, path: Path) -> str:
    return _printable(path.relative_to(root).as_posix())


def _printable(name: str) -> str:
    return name.encode("utf-8", "replace").decode("utf-8")


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _has_folders(folder: Path) -> bool:
    try:
        return any(_is_folder(e) for e in os.scandir(folder) if not e.name.startswith("."))
    except OSError:
        return False
