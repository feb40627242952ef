from __future__ import annotations

import pytest

from packager.data.parts import HELD_OUT, part_of


@pytest.mark.parametrize(
    ("names", "part"),
    [
        (
            "train Training TRAIN train_set trainSet train-data training_images trn train2017",
            "train",
        ),
        ("entrenamiento Entraînement apprentissage Trainingsdaten treino обучение 训练集", "train"),
        (
            "val valid Valid validate validation dev dev_set Validierung validación 验证",
            "validation",
        ),
        ("test Tests testing test-data Testdaten pruebas 测试集 テスト 테스트 1_test", "test"),
        ("eval Evaluation holdout hold-out held_out", HELD_OUT),
    ],
)
def test_names_that_people_give_to_parts(names: str, part: str) -> None:
    for name in names.split():
        assert part_of(name) == (part, ""), name


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Training Set", ("train", "")),
        ("jeu d'apprentissage", ("train", "")),
        ("conjunto de prueba", ("test", "")),
        ("seg_train", ("train", "seg")),
        ("cats-test", ("test", "cats")),
    ],
)
def test_names_of_several_words(name: str, found: tuple[str, str]) -> None:
    assert part_of(name) == found


@pytest.mark.parametrize(
    "name", ["cat", "station", "valley", "trainer", "detest", "train_test", "set", "data", "", "1"]
)
def test_other_names_stand_for_no_part(name: str) -> None:
    assert part_of(name) is None
