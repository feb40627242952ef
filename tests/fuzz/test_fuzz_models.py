"""Mutated .tflite files and lists of labels."""

import sys
from pathlib import Path

import pytest

from packager import tables
from packager.inspection import inspect_model
from packager.labels import file_labels
from packager.metadata.container import join_model, open_model
from packager.metadata.labelling import label_model
from packager.metadata.reader import describe
from packager.metadata.writer import ClassifierMetadata, write_metadata
from tests.fuzz.mutation import check, mutated_bytes

sys.path.insert(0, str(Path(__file__).parents[1] / "metadata"))
from test_metadata_writer import FOREIGN, FOREIGN_FILES, foreign_model
from tiny_models import T, tiny_model

METADATA = ClassifierMetadata(("a", "b", "c"), "name", mean=(127.0,), std=(128.0,))
MODELS = [
    tiny_model(),
    write_metadata(tiny_model(), METADATA),
    write_metadata(tiny_model(io=T.UINT8, weights=T.INT8), METADATA),
    foreign_model(),
    foreign_model(FOREIGN, {**FOREIGN_FILES, "old.txt": b"a\nb\nc\n" * 1000}),
]


def test_inspect(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        list(tables.inspection(inspect_model(path)))

    check(read, mutated_bytes(MODELS))


@pytest.mark.parametrize("options", [{}, {"mean": "127", "std": "128"}, {"replace": True}])
def test_metadata_write(tmp_path: Path, options: dict[str, object]) -> None:
    path, labels = tmp_path / "m.tflite", tmp_path / "labels.txt"
    labels.write_text("a\nb\nc\n")

    def write(content: bytes) -> None:
        path.write_bytes(content)
        label_model(path, labels, tmp_path / "out.tflite", **options)  # type: ignore[arg-type]

    check(write, mutated_bytes(MODELS))


def test_metadata_in_a_sound_model() -> None:
    """Mutations that hit nothing but the metadata flatbuffer."""
    file = open_model(MODELS[3])
    assert file.metadata is not None
    check(
        lambda content: describe(open_model(join_model(file, content, file.files))),
        mutated_bytes([file.metadata]),
    )


def test_lists_of_labels() -> None:
    lists = ["red\ngrün\nblau\n".encode(), "0 Cat\r\n1 Dog\r\n".encode("utf-16")]
    check(lambda content: file_labels(content, Path("labels.txt")), mutated_bytes(lists))
