"""Photos that a table lists: CSV with a path and a label per row, as several tools write it."""

from __future__ import annotations

import csv
import io
import itertools
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packager.data.folder import EXTENSIONS, Found, Photo
from packager.data.parts import HELD_OUT, PARTS, part_of
from packager.errors import DataError, first_of
from packager.labels import clean, label_problem
from packager.progress import SILENT, Progress
from packager.reading import RECORD_BYTES, read_file

# What columns are called, letters and digits only; the first that is there is taken.
_PATHS = (
    "path", "filepath", "imagepath", "file", "filename", "image", "imagefile", "imagefilename",
    "imagename", "img", "imgpath", "imgname", "photo", "picture", "gcsfilepath", "gcsuri",
    "imagegcsuri", "uri", "imageid", "imgid", "idcode", "id", "name",
)  # fmt: skip
_LABELS = (
    "label", "labels", "labelname", "class", "classname", "category", "target", "species",
    "breed", "variety", "diagnosis", "dx", "tag",
)  # fmt: skip
_SPLITS = ("split", "mluse", "part", "set", "subset", "partition", "usage", "datasplit")
_NO_PART = ("", "unassigned")  # Vertex AI's word for: you choose
_SAMPLED = 50  # rows that are looked up to find where the photos lie
_FOLDERS = 20  # beside the table, that are tried
_NAMED = 5


@dataclass(frozen=True)
class _Row:
    """A line of the table, about one photo."""

    line: int
    path: str
    label: str
    part: str


def find_in_table(table: Path, images: Path | None = None, *, progress: Progress = SILENT) -> Found:
    """Finds the photos that a CSV file lists.

    With a line of names: a column of paths and one of labels, and perhaps one of parts (train,
    validation, test), however they are usually called; or, in place of the labels, a column of 0
    and 1 for each class. Without one, as Vertex AI AutoML has it: `[ML_USE,]gs://…,LABEL`. A path
    may lack its extension. Commas, semicolons or tabs divide the columns.

    Args:
        table: the file, UTF-8 or UTF-16.
        images: the folder that the paths are relative to; None: the table's own, or a folder in
            it. Of `gs://` and other longer paths as many folders are left out as it takes.
        progress: receives warnings about skipped rows.

    Raises:
        DataError: the file can't be read or understood, no photo is where it says, or the labels
            or parts are not usable.
    """
    if images is not None and not images.is_dir():
        raise DataError(
            "there is no such folder", where=images, fix="Give --images the photos' folder."
        )
    rows = _rows(table, read_rows(table))
    rows = _usable(table, rows, progress)
    names = _classes(table, rows)
    parts = _parts(table, rows, progress)
    place = _places(table, rows, images)
    found = dict.fromkeys(
        Photo(place(row.path), names[row.label], "", parts[row.part]) for row in rows
    )
    if len(found) < len(rows):
        progress.warn(f"{len(rows) - len(found):,} rows of the table repeat another")
    order = [None, *PARTS]
    photos = sorted(
        found, key=lambda photo: (order.index(photo.part), photo.label, photo.path.parts)
    )
    classes = tuple(dict.fromkeys(clean(row.label) for row in sorted(rows, key=_by_label)))
    keys = itertools.product({photo.part for photo in photos}, range(len(classes)))
    return Found(
        root=_root(table, images, photos),
        classes=classes,
        presplit=any(parts.values()),
        photos=tuple(photos),
        ignored=0,
        others={key: Counter() for key in keys},
    )


def read_rows(table: Path) -> list[list[str]]:
    """The cells of a CSV file, line by line; blank lines are empty lists. Raises `DataError`."""
    text = read_table(table)
    first = text.partition("\n")[0]
    divider = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=divider))
    except csv.Error as error:
        raise DataError(
            f"the table can't be read ({error})", where=table, fix="Save it as CSV again."
        ) from error


def read_table(table: Path) -> str:
    """The text of a file in UTF-8 or, with its mark, UTF-16. Raises `DataError`."""
    try:
        content = read_file(table, RECORD_BYTES)
    except OSError as error:
        raise DataError(
            f"the file can't be read ({error.strerror or error})",
            where=table,
            fix="Give a text file.",
        ) from error
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            "the file is not UTF-8 text", where=table, fix="Save it as text or CSV in UTF-8."
        ) from error


# The columns.


def _rows(table: Path, cells: list[list[str]]) -> list[_Row]:
    numbered = [(line, row) for line, row in enumerate(cells, 1) if any(map(str.strip, row))]
    if not numbered:
        raise DataError("the table is empty", where=table, fix="Give one with path and label.")
    first = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in numbered[0][1]]
    path, label, part = (_column(first, known) for known in (_PATHS, _LABELS, _SPLITS))
    if path is None and label is None and any(map(_is_path, numbered[0][1])):
        return _without_names(table, numbered)
    head, body = numbered[0][1], numbered[1:]

    def cell(row: list[str], column: int | None) -> str:
        return "" if column is None or column >= len(row) else row[column].strip()

    if path is not None and label is not None:
        return [_Row(n, cell(row, path), cell(row, label), cell(row, part)) for n, row in body]
    flags = [number for number in range(len(head)) if number not in (path, part)]
    if path is not None and body and _are_flags(body, flags):
        return [
            _Row(
                n,
                cell(row, path),
                next(head[each] for each in flags if float(row[each]) == 1),
                cell(row, part),
            )
            for n, row in body
        ]
    lacks = "paths" if path is None else "labels"
    raise DataError(
        f"the table has no column with the photos' {lacks}; its columns are "
        f"{first_of(head, _NAMED)}",
        where=table,
        fix="Name the columns path, label and, if the photos are already split, split.",
    )


def _column(names: list[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _is_path(cell: str) -> bool:
    cell = cell.strip().lower()
    return cell.startswith("gs://") or os.path.splitext(cell)[1] in EXTENSIONS  # noqa: PTH122


def _are_flags(body: list[tuple[int, list[str]]], columns: list[int]) -> bool:
    """Whether each row has a 1 in one of these columns and 0 in the others."""
    try:
        values = [[float(row[column]) for column in columns] for _, row in body]
    except (ValueError, IndexError):
        return False
    return len(columns) > 1 and all(sorted(row) == [0.0] * (len(row) - 1) + [1.0] for row in values)


def _without_names(table: Path, numbered: list[tuple[int, list[str]]]) -> list[_Row]:
    """`[ML_USE,]PATH,LABEL`."""
    place = next(number for number, cell in enumerate(numbered[0][1]) if _is_path(cell))
    rows = []
    for line, row in numbered:
        cells = [cell.strip() for cell in row]
        more = [cell for cell in cells[place + 2 :] if cell]
        if more:
            raise DataError(
                f"line {line} has more than a path and a label: {first_of(more, _NAMED)}",
                where=table,
                fix="Only one label per photo is supported: remove the other columns, or name all "
                "columns in the first line.",
            )
        rows.append(
            _Row(
                line,
                cells[place] if place < len(cells) else "",
                cells[place + 1] if place + 1 < len(cells) else "",
                cells[0] if place else "",
            )
        )
    return rows


# The rows.


def _usable(table: Path, rows: list[_Row], progress: Progress) -> list[_Row]:
    usable = [row for row in rows if row.path and row.label]
    if len(usable) < len(rows):
        lines = [str(row.line) for row in rows if not (row.path and row.label)]
        progress.warn(
            f"{len(lines):,} rows of the table lack a path or a label and are left out: line "
            f"{first_of(lines, _NAMED)}"
        )
    if not usable:
        raise DataError(
            "no row of the table has a path and a label",
            where=table,
            fix="Give each photo a label: photos without one can't be used for training.",
        )
    return usable


def _by_label(row: _Row) -> str:
    return clean(row.label)


def _classes(table: Path, rows: list[_Row]) -> dict[str, int]:
    """Label as written -> number of its class."""
    alike: dict[str, str] = {}
    for row in rows:
        name = clean(row.label)
        if label_problem(row.label):
            raise DataError(
                f"the label {row.label!a} in line {row.line} is blank or has a line break or a "
                "character that can't be written",
                where=table,
                fix="A label is one line of text.",
            )
        other = alike.setdefault(unicodedata.normalize("NFC", name.casefold()), name)
        if other != name:
            raise DataError(
                f"the labels {other!a} and {name!a} (line {row.line}) differ only in case",
                where=table,
                fix="Write the label of one class in one way.",
            )
    names = sorted(alike.values())
    if len(names) < 2:
        raise DataError(
            f"there is only one class, {names[0]!r}",
            where=table,
            fix="A classifier needs two classes or more.",
        )
    number = {name: place for place, name in enumerate(names)}
    return {row.label: number[clean(row.label)] for row in rows}


def _parts(table: Path, rows: list[_Row], progress: Progress) -> dict[str, str | None]:
    """What the table says -> the part; None for all where it isn't split already."""
    said = Counter(row.part for row in rows)
    parts: dict[str, str | None] = {}
    for word in said:
        found = part_of(word)
        if word.lower() in _NO_PART:
            parts[word] = None
        elif found is None or found[1]:
            raise DataError(
                f"unknown part {word!a}",
                where=table,
                fix="Name the parts train, validation and test, or remove the column.",
            )
        else:
            parts[word] = found[0]
    there = set(parts.values())
    for word, part in parts.items():
        if part == HELD_OUT:
            parts[word] = "validation" if "test" in there else "test"
    there = set(parts.values())
    if there <= {None, "train"}:
        return dict.fromkeys(parts, None)
    if there.isdisjoint({None, "train"}):
        raise DataError(
            "no photo of the table is for training",
            where=table,
            fix="Assign some rows to train, or remove the column of parts.",
        )
    free = sum(said[word] for word, part in parts.items() if part is None)
    if free:
        progress.warn(f"{free:,} rows of the table without a part are used for training")
    return {word: part or "train" for word, part in parts.items()}


# Where the photos are.


def _places(table: Path, rows: list[_Row], images: Path | None) -> Callable[[str], Path]:
    """Says where the photo of a path in the table is, or would be."""
    sample = [row.path for row in rows[:: max(1, len(rows) // _SAMPLED)]]
    bases = [images] if images is not None else [table.parent, *_folders(table.parent)]
    depth = max(len(_names(path)) for path in sample)
    best, base, dropped = 0, bases[0], 0
    for try_base, drop in itertools.product(bases, range(depth)):
        there = sum(_there(try_base, path, drop) is not None for path in sample)
        if there > best:
            best, base, dropped = there, try_base, drop
        if there == len(sample):
            break
    if not best:
        raise DataError(
            f"none of the table's photos exists, such as {first_of(sample, 1)}",
            where=bases[0],
            fix="Give the folder that contains them with --images.",
        )

    def place(path: str) -> Path:
        found = _there(base, path, dropped) or base.joinpath(*_names(path)[dropped:])
        return Path(os.path.abspath(found))  # noqa: PTH100 - links stay

    return place


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(each for each in parent.iterdir() if each.is_dir())[:_FOLDERS]
    except OSError:
        return []


def _names(path: str) -> tuple[str, ...]:
    """The path's folders and file; of a gs:// address without the scheme."""
    if "/" not in path:
        path = path.replace("\\", "/")
    scheme, found, rest = path.partition("://")
    return PurePosixPath(rest if found and scheme.isalpha() else path).parts


def _there(base: Path, path: str, drop: int) -> Path | None:
    names = _names(path)[drop:]
    if not names:
        return None
    try:
        candidate = base.joinpath(*names)
        if candidate.is_file():
            return candidate
        name = candidate.name
        if os.path.splitext(name)[1].lower() not in EXTENSIONS:  # noqa: PTH122
            for extension in _USUAL_FIRST:
                for each in (extension, extension.upper()):
                    if (longer := candidate.with_name(name + each)).is_file():
                        return longer
    except (OSError, ValueError):  # no file can have this name
        pass
    return None


_USUAL_FIRST = sorted(EXTENSIONS, key=lambda each: (each not in (".jpg", ".jpeg", ".png"), each))


def _root(table: Path, images: Path | None, photos: Sequence[Photo]) -> Path:
    """The folder that the photos' paths are told from."""
    root = Path(os.path.abspath(images or table.parent))  # noqa: PTH100
    if all(photo.path.is_relative_to(root) for photo in photos):
        return root
    try:
        return Path(os.path.commonpath([root, *(photo.path.parent for photo in photos)]))
    except ValueError as error:  # several drives of Windows
        raise DataError(
            "the photos are on several drives", where=table, fix="Put them on one drive."
        ) from error
