from __future__ import annotations

from pathlib import Path

import pytest

from packager.errors import OutputError
from packager.extras import has_extra
from packager.training.epoch_log import EpochLog
from packager.training.head import Epoch
from tests.conftest import need

FIRST, SECOND = Epoch(1.5, 0.25, 1.25, 0.5), Epoch(0.75, 0.5, 1.0, 0.625)


@pytest.mark.slow
def test_csv_has_all_epochs_and_events_those_of_the_process(tmp_path: Path) -> None:
    need(has_extra("tensorflow"), "the extra `tensorflow`")
    import tensorflow as tf

    folder = tmp_path / "new" / "log"
    EpochLog(folder).write([FIRST])
    resumed = EpochLog(folder, [FIRST])
    assert (folder / "epochs.csv").read_text() == (
        "epoch,loss,accuracy,validation_loss,validation_accuracy\n1,1.5,0.25,1.25,0.5\n"
    )
    resumed.write([FIRST, SECOND])
    assert (folder / "epochs.csv").read_text().endswith("\n2,0.75,0.5,1.0,0.625\n")
    read = {
        (event.step, value.tag, value.metadata.plugin_data.plugin_name):
            tf.make_ndarray(value.tensor).item()
        for path in folder.glob("events.out.tfevents.*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }  # fmt: skip
    assert read == {
        (step, name, "scalars"): value
        for step, epoch in enumerate((FIRST, SECOND), 1)
        for name, value in vars(epoch).items()
    }


@pytest.mark.slow
def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    need(has_extra("tensorflow"), "the extra `tensorflow`")
    (tmp_path / "log").touch()
    with pytest.raises(OutputError, match="log.*can't be written"):
        EpochLog(tmp_path / "log")
