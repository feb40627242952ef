from __future__ import annotations

from packager.report.answers import changed_answers, class_rows, confused_pairs, worst_mistakes

LABELS = ["a", "b", "c", "d"]


def view(predictions: list[int], confidences: list[float], true: list[float]) -> dict[str, object]:
    return {"predictions": predictions, "confidences": confidences, "true_scores": true}


ACCURACY = {
    "photos": {
        "float32": {"w": 0, "x": 0, "y": 1, "gone": 1},
        "exported": {"w": 0, "x": 0, "y": 1},
    },
    "float32": {
        "stretch": view([0, 0, 0, 1], [0.9, 0.8, 0.6, 0.9], [0.9, 0.8, 0.4, 0.9]),
        "crop": view([0, 0, 1, 1], [0.9, 0.8, 0.6, 0.9], [0.9, 0.8, 0.6, 0.9]),
    },
    "exported": {
        "stretch": view([0, 1, 0], [0.9, 0.7, 0.6], [0.9, 0.3, 0.4]),
        "crop": view([0, 0, 0], [0.9, 0.99, 0.8], [0.9, 0.99, 0.2]),
    },
}


def test_surest_mistake_comes_first_whatever_the_right_views_say() -> None:
    first, second = worst_mistakes(ACCURACY, "exported", LABELS)
    assert (first.photo, first.truth) == ("y", "b")
    assert [(a.label, a.confidence, a.true_score) for a in first.answers] == [
        ("a", 0.6, 0.4),
        ("a", 0.8, 0.2),
    ]
    assert second.photo == "x"
    assert [answer.right for answer in second.answers] == [False, True]
    assert [each.photo for each in worst_mistakes(ACCURACY, "float32", LABELS)] == ["y"]


def test_changes_are_of_photos_that_both_models_saw() -> None:
    x, y = changed_answers(ACCURACY, LABELS)
    assert [(b.view, b.label, a.label) for b, a in x.answers] == [("stretch", "a", "b")]
    assert [(b.view, b.label, a.label) for b, a in y.answers] == [("crop", "b", "a")]


def test_most_frequent_confusions() -> None:
    confusion = [[0, 0, 9], [0, 1, 1], [0, 2, 3], [1, 1, 9], [2, 0, 2], [2, 2, 9]]
    assert confused_pairs(confusion, ["a", "b", "c"], 2) == [("a", "c", 3), ("c", "a", 2)]


def test_rows_by_class() -> None:
    def line(
        index: int, precision: float | None, recall: float | None, photos: int
    ) -> dict[str, object]:
        return {
            "index": index, "label": LABELS[index], "precision": precision, "recall": recall,
            "photos": photos,
        }  # fmt: skip

    views = {
        "stretch": {"per_class": [line(0, 1.0, 1.0, 2), line(2, None, 0.0, 1)]},
        "crop": {"per_class": [line(0, 1.0, 0.5, 2), line(1, 0.0, None, 0), line(2, 1.0, 1.0, 1)]},
    }
    every = class_rows(views, LABELS, worst_first=False)
    assert [row.label for row in every] == LABELS
    assert every[1].views[0].recall is every[1].views[0].precision is None
    assert every[0].views[1].recall == 0.5
    worst = class_rows(views, LABELS, worst_first=True)
    assert [row.label for row in worst] == ["c", "a", "b"]
