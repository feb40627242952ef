import time
from pathlib import Path

import pytest

from packager.errors import MetadataError
from packager.label_matching import joined_classes, match_names
from packager.labels import (
    LONGEST,
    check_labels,
    clean,
    file_labels,
    labels_text,
    packed_labels,
    same_named,
    without_numbers,
)

FILE = Path("names.txt")
NFD, NFC = "Lo\u0308wenzahn", "L\u00f6wenzahn"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("red", "red"),
        (" red \t", "red"),
        ("\ufeffred", "red"),
        ("\ufeff \ufeffred\u00a0\u3000", "red"),
        ("red\r", "red"),
        (NFD, NFC),
        ("new  york", "new  york"),  # what is inside stays
        ("0\tcat", "0 cat"),
        ("🌹👩\u200d🌾 rose", "🌹👩\u200d🌾 rose"),
    ],
)
def test_a_label_has_one_clean_form(written, read):
    assert clean(written) == read == clean(read)
    assert labels_text([written]) == f"{read}\n"


@pytest.mark.parametrize(
    "content",
    [
        b"red\ngreen\nblue",
        b"red\ngreen\nblue\n",
        b"red\ngreen\nblue\n\n \n\t\n",
        b"red\r\ngreen\r\nblue\r\n",
        b"red\rgreen\rblue\r",
        b"\xef\xbb\xbfred \n green\nblue\n",
        "red\ngreen\nblue\n".encode("utf-16"),
        b"\xfe\xff" + "red\r\ngreen\r\nblue".encode("utf-16-be"),
    ],
)
def test_label_files_of_any_editor(content):
    assert file_labels(content, FILE) == ("red", "green", "blue")


def test_numbers_and_tabs():
    labels = file_labels(b"0\tred\n1\tlime green\n", FILE)
    assert labels == ("0 red", "1 lime green")
    assert without_numbers(labels) == ("red", "lime green")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"red\n\nblue\n", r"names\.txt: line 2 is blank"),
        (b"\nred\nblue\n", r"names\.txt: line 1 is blank"),
        (b"red\nblu\x00e\n", r"names\.txt: line 2 .* control character"),
        (b"red\n\x1b[31mblue\n", r"names\.txt: line 2 \('\\x1b\[31mblue'\) .* control character"),
        ("red\nb\u202elue".encode(), r"line 2 \('b\\u202elue'\) .* direction"),
        (b"red\n" + b"x" * 5_000_000, r"line 2 \('x{40}' …\) has 5,000,000 letters"),
        (b"red\ngr\xfcn\n", r"names\.txt: the labels are not UTF-8 text \(line 2\)"),
        (b"", "no labels in the file"),
        (b"\n \n", "no labels in the file"),
    ],
)
def test_bad_label_files_are_named_with_their_line(content, message):
    with pytest.raises(MetadataError, match=message) as caught:
        file_labels(content, FILE)
    assert len(str(caught.value)) < 300


def test_many_labels_take_no_time():
    labels = [f"species {number}" for number in range(50_000)]
    began = time.process_time()
    check_labels(labels)
    assert same_named(labels) == ()
    assert len(match_names(labels, labels)) == len(labels)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("content", "count", "labels"),
    [
        (b"", 0, ()),
        (b"a", 1, ("a",)),
        (b"a\nb\n", 2, ("a", "b")),
        (b"a\n\nb", 3, ("a", "", "b")),
        (b"\xef\xbb\xbfa\r\nb \r\n", 2, ("a", "b")),
        (b"a\nb\n\n\n", 2, ("a", "b")),
        (b"a\nb\n\n", 3, ("a", "b", "")),  # the third class has no name
        (b"a\nb\n\n", 0, ("a", "b")),
    ],
)
def test_lists_inside_models_are_split_as_clients_do(content, count, labels):
    assert packed_labels(content, count) == labels


@pytest.mark.parametrize("content", [b"\n" * 3_000_000, b"x" * (LONGEST + 1)])
def test_lists_that_no_model_has_are_refused(content):
    with pytest.raises(ValueError, match="lines|letters"):
        packed_labels(content, 3)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["0 Cat", "1 Dog"], ("Cat", "Dog")),
        (["1 Cat", "2 Dog"], ("Cat", "Dog")),
        (["00 Cat", "01 Dog"], ("Cat", "Dog")),
        (["0: Cat", "1: Dog"], ("Cat", "Dog")),
        (["0:Cat", "1:Dog"], ("Cat", "Dog")),
        (["0,Cat", "1,Dog"], ("Cat", "Dog")),
        (["0. Cat", "1. Dog"], ("Cat", "Dog")),
        (["0 Class 1", "1 Class 2"], ("Class 1", "Class 2")),
        (["0 Cat", "2 Dog"], None),
        (["0 Cat", "Dog"], None),
        (["0", "1"], None),
        (["0.5 mm", "1.5 mm"], None),
        (["2 Cat", "3 Dog"], None),
        (["1 euro", "2 euro"], None),
        (["0 Cat"], None),
        ([], None),
    ],
)
def test_numbers_before_labels(labels, names):
    assert without_numbers(labels) == names


def test_same_names_are_groups_of_places():
    assert same_named(["crane", "red", "crane ", "maillot", "crane", "maillot"]) == (
        (0, 2, 4),
        (3, 5),
    )
    assert same_named(["", ""]) == ()  # classes without a name


@pytest.mark.parametrize(
    ("name", "labels", "classes", "exact"),
    [
        ("red", ["blue", "red"], (1,), True),
        (" red", ["blue", "red "], (1,), True),
        (NFD, ["red", NFC], (1,), True),
        ("crane", ["crane", "red", "crane"], (0, 2), True),
        ("Red", ["red", "blue"], (0,), False),
        ("Red", ["red", "Red", "RED"], (1,), True),
        ("red_white", ["red/white", "blue"], (0,), False),
        ("red-white", ["red/white", "blue"], (0,), False),
        ("red white", ["red/white", "blue"], (0,), False),
        ("red:white", ["red/white", "blue"], (0,), False),
        ("red／white", ["red/white", "blue"], (0,), False),
        ("red∕white", ["red/white", "blue"], (0,), False),
        ("golden_retriever", ["golden retriever", "blue"], (0,), False),
        ("what", ["what?", "blue"], (), False),
        ("cat", ["0 cat", "1 dog"], (0,), True),
        ("1 dog", ["0 cat", "1 dog"], (1,), True),
        ("Dog", ["0 cat", "1 dog"], (1,), False),
        ("green", ["red", "blue"], (), False),
    ],
)
def test_folders_find_their_classes(name, labels, classes, exact):
    (match,) = match_names([name], labels)
    assert (match.classes, match.exact) == (classes, exact)


def test_a_name_near_two_labels_is_none_of_them():
    (match,) = match_names(["red_white"], ["red/white", "red-white", "blue"])
    assert (match.classes, match.likely) == ((), ("red/white", "red-white"))


def test_other_names_of_the_classes():
    labels, english = ["/m/a", "/m/b", "/m/c"], ["red", "blue", "red"]
    names = ["/m/b", "_m_c", "red", "blue"]
    found = [match.classes for match in match_names(names, labels, [english])]
    assert found == [(1,), (2,), (0, 2), (1,)]


def test_groups_that_share_a_class_are_one():
    assert joined_classes([(1, 4), (2, 3), (4, 7)]) == ((1, 4, 7), (2, 3))
    assert joined_classes([]) == ()
