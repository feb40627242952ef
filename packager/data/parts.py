"""The part of a split that a folder's name means."""

from __future__ import annotations

import re
import unicodedata

PARTS = ("train", "validation", "test")
HELD_OUT = "held out"  # test, or validation where there is another test

# As people name them: short and long forms, and the words of other languages.
_WORDS = {
    "train": """train training trn tr learn learning entrenamiento entreno entrainement
        apprentissage addestramento allenamento treino treinamento training trainieren lernen
        opleiding träning træning trening treningowy treningowe uczący uczenie trénink trénovací
        koulutus opetus eğitim antrenament képzés обучение обучающая обучающие тренировка
        тренировочная тренировочные навчання εκπαίδευση تدريب التدريب אימון प्रशिक्षण 训练 訓練 学習
        トレーニング 훈련 학습 latih latihan pelatihan huấnluyện""",
    "validation": """validation validate validating valid val vali vld dev devel development
        validación validação validazione validierung validatie validering validointi walidacja
        walidacyjny walidacyjne validare validasi validace doğrulama валидация валидационная
        проверка проверочная التحقق אימות 验证 驗證 検証 バリデーション 검증""",
    "test": """test testing tst prueba teste essai prova toets testowy testowe testovací sınama
        uji pengujian тест тестовая тестовые тестирование اختبار الاختبار בדיקה परीक्षण 测试 測試
        テスト 試験 테스트 시험 kiểmtra""",
    HELD_OUT: """eval evaluation evaluate evaluating holdout heldout unseen evaluación avaliação
        valutazione évaluation évaluer auswertung оценка 评估 評価 평가""",
}
_FILLERS = """set data dataset split image img imgs photo picture pic folder dir part subset sample
    example file daten datensatz satz menge bilder foto conjunto jeu ensemble donnees dati dados
    datos imagenes de des d do da di of the for 集 数据 数据集 資料 データ セット データセット
    데이터 세트 выборка данные"""


def _plain(text: str) -> str:
    """Removes case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def _with_plurals(words: str) -> list[str]:
    return [form for word in _plain(words).split() for form in (word, word + "s")]


_PART = {word: part for part, words in _WORDS.items() for word in _with_plurals(words)}
_FILLER = frozenset(_with_plurals(_FILLERS))


def part_of(name: str) -> tuple[str, str] | None:
    """The part that a folder's name stands for, and what else the name says.

    "Training Set", "train_data" and "entrenamiento" are ("train", ""), "cats-test" is ("test",
    "cats"). The part is one of `PARTS` or `HELD_OUT`; None: the name says none, or several.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # trainSet
    words = [w for w in re.findall(r"[^\W\d_]+", _plain(spaced)) if w not in _FILLER]
    whole = _part_of_word("".join(words))
    if whole:
        return whole, ""
    parts = [(part, word) for word in words if (part := _part_of_word(word))]
    if len(parts) != 1:
        return None
    return parts[0][0], " ".join(word for word in words if word != parts[0][1])


def _part_of_word(word: str) -> str | None:
    if word in _PART:
        return _PART[word]
    for end in range(len(word) - 1, 0, -1):  # "trainset", "Testdaten"
        if word[end:] in _FILLER and word[:end] in _PART:
            return _PART[word[:end]]
    return None
