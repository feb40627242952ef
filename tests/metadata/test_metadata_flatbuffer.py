import struct
from contextlib import suppress

import flatbuffers
import pytest

from packager.metadata import schema
from packager.metadata.flatbuffer import DamagedError, decode, encode

TREE = {
    "name": "näme 🌹",
    "version": "",
    "subgraph_metadata": [
        {
            "input_tensor_metadata": [
                {
                    "dimension_names": ["batch", "höhe"],
                    "content": {
                        "content_properties": (
                            "ImageProperties",
                            {"color_space": 1, "default_size": {"width": 8, "height": 9}},
                        ),
                        "range": {"min": -1, "max": 2},
                    },
                    "process_units": [
                        {"options": ("NormalizationOptions", {"mean": [1.5], "std": [2.0]})},
                        {"options": ("ScoreThresholdingOptions", {"global_score_threshold": 0.5})},
                        {"options": ("BertTokenizerOptions", {"vocab_file": [{"name": "v"}]})},
                    ],
                    "stats": {"min": [], "max": [1.0, 2.0]},
                },
                {"content": {"content_properties": ("BoundingBoxProperties", {"index": [0, 7]})}},
            ],
            "custom_metadata": [{"name": "mine", "data": [1, 2, 255]}],
            "input_process_units": [],
        }
    ],
    "associated_files": [{"name": "a", "type": 1}, {"name": "b", "locale": "de"}],
}


def encoded(tree=TREE):
    return encode(tree, schema.TABLES, "ModelMetadata", b"M001")


def decoded(content):
    return decode(content, schema.TABLES, "ModelMetadata", strict=True)


def test_what_is_written_is_read_again():
    assert decoded(encoded()) == TREE
    assert encoded()[4:8] == b"M001"
    assert encoded() == encoded()


def test_custom_metadata_is_aligned_to_16_bytes():
    content = encoded()
    assert content.index(bytes([3, 0, 0, 0, 1, 2, 255])) % 16 == 12


def test_every_truncation_is_reported():
    content = encoded()
    for length in range(len(content)):
        try:
            found = decoded(content[:length])
        except DamagedError:
            continue
        assert length > len(content) - 4, f"read {length} of {len(content)} bytes without noticing"
        assert found == TREE  # only padding was cut off


def test_every_flipped_byte_is_read_or_reported():
    content = bytearray(encoded())
    for place in range(len(content)):
        for mask in (0xFF, 0x01, 0x80):
            content[place] ^= mask
            with suppress(DamagedError, UnicodeEncodeError):
                encoded(decoded(bytes(content)))
            content[place] ^= mask


def test_a_field_of_a_newer_schema_is_refused_not_lost():
    builder = flatbuffers.Builder(64)
    text = builder.CreateString("new")
    builder.StartObject(9)
    builder.PrependUOffsetTRelativeSlot(8, text, 0)
    builder.Finish(builder.EndObject(), b"M001")
    with pytest.raises(DamagedError, match="newer than packager"):
        decoded(bytes(builder.Output()))


def test_tables_that_multiply_run_out_of_budget():
    """Nested vectors whose elements are all one table: a few kB that unfold without end."""
    many = 2000
    builder = flatbuffers.Builder(1 << 16)

    def vector(child):
        builder.StartVector(4, many, 4)
        for _ in range(many):
            builder.PrependUOffsetTRelative(child)
        return builder.EndVector()

    def table(fields, slot, child):
        builder.StartObject(fields)
        builder.PrependUOffsetTRelativeSlot(slot, child, 0)
        return builder.EndObject()

    builder.StartObject(0)
    leaf = builder.EndObject()
    tensors = table(7, 4, vector(leaf))
    graphs = table(10, 2, vector(tensors))
    root = table(8, 3, vector(graphs))
    builder.Finish(root, b"M001")
    with pytest.raises(DamagedError, match="more than its bytes can hold"):
        decoded(bytes(builder.Output()))


def test_a_vector_that_claims_four_billion_elements_is_refused():
    content = bytearray(encoded({"subgraph_metadata": [{}]}))
    places = [n for n in range(0, len(content) - 3, 4) if content[n : n + 4] == b"\1\0\0\0"]
    assert places
    for place in places:
        damaged = (
            bytes(content[:place]) + struct.pack("<I", 0xFFFFFFFF) + bytes(content[place + 4 :])
        )
        with pytest.raises(DamagedError):
            decoded(damaged)


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"\xff" * 64, b"\0" * 64])
def test_garbage_is_refused(content):
    with pytest.raises(DamagedError):
        decoded(content)
