"""Photos of the Hugging Face Hub, copied into the cache by the library `datasets`."""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path
from typing import Any

from packager import files
from packager.cache import cache_folder
from packager.data.kinds import PHOTO_FORMATS, START, kind_of
from packager.data.parts import part_of
from packager.data.settings import HUB
from packager.errors import DataError, first_of
from packager.extras import require_extra
from packager.progress import SILENT, Progress
from packager.spreadsheet import csv_text

TABLE = "photos.csv"
_NAMED = 5
_LABELS = ("label", "labels", "fine_label", "class", "category")


def hub_name(data: str) -> str:
    """The dataset's own name, for a folder or a model: "beans" for hf:AI-Lab/beans@main."""
    return re.split("[/:]", data.partition("@")[0])[-1]


def hub_photos(data: str, *, cache: Path | None = None, progress: Progress = SILENT) -> Path:
    """Gives a table (see `packager.data.table`) of a dataset's photos, copied into the cache.

    The dataset needs a column of images and one of labels, a class label or a text. Its splits
    are the parts where their names say so; a split whose photos have no label is left out.

    Args:
        data: "hf:OWNER/NAME", with "@REVISION" at the end where it isn't the newest.
        cache: the folder to keep the copy in; `packager.cache.cache_folder()` when None.
        progress: told of one phase, a step a photo.

    Raises:
        SettingsError: the extra [hf] is not installed.
        DataError: the name is none; the dataset can't be loaded, or has no such columns; or the
            disk is full.
    """
    name, _, revision = data.removeprefix(HUB).partition("@")
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name):
        raise DataError(
            f"{name!r} is not a dataset name", where=data, fix="Write hf:OWNER/NAME[@REVISION]."
        )
    require_extra("hf", f"--data {data}")
    dataset = _loaded(data, name, revision or None)
    image, label = _columns(data, dataset)
    prints = [getattr(part, "_fingerprint", part.num_rows) for part in dataset.values()]
    key = f"{name}|{revision}|{image}|{label}|{prints}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    home = (cache or cache_folder()) / "hub" / f"{name.replace('/', '--')}-{digest}"
    if not (home / TABLE).exists():
        try:
            with files.new_folder(home, replaceable=lambda _: None) as fresh:
                _copy(data, dataset, image, label, fresh, progress)
        except OSError as error:
            raise DataError(
                f"the photos can't be copied into the cache ({error.strerror or error})",
                where=data,
                fix="Free some space, or set PACKAGER_CACHE to a folder on another disk.",
            ) from error
    return home / TABLE


def _loaded(data: str, name: str, revision: str | None) -> Any:
    import datasets

    datasets.disable_progress_bars()
    for noisy in ("datasets", "huggingface_hub"):  # what they retry is told once, when it failed
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        return datasets.load_dataset(name, revision=revision)
    except Exception as error:  # of the network's, the Hub's, the file formats' many kinds
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(
            f"the dataset can't be loaded ({reason})",
            where=data,
            fix="Check its name and the network connection; for a private one log in with "
            "`hf auth login`. Or download it and give the folder.",
        ) from error


def _columns(data: str, dataset: Any) -> tuple[str, str]:
    import datasets

    features = next(iter(dataset.values())).features
    images = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    classes = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    labels = classes or [name for name in _LABELS if name in features]
    usual = [name for name in _LABELS if name in labels]
    if len(images) != 1 or not labels or (len(labels) > 1 and not usual):
        raise DataError(
            f"the dataset needs one column of images and one of labels; its columns are "
            f"{first_of(list(features), 2 * _NAMED)}",
            where=data,
            fix="Choose another one, or write its photos into folders, one per class.",
        )
    return images[0], (usual or labels)[0]


def _copy(data: str, dataset: Any, image: str, label: str, fresh: Path, progress: Progress) -> None:
    import datasets

    total = sum(part.num_rows for part in dataset.values())
    rows: list[tuple[str, str, str]] = []
    bare: list[str] = []
    with progress.phase(f"Copying {hub_name(data)}", total) as phase:
        for split, part in dataset.items():
            names = getattr(part.features[label], "names", None)
            known = part_of(split) if len(dataset) > 1 else None
            if len(dataset) > 1 and (known is None or known[1]):
                raise DataError(
                    f"the dataset's split {split!r} has an unknown name", where=data,
                    fix="Choose a dataset whose splits are called train, validation or test.",
                )  # fmt: skip
            plain = part.select_columns([image, label]).cast_column(
                image, datasets.Image(decode=False)
            )
            before = len(rows)
            for number, row in enumerate(plain):
                phase.advance()
                value = row[label]
                if value is None or (names is not None and value < 0):
                    continue
                content = _content(row[image])
                kind = kind_of(content[:START])
                ending = kind.lower() if kind in PHOTO_FORMATS else "bin"
                path = f"{split}/{number // 1000:04}/{number:07}.{ending}"
                (fresh / path).parent.mkdir(parents=True, exist_ok=True)
                (fresh / path).write_bytes(content)
                rows.append((path, names[value] if names else str(value), split if known else ""))
            if len(rows) == before:
                bare.append(split)
    if bare:
        progress.warn(f"the dataset's {first_of(bare, _NAMED)} is left out: it has no labels")
    files.write_text(fresh / TABLE, csv_text(("path", "label", "split"), rows))


def _content(image: dict[str, Any]) -> bytes:
    if image["bytes"] is not None:
        return bytes(image["bytes"])
    from packager.data.images import read_photo

    return read_photo(Path(image["path"]))
