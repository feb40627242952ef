"""Metadata inside model files, and lists of labels, with bytes changed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from packager.errors import MetadataError
from packager.labels import file_labels
from packager.metadata.container import join_model, open_model
from packager.metadata.reader import read_metadata
from packager.metadata.writer import ClassifierMetadata, write_metadata
from tests.fuzz.mutation import check, mutated_bytes
from tests.metadata.test_metadata_reader import WRITTEN
from tests.metadata.test_metadata_writer import foreign_model
from tests.metadata.tiny_models import tiny_model

LABELS = ClassifierMetadata(("x", "y", "z"), author="me", mean=(0.0,), std=(255.0,))
LISTS = [
    b"daisy\nroses\ntulips\n",
    "\ufeffLöwe \r\n0 Hund\r\n\r\n猫\r\n".encode(),
    "utf-16\nlabels\n".encode("utf-16"),
    b"crane\n" * 1000,
]


@pytest.fixture(scope="module")
def models() -> list[bytes]:
    return [WRITTEN, foreign_model(), write_metadata(tiny_model(), LABELS)]


def test_fuzz_metadata_read(models: list[bytes]) -> None:
    check(read_metadata, mutated_bytes(models))


def test_fuzz_metadata_write(models: list[bytes]) -> None:
    """What is written is read back, whatever it was written over."""

    def write(content: bytes) -> None:
        written = write_metadata(content, LABELS)
        found = read_metadata(written)
        assert found is not None
        assert found.labels == LABELS.labels
        assert write_metadata(written, LABELS) == written

    check(write, mutated_bytes(models))


def test_fuzz_labels() -> None:
    check(lambda content: file_labels(content, Path("labels.txt")), mutated_bytes(LISTS))


def test_fuzz_written_labels() -> None:
    """Labels that are accepted are those that are read back."""

    def write(content: bytes) -> None:
        with suppress(UnicodeDecodeError):
            labels = tuple(content.decode().split("\n"))
            written = write_metadata(
                tiny_model(classes=len(labels)), ClassifierMetadata(labels, mean=(0,), std=(1,))
            )
            found = read_metadata(written)
            assert found is not None
            assert len(found.labels) == len(labels)

    check(write, mutated_bytes(LISTS[:2]), (MetadataError,))


def test_fuzz_metadata_in_a_sound_model() -> None:
    """Changes that hit nothing but the metadata's own flatbuffer."""
    file = open_model(foreign_model())
    assert file.metadata is not None
    check(
        lambda content: read_metadata(join_model(file, content, file.files)),
        mutated_bytes([file.metadata]),
    )
