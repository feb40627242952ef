from __future__ import annotations

import numpy as np
import pytest

from packager.audit.wrong_labels import suspicious_labels


def test_photos_that_look_like_another_class_are_named_the_surest_first() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, 400)
    given = truth.copy()
    wrong = random.choice(400, 20, replace=False)
    given[wrong] = (truth[wrong] + random.integers(1, 4, 20)) % 4
    logits = random.normal(0, 1, (400, 4))
    logits[np.arange(400), truth] += 4
    scores = np.exp(logits)
    found = suspicious_labels(scores / scores.sum(1, keepdims=True), given)
    assert {each.photo for each in found[:15]} <= set(wrong)
    assert len({each.photo for each in found[:40]} & set(wrong)) >= 18
    sure = [each for each in found if each.confident]
    assert found[: len(sure)] == sure
    assert len({each.photo for each in sure} & set(wrong)) >= 12
    assert all(given[each.photo] != each.suggested for each in found)


def test_by_hand() -> None:
    # Means of the own: 0.8 and 0.5. The third photo reaches the second class's, not its own's.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.45, 0.55]])
    labels = [0, 0, 0, 1, 1]
    assert suspicious_labels(probabilities, labels) == []
    probabilities[2] = [0.3, 0.7]
    [found] = suspicious_labels(probabilities, labels)
    assert (found.confident, found.photo, found.suggested) == (True, 2, 1)
    assert (found.own, found.other) == (0.3, 0.7)
    assert found.score == pytest.approx(0.7)
    probabilities[2] = [0.48, 0.52]  # less than the second class's photos get
    [found] = suspicious_labels(probabilities, labels)
    assert (found.confident, found.photo) == (False, 2)


def test_a_class_without_photos_is_never_suggested() -> None:
    probabilities = np.array([[0.3, 0.0, 0.7], [0.0, 0.3, 0.7]])
    assert suspicious_labels(probabilities, [0, 1]) == []
