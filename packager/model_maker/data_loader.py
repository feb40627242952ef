"""Photos with their labels, in a fixed order that can be split in two."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from packager import pool
from packager.data.folder import Photo, scan_folder
from packager.errors import DataError, SettingsError
from packager.extras import require_extra
from packager.progress import Progress
from packager.terminal import stderr_progress

if TYPE_CHECKING:
    import tensorflow as tf


class DataLoader:
    """Model Maker's `ImageClassifierDataLoader`: photos in a fixed order.

    Attributes:
        photos: the photos, labelled by their index in `index_to_label`.
        index_to_label: names of the classes, sorted.
    """

    def __init__(self, photos: Sequence[Photo], index_to_label: Sequence[str]) -> None:
        self.photos = tuple(photos)
        self.index_to_label = list(index_to_label)

    @classmethod
    def from_folder(
        cls,
        filename: str | os.PathLike[str],
        shuffle: bool = True,
        *,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> DataLoader:
        """Reads a folder that has one subfolder per class, or one folder that has them.

        Byte-identical photos are kept together, so that `split` leaves them in one part.

        Args:
            filename: the folder; JPEG, PNG, WebP, BMP, GIF and PPM files count.
            shuffle: whether the photos are shuffled; otherwise they are sorted by class.
            seed: for shuffling. The same photos and seed give the same order everywhere.
            progress: receives warnings about files left out; None writes to standard error.

        Raises `DataError` as `packager.data.folder.scan_folder` does, and for a folder that is
        split already.
        """
        folder = scan_folder(_class_folder(Path(filename)), progress=progress or stderr_progress())
        if folder.presplit:
            raise DataError(
                "the folder is already split into parts",
                where=folder.root,
                fix="Load each part: from_folder(folder + '/train') and so on.",
            )
        groups: dict[str, list[Photo]] = {}
        for photo in folder.photos:
            groups.setdefault(photo.sha256, []).append(photo)
        order = list(groups.values())
        if shuffle:
            order = [order[i] for i in np.random.default_rng(seed).permutation(len(order))]
        return cls([photo for group in order for photo in group], folder.classes)

    @property
    def size(self) -> int:
        """The number of photos."""
        return len(self.photos)

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def num_classes(self) -> int:
        """The number of classes, including those without photos here."""
        return len(self.index_to_label)

    def split(self, fraction: float) -> tuple[DataLoader, DataLoader]:
        """Splits into the first int(size * fraction) photos, and the others.

        The first part gets a few more where copies of one photo would be separated.

        Raises `SettingsError` when one part would be empty.
        """
        cut = int(self.size * fraction) if 0 < fraction < 1 else 0
        while 0 < cut < self.size and self.photos[cut - 1].sha256 == self.photos[cut].sha256:
            cut += 1
        if not 0 < cut < self.size:
            raise SettingsError(
                f"{fraction} of {self.size} photos leaves one part empty",
                where="fraction",
                fix="Use a fraction between 0 and 1, such as 0.8, or more photos.",
            )
        return tuple(
            type(self)(part, self.index_to_label) for part in (self.photos[:cut], self.photos[cut:])
        )  # type: ignore[return-value]

    @property
    def dataset(self) -> tf.data.Dataset:
        """(image, label) pairs: uint8 [height, width, 3] in the photo's own size, and int64.

        Photos are decoded as they are asked for, some at a time on all cores.
        """
        return _decoded(self._listed())

    def gen_dataset(
        self,
        batch_size: int = 1,
        is_training: bool = False,
        shuffle: bool = False,
        input_pipeline_context: tf.distribute.InputContext | None = None,
        preprocess: Callable[..., Any] | None = None,
        drop_remainder: bool = False,
    ) -> tf.data.Dataset:
        """Batches of `dataset`.

        Args:
            batch_size: more than 1 needs images of one size: give `preprocess`.
            is_training: passed on to `preprocess`; with it, `shuffle` counts.
            shuffle: another order in each pass over the data, of all photos.
            input_pipeline_context: says which share of the photos is wanted.
            preprocess: such as `ImageClassifier.preprocess`; called with image, label and
                is_training.
            drop_remainder: whether a last batch that isn't full is left out.
        """
        require_extra("tensorflow", "DataLoader.gen_dataset")
        import tensorflow as tf

        listed = self._listed()
        if input_pipeline_context and input_pipeline_context.num_input_pipelines > 1:
            listed = listed.shard(
                input_pipeline_context.num_input_pipelines,
                input_pipeline_context.input_pipeline_id,
            )
        if is_training and shuffle:
            listed = listed.shuffle(max(self.size, 1), seed=0)
        dataset = _decoded(listed)
        if preprocess is not None:
            dataset = dataset.map(
                lambda image, label: preprocess(image, label, is_training=is_training),
                num_parallel_calls=pool.cores(),
            )
        return dataset.batch(batch_size, drop_remainder=drop_remainder).prefetch(tf.data.AUTOTUNE)

    def _listed(self) -> tf.data.Dataset:
        import tensorflow as tf

        paths = [os.fsencode(photo.path) for photo in self.photos]
        labels = np.array([photo.label for photo in self.photos], np.int64)
        return tf.data.Dataset.from_tensor_slices((paths, labels))


def _decoded(listed: tf.data.Dataset) -> tf.data.Dataset:
    import tensorflow as tf

    from packager.data.images import open_photo

    def pixels(path: bytes) -> np.ndarray[Any, Any]:
        return np.asarray(open_photo(Path(os.fsdecode(path))))

    def decode(path: Any, label: Any) -> tuple[Any, Any]:
        image = tf.numpy_function(pixels, [path], tf.uint8, stateful=False)
        image.set_shape((None, None, 3))
        return image, label

    return listed.map(decode, num_parallel_calls=pool.cores())


def _class_folder(root: Path) -> Path:
    """`root`, or the one folder in it that has the classes: so Keras unpacks an archive."""
    inner = _folders(root)
    return inner[0] if len(inner) == 1 and len(_folders(inner[0])) > 1 else root


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]


ImageClassifierDataLoader = DataLoader
