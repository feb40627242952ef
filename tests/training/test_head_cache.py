from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.data.folder import Photo
from packager.specs import get_spec
from packager.training.extraction import Extraction
from packager.training.features import FeatureStore
from packager.training.fitted_head import FittedHead
from packager.training.frozen import FrozenFeatures
from packager.training.head_cache import cached_head
from packager.training.settings import HeadSettings, UnknownSettings
from tests.conftest import Heard

SETTINGS = HeadSettings(epochs=3)
UNKNOWN = UnknownSettings(enabled=True)


@pytest.fixture
def frozen(cache: Path) -> FrozenFeatures:
    random = np.random.default_rng(0)
    store = FeatureStore(replace(get_spec("lite0"), feature_size=6), "a" * 64)
    photos = [Photo(Path(f"{n}.jpg"), n % 3, f"{n:064x}") for n in range(60)]
    for photo in photos:
        store.write(photo.sha256, random.normal(np.eye(3, 6)[photo.label], 0.3, (2, 6)))
    parts = (tuple(photos[:42]), tuple(photos[42:51]), tuple(photos[51:]))
    return FrozenFeatures(parts, Extraction(60, 0, 0, ()), store)


def head(frozen: FrozenFeatures, **changed: Any) -> tuple[FittedHead, bool]:
    """The head, and whether it was trained, and not read."""
    given: dict[str, Any] = {"settings": SETTINGS, "unknown": UNKNOWN, "groups": {}, **changed}
    heard = Heard()
    return cached_head(frozen, 3, progress=heard, **given), heard.total == SETTINGS.epochs


def demand_same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif hasattr(one, "__dataclass_fields__"):
        for name in one.__dataclass_fields__:
            demand_same(getattr(one, name), getattr(other, name))
    else:
        assert one == other


@pytest.mark.parametrize(
    ("settings", "unknown"),
    [
        (SETTINGS, UNKNOWN),
        (SETTINGS, UnknownSettings()),
        (replace(SETTINGS, cross_validate=False), UNKNOWN),
    ],
)
def test_head_that_is_read_is_the_one_that_was_trained(
    frozen: FrozenFeatures, settings: HeadSettings, unknown: UnknownSettings
) -> None:
    trained, again = (head(frozen, settings=settings, unknown=unknown) for _ in range(2))
    assert (trained[1], again[1]) == (True, False)
    demand_same(trained[0], again[0])
    again[0].head.kernel[0, 0] = 1  # an array of its own


def test_photos_that_moved_are_told_where_they_are(frozen: FrozenFeatures) -> None:
    head(frozen)
    moved = tuple(
        tuple(replace(photo, path=Path("moved", photo.path)) for photo in part)
        for part in frozen.parts
    )
    known, trained = head(replace(frozen, parts=moved))
    assert not trained
    assert known.out_of_fold is not None
    assert known.out_of_fold.photos == (*moved[0], *moved[1], *moved[2])


def other_class(frozen: FrozenFeatures) -> FrozenFeatures:
    first, *others = frozen.parts[0]
    return replace(frozen, parts=((replace(first, label=1), *others), *frozen.parts[1:]))


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"settings": replace(SETTINGS, dropout=0.1)}, None),
        ({"unknown": UnknownSettings()}, None),
        ({"groups": {f"{n:064x}": "one" for n in range(2)}}, None),
        ({"seed": 1}, None),
        ({}, other_class),
        ({}, lambda frozen: replace(frozen, parts=(frozen.parts[0][1:], *frozen.parts[1:]))),
    ],
)
def test_what_a_head_depends_on_makes_another(
    frozen: FrozenFeatures,
    changed: dict[str, Any],
    parts: Callable[[FrozenFeatures], FrozenFeatures] | None,
) -> None:
    head(frozen)
    assert head(frozen if parts is None else parts(frozen), **changed)[1]
    assert not head(frozen)[1]


def test_damaged_entry_is_made_anew(frozen: FrozenFeatures, cache: Path) -> None:
    first, _ = head(frozen)
    (entry,) = (cache / "heads").iterdir()
    entry.write_bytes(entry.read_bytes()[:-1])
    second, trained = head(frozen)
    assert trained
    demand_same(first, second)
    assert not head(frozen)[1]
