from __future__ import annotations

import numpy as np

from packager.audit.outliers import unlike_their_class


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_strange_photos_are_found_the_farthest_first() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 40)
    vectors = random.normal(0, 0.3, (80, 20))
    vectors[:, 0] += 2
    vectors[labels == 1, 1] += 2
    vectors[7] = -vectors[7]
    vectors[50] = random.normal(0, 1, 20)
    found = unlike_their_class(unit(vectors), labels)
    assert [number for number, _ in found] == [7, 50]
    assert found[0][1] < found[1][1]


def test_few_or_equal_photos_are_never_strange() -> None:
    random = np.random.default_rng(0)
    assert unlike_their_class(unit(random.normal(size=(9, 4))), np.zeros(9, int)) == []
    assert unlike_their_class(np.ones((20, 1)), np.zeros(20, int)) == []
