"""The curves of a run in a folder of the user's, as it goes on."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path

from packager.errors import OutputError
from packager.files import write_output
from packager.training.head import Epoch

_COLUMNS = tuple(field.name for field in fields(Epoch))


class EpochLog:
    """Losses and accuracies after each epoch, as a CSV file and as TensorBoard's event files.

    The CSV file, `epochs.csv`, has all epochs of the run, also those before it was resumed. Each
    process adds an event file of the epochs that it ran, which needs no package but TensorFlow.

    Raises `OutputError` when the folder can't be written to.
    """

    def __init__(self, folder: Path, curves: Sequence[Epoch] = ()) -> None:
        import tensorflow as tf

        self._folder = folder
        self._write_csv(curves)
        try:
            self._events = tf.summary.create_file_writer(str(folder))
        except tf.errors.OpError as error:
            raise self._refused(error) from error

    def write(self, curves: Sequence[Epoch]) -> None:
        """Logs the last of `curves`, which are all epochs from the first."""
        import tensorflow as tf
        from tensorflow.core.framework.summary_pb2 import DATA_CLASS_SCALAR, SummaryMetadata

        self._write_csv(curves)
        # tf.summary.scalar does the same, but needs the package tensorboard.
        plugin = SummaryMetadata.PluginData(plugin_name="scalars")
        kind = SummaryMetadata(plugin_data=plugin, data_class=DATA_CLASS_SCALAR)
        try:
            with self._events.as_default(step=len(curves)):
                for name, value in zip(_COLUMNS, astuple(curves[-1]), strict=True):
                    tf.summary.write(name, tf.constant(value, tf.float32), metadata=kind)
            self._events.flush()
        except tf.errors.OpError as error:
            raise self._refused(error) from error

    def _write_csv(self, curves: Sequence[Epoch]) -> None:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("epoch", *_COLUMNS))
        rows.writerows((number, *astuple(epoch)) for number, epoch in enumerate(curves, 1))
        write_output(self._folder / "epochs.csv", text.getvalue())

    def _refused(self, error: Exception) -> OutputError:
        return OutputError(
            f"TensorFlow can't write event files there ({error})",
            where=self._folder,
            fix="Give another folder with --log, or leave --log out.",
        )
