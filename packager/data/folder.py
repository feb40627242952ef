"""Reads a folder of photos: the classes, the photos, and the files left out."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packager import pool
from packager.data.kinds import FORMATS, PHOTO_FORMATS, START, how_to_use, kind_of, with_article
from packager.data.parts import HELD_OUT, PARTS, part_of
from packager.errors import DataError
from packager.labels import clean, label_problem
from packager.progress import SILENT, Progress
from packager.reading import open_file

if TYPE_CHECKING:
    from packager.data.look import Look, LookStore

# Files so called should be photos: when they aren't, it is said of each. Of others, what is inside
# says whether they are photos, and the rest is counted by kind.
EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".gif", ".ppm", ".pgm",
     ".heic", ".heif", ".avif"}
)  # fmt: skip
_CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir"})
_USES = {"train": "training", "validation": "validation", "test": "testing"}
_PLURALS = {
    "link that leads nowhere": "links that lead nowhere",
    "file that can't be read": "files that can't be read",
    "file of unknown kind": "files of unknown kind",
}
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
    """A file that should be a photo but was left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class PhotoFolder:
    """The content of a folder of photos.

    Attributes:
        root: the folder.
        classes: names (Unicode NFC), sorted.
        photos: sorted by part, class and path.
        rejects: files left out: unreadable, or in more than one part of a split folder.
        ignored: how many files and folders are not photos: hidden, of another kind, or outside
            of the class folders.
        duplicates: groups of byte-identical photos within one class.
        conflicts: groups of byte-identical photos in more than one class.
        presplit: whether the folder has parts of its own, "train" and one or two more.
        looks: appearance of each photo, by its SHA-256; empty unless requested.
    """

    root: Path
    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    rejects: tuple[Reject, ...]
    ignored: int
    duplicates: tuple[tuple[Path, ...], ...]
    conflicts: tuple[tuple[Path, ...], ...]
    presplit: bool
    looks: Mapping[str, Look] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """Photos that are there by name; none of them is opened yet.

    Attributes:
        photos: sorted by part, class and path; without their digests.
        ignored: how many files and folders beside them are no photos.
        others: kinds of those files, counted by part and class; a key for each part and class.
        The rest is as in `PhotoFolder`.
    """

    root: Path
    classes: tuple[str, ...]
    presplit: bool
    photos: tuple[Photo, ...]
    ignored: int
    others: dict[tuple[str | None, int], Counter[str]]


def scan_folder(
    root: Path,
    *,
    strict: bool = False,
    progress: Progress = SILENT,
    looks: LookStore | None = None,
) -> PhotoFolder:
    """Finds the photos in `root`, reads each once and keeps those that can be decoded.

    Each subfolder is a class; photos in folders within it, at any depth, are of that class.
    A folder whose subfolders are called as the parts of a split are (`train` and `test`, say; see
    `packager.data.parts`) and have subfolders themselves is taken as split already: those are
    the classes. What is inside a file decides whether it is a photo, not its name.

    A photo whose bytes are in more than one part of a split folder stays in test only, or in
    validation only, so that nothing is trained on and then measured.

    Args:
        root: the folder.
        strict: makes an unusable photo an error.
        progress: told of one phase, a step a photo, and of everything that is left out.
        looks: where to keep what each photo looks like; those that are there need no check.

    Raises:
        DataError: there is no such folder or it can't be listed; its layout, class names or
            parts are not usable (the message says which); a class has no usable photo; or a
            photo is unusable and `strict` is set.
    """
    return usable_photos(
        find_in_folder(Path(root), progress),
        strict=strict,
        progress=progress,
        looks=looks,
    )


def usable_photos(
    found: Found,
    *,
    strict: bool = False,
    progress: Progress = SILENT,
    looks: LookStore | None = None,
) -> PhotoFolder:
    """Reads each photo that was found once and keeps those that can be decoded.

    See `scan_folder` for what is left out, and for the arguments and errors.
    """
    root = found.root
    checked, rejects, seen = _check(found, looks, progress)
    if strict and rejects:
        raise DataError(
            _count(len(rejects), "photo") + " can't be used: " + _names(root, rejects),
            where=root,
            fix="Replace or delete them, or leave out --strict to continue without them.",
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
        looks=seen,
    )


# The search: names only, no file is opened.


class _Walk:
    """Lists folders; counts what is skipped."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ignored = 0
        self.nested = 0
        self.others: Counter[str] = Counter()
        above = [root.resolve(), *root.resolve().parents]
        self.above = {_identity(folder.stat()) for folder in above}

    def list(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """Subfolders and photos in `folder`, sorted; the rest is counted."""
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
            path = Path(entry.path)
            if _is_clutter(entry):
                self.ignored += 1
            elif _is_folder(entry):
                if _identity(path.stat()) in self.above:  # a link that leads back up
                    self.ignored += 1
                else:
                    folders.append(path)
            elif _called_photo(entry.name) or (kind := _kind(path)) in PHOTO_FORMATS:
                photos.append(path)
            else:
                self.ignored += 1
                self.others[kind] += 1
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


def find_in_folder(root: Path, progress: Progress) -> Found:
    """The photos of a folder by name: see `scan_folder` for its layouts and the errors."""
    _demand_folder(root, "Give a folder with one subfolder per class.")
    walk = _Walk(root)
    folders, loose = walk.list(root)
    parts = _parts(walk, folders)
    if not folders and loose:
        raise DataError(
            f"{_count(len(loose), 'photo')} directly in the folder, which has no subfolders",
            where=root,
            fix="Move the photos into one subfolder per class; its name is the label.",
        )
    classes: tuple[str, ...] = ()
    found: list[Photo] = []
    others: dict[tuple[str | None, int], Counter[str]] = {}
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
            walk.others = others[part, label] = Counter()
            paths = sorted(walk.photos_below(named[name]), key=lambda path: path.parts)
            found.extend(Photo(path, label, "", part) for path in paths)
    walk.ignored += len(loose)
    if parts:
        _say_parts(parts, root, progress)
    elif all(map(part_of, classes)):
        progress.warn(
            f"the classes are called {_list(classes, 'and')}: if these are parts of a split, give "
            "each of them one subfolder per class"
        )
    if loose:
        progress.warn(
            f"{_count(len(loose), 'photo')} beside the class folders left out, such as "
            f"{_short(root, loose[0])}"
        )
    if walk.nested:
        progress.warn(
            f"{_count(walk.nested, 'photo')} in folders within a class folder taken as that class"
        )
    passed_over = sum(others.values(), Counter[str]())
    if passed_over:
        progress.warn(f"skipped in the class folders: {_kinds(passed_over)}")
    return Found(root, classes, bool(parts), tuple(found), walk.ignored, others)


def find_below(root: Path, name: str, progress: Progress) -> Found:
    """The photos at any depth of a folder by name, as one class. Raises `DataError`."""
    _demand_folder(root, "Give a folder of photos.")
    walk = _Walk(root)
    walk.above = walk.above - {_identity(root.stat())}
    paths = sorted(walk.photos_below(root), key=lambda path: path.parts)
    if walk.others:
        progress.warn(f"skipped in {_printable(str(root))}: {_kinds(walk.others)}")
    photos = tuple(Photo(path, 0, "") for path in paths)
    return Found(root, (name,), False, photos, walk.ignored, {(None, 0): walk.others})


def _demand_folder(root: Path, fix: str) -> None:
    try:
        is_folder = stat.S_ISDIR(root.stat().st_mode)
        what = "" if is_folder else f"it is {_what_it_is(root)}, not a folder"
    except FileNotFoundError:
        what = "there is no such folder"
    except OSError as error:
        what = f"the folder can't be opened ({error.strerror or error})"
    if what:
        raise DataError(what, where=root, fix=("Unpack it. " if "archive" in what else "") + fix)


def _parts(walk: _Walk, folders: list[Path]) -> dict[str, Path]:
    """Part -> the folder that has its classes, in the order of use; empty when it isn't split."""
    named = {folder: part for folder in folders if (part := part_of(folder.name))}
    levels = {folder: _class_level(folder) for folder in folders}
    inside = {folder: _folder_names(level) for folder, level in levels.items()}
    split = [folder for folder in named if inside[folder]]
    plain = [folder for folder in split if not named[folder][1]]
    if plain:
        split = plain
    elif len({named[folder][1] for folder in split}) != 1 or not _alike(split, inside):
        split = []  # "cats-train" and "cats-test" are parts, "train station" alone is a class
    unclear = [folder for folder in named if folder not in split]
    others = [folder for folder in folders if folder not in named]
    parts = _by_part(walk, [*split, *unclear], named) if split else {}
    if (len(split) < 2 and others) or "train" not in parts:
        _refuse_parts_as_classes(walk, folders, inside)
        return {}
    if len(parts) < 2:
        raise DataError(
            f"there is a {_printable(parts['train'].name)}/ folder but no validation/ and no test/",
            where=walk.root,
            fix="Add one of them, or put all photos in one subfolder per class (or give "
            f"{_printable(str(levels[parts['train']]))} itself) and packager splits them.",
        )
    if others:
        raise DataError(
            f"beside {_list((parts[part].name for part in PARTS if part in parts), 'and')} there "
            f"is {_list(folder.name for folder in others)}",
            where=walk.root,
            fix="Move it elsewhere, or put a dot before its name.",
        )
    return {part: levels[parts[part]] for part in PARTS if part in parts}


def _by_part(
    walk: _Walk, folders: list[Path], named: dict[Path, tuple[str, str]]
) -> dict[str, Path]:
    parts: dict[str, Path] = {}
    for folder in sorted(folders, key=lambda folder: named[folder][0] == HELD_OUT):
        part = named[folder][0]
        if part == HELD_OUT:
            part = "validation" if "test" in parts else "test"
        if part in parts:
            raise DataError(
                f"both {_printable(parts[part].name)}/ and {_printable(folder.name)}/ hold the "
                f"part {part!r}",
                where=walk.root,
                fix="Put their photos together in one of them.",
            )
        parts[part] = folder
    return parts


def _refuse_parts_as_classes(
    walk: _Walk, folders: list[Path], inside: dict[Path, frozenset[str]]
) -> None:
    """Folders that all hold the same class folders are parts, whatever they are called."""
    if len(folders) < 2 or not _alike(folders, inside) or any(map(_has_photos, folders)):
        return
    names = inside[folders[0]]
    if len(names) < 2 or all(map(part_of, names)):  # each class has parts of its own
        return
    raise DataError(
        f"{_list((folder.name for folder in folders), 'and')} all hold the same folders "
        f"({_list(sorted(names))}): they are parts of a split, or copies, and not classes",
        where=walk.root,
        fix="Name them train, validation and test (train and one more are enough), or give one of "
        "them. If they are classes, move their photos up into them.",
    )


def _alike(folders: list[Path], inside: dict[Path, frozenset[str]]) -> bool:
    return len({inside[folder] for folder in folders}) == 1


def _class_level(part: Path) -> Path:
    """The folder itself, or the one in it that is called as a part again: train/train/cat."""
    below = _sub_folders(part)
    return below[0] if len(below) == 1 and part_of(below[0].name) else part


def _say_parts(parts: dict[str, Path], root: Path, progress: Progress) -> None:
    said = [f"{_short(root, folder)}/ for {_USES[part]}" for part, folder in parts.items()]
    lacking = [part for part in PARTS if part not in parts]
    progress.say(
        f"The folder is split already: {', '.join(said)}."
        + (f" Photos for {_USES[lacking[0]]} are split off from the first." if lacking else "")
    )


def _named(folders: list[Path], root: Path) -> dict[str, Path]:
    """Class name -> folder, sorted by name; rejects names that can't be distinguished."""
    named: dict[str, Path] = {}
    alike: dict[str, Path] = {}
    for folder in folders:
        name = clean(folder.name)
        if label_problem(folder.name):
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
    fix = "A classifier needs two classes or more: make one subfolder per class."
    inner = folder
    while len(below := _sub_folders(inner)) == 1:  # an archive unpacked into its own name, twice
        inner = below[0]
    if below:
        fix += f" Perhaps you mean {_printable(str(inner))}?"
    what = f"there is only one class, {classes[0]!r}" if classes else "there is no subfolder"
    if not classes and walk.others:
        what += f", but {_kinds(walk.others)}"
    raise DataError(what, where=folder, fix=fix)


def _difference(folder: Path, names: tuple[str, ...], classes: tuple[str, ...]) -> DataError:
    lacks, more = sorted({*classes} - {*names}), sorted({*names} - {*classes})
    said = [f"lacks {_list(lacks)}"] * bool(lacks) + [f"has {_list(more)} besides"] * bool(more)
    return DataError(
        f"its classes differ from those of train: it {' and '.join(said)}",
        where=folder,
        fix="Give all parts the same subfolders"
        + (
            "." if names else ", or move this one elsewhere: without them its photos have no class."
        ),
    )


# The check: each file is read once, and decoded.


def _check(
    found: Found, store: LookStore | None, progress: Progress
) -> tuple[list[Photo], list[Reject], dict[str, Look]]:
    seen: dict[str, Look] = {}

    def check(photo: Photo) -> Photo | Reject:
        from packager.data.images import open_photo, read_photo

        try:
            content = read_photo(photo.path)
            digest = hashlib.sha256(content).hexdigest()
            if store is None:
                open_photo(content, at_least=1)
            elif digest not in seen:
                seen[digest] = store.look(content, digest)
            return replace(photo, sha256=digest)
        except DataError as error:
            return Reject(photo.path, error.what)

    photos: list[Photo] = []
    rejects: list[Reject] = []
    with progress.phase("Checking photos", len(found.photos)) as phase:
        for result in pool.each(lambda: None, lambda _, photo: check(photo), found.photos):
            if isinstance(result, Photo):
                photos.append(result)
            else:
                rejects.append(result)
            phase.advance()
    return photos, rejects, seen


def _without_leaks(photos: list[Photo], progress: Progress) -> tuple[list[Photo], list[Reject]]:
    last: dict[str, str | None] = {}
    for photo in photos:  # sorted by part
        last[photo.sha256] = photo.part
    kept = [photo for photo in photos if photo.part == last[photo.sha256]]
    leaks = [
        Reject(photo.path, f"the same photo is in {last[photo.sha256]}")
        for photo in photos
        if photo.part != last[photo.sha256]
    ]
    for part in PARTS:
        count = sum(photo.part == part != last[photo.sha256] for photo in photos)
        if count:
            progress.warn(
                f"{_count(count, 'photo')} left out of {part}: the same, byte for byte, in "
                f"{' or '.join(PARTS[PARTS.index(part) + 1 :])}"
            )
    return kept, leaks


def _demand_all_classes(found: Found, photos: list[Photo], rejects: list[Reject]) -> None:
    usable = Counter((photo.part, photo.label) for photo in photos)
    rejected = {reject.path for reject in rejects}
    seen = defaultdict(list)
    for photo in found.photos:
        seen[photo.part, photo.label].append(photo.path)
    parts = {part for part, _ in found.others}
    for part in [part for part in (None, *PARTS) if part in parts]:
        for label, name in enumerate(found.classes):
            if usable[part, label]:
                continue
            paths = seen[part, label]
            if not paths:
                why = "no photo in it"
                if others := found.others[part, label]:
                    why += f", only {_kinds(others)}"
            elif rejected.issuperset(paths):
                why = f"none of its {_count(len(paths), 'photo')} can be used"
            else:
                also = "unusable or " * any(path in rejected for path in paths)
                why = f"all its {_count(len(paths), 'photo')} are {also}in another part too"
            raise DataError(
                f"the class {name!r}{f' in {part}' if part else ''} is empty: {why}",
                where=found.root,
                fix=f"Add photos ({FORMATS}) to its folder, or delete it.",
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


def warn_of_lost(rejects: Sequence[Reject], progress: Progress) -> None:
    """Says of photos that changed or vanished after they were checked that they are left out."""
    for reject in rejects[:_NAMED]:
        progress.warn(
            f"{_printable(str(reject.path))} changed while in use and is left out: {reject.reason}"
        )
    if len(rejects) > _NAMED:
        progress.warn(f"{_count(len(rejects) - _NAMED, 'more photo')} changed and left out")


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


def _list(names: Iterable[str], last: str = "") -> str:
    shown = [_printable(name) for name in names]
    if len(shown) > _NAMED:
        shown = [*shown[:_NAMED], f"{len(shown) - _NAMED:,} more"]
    if not last or len(shown) < 2:
        return ", ".join(shown)
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def _kinds(counts: Counter[str]) -> str:
    """ "3 HEIC photos (save as JPEG or PNG), 1 video"."""
    said = []
    for kind, count in counts.most_common():
        noun = kind if count == 1 else _PLURALS.get(kind, kind + "s")
        fix = how_to_use(kind)
        said.append(f"{count:,} {noun}" + (f" ({fix})" if fix else ""))
    return ", ".join(said)


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


def _sub_folders(folder: Path) -> list[Path]:
    """Those that count; none where it can't be listed."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return []
    return [Path(entry.path) for entry in entries if not _is_clutter(entry) and _is_folder(entry)]


def _folder_names(folder: Path) -> frozenset[str]:
    return frozenset(
        unicodedata.normalize("NFC", below.name.casefold()).strip()
        for below in _sub_folders(folder)
    )


def _has_photos(folder: Path) -> bool:
    try:
        return any(_called_photo(entry.name) for entry in os.scandir(folder))
    except OSError:
        return False


def _is_clutter(entry: os.DirEntry[str]) -> bool:
    return entry.name.startswith(".") or entry.name.lower() in _CLUTTER


def _called_photo(name: str) -> bool:
    """As a photo is called; a web address's query may follow."""
    return os.path.splitext(name.partition("?")[0])[1].lower() in EXTENSIONS  # noqa: PTH122


def _kind(path: Path) -> str:
    try:
        with open_file(path, sys.maxsize) as file:
            return kind_of(file.read(START), path.name)
    except FileNotFoundError:
        return "link that leads nowhere"
    except OSError as error:
        what = error.strerror or ""
        found = re.match(r"it is a (\w+)", what)
        return found[1] if found else "file that can't be read"


def _what_it_is(file: Path) -> str:
    kind = _kind(file)
    if kind in PHOTO_FORMATS:
        return f"a photo ({kind})"
    return with_article(kind)
