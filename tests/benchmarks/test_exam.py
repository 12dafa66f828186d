import pickle

import numpy as np
import pytest

from benchmarks.exam import Exam, Found, FoundByGroup, Graded, Tagged
from tests.training.small_data import ints
from training.ragged import FloatArray, IntArray, Ragged

# Items 1, 3, 4 and 6 are the corpus. Query 0 should find 1 and 4, query 1 should find 6.
SCORES = np.array([[9, 5, 7, 1], [4, 3, 2, 1]], dtype=np.float32)
GRADES = np.array([1, 3, 2], dtype=np.float32)
MEASURES = (
    Found((1,)),
    Graded(GRADES, (4,)),
    Tagged(np.array([1, 5, 2], dtype=np.float32), (2,)),
    FoundByGroup(("often", "rarely", "never"), ints(0, 0, 1), 2),
)
EXAM = Exam(ints(7, 8), ints(1, 3, 4, 6), Ragged.from_rows([[0, 2], [3]]), MEASURES, {"second": ints(1)})


def score(rows: IntArray) -> FloatArray:
    return SCORES[rows]


def test_marks_by_hand() -> None:
    sheet = EXAM.sit(score)
    assert sheet.ranks_V.tolist() == [1, 2, 4]
    marks = sheet.marks()
    assert marks["recall@1"] == pytest.approx((1 / 2 + 0) / 2)
    assert marks["mrr"] == pytest.approx((1 + 1 / 4) / 2)
    first = (1 + 7 / np.log2(3)) / (7 + 1 / np.log2(3))  # gains 2^1 - 1 and 2^3 - 1
    assert marks["graded_ndcg@4"] == pytest.approx((first + 1 / np.log2(5)) / 2)
    assert marks["precision@2"] == pytest.approx((2 / 2 + 0) / 2)
    assert marks["psp@2"] == pytest.approx(6 / 8)
    assert (marks["recall@2 often"], marks["recall@2 rarely"]) == (1, 0)
    assert "recall@2 never" not in marks


def test_parts_and_repeated_queries_are_marked_with_their_own_pairs() -> None:
    sheet = EXAM.sit(score)
    alone = sheet.part_marks()["second"]
    assert alone["mrr"] == pytest.approx(1 / 4)
    assert alone["graded_ndcg@4"] == pytest.approx(1 / np.log2(5))
    assert sheet.marks(ints(1, 1, 0))["mrr"] == pytest.approx((1 / 4 + 1 / 4 + 1) / 3)


def test_bootstrap_intervals_are_those_of_the_binomial_they_resample() -> None:
    n = 100
    exam = Exam(np.arange(n), ints(0, 1), Ragged.from_rows([[0]] * n), [Found((1,))])
    scores = np.array([[1, 0] if row < 30 else [0, 1] for row in range(n)], dtype=np.float32)
    sheet = exam.sit(lambda rows: scores[rows])
    low, high = sheet.intervals()["recall@1"]
    deviation = (0.3 * 0.7 / n) ** 0.5
    assert low == pytest.approx(0.3 - 1.96 * deviation, abs=0.02)
    assert high == pytest.approx(0.3 + 1.96 * deviation, abs=0.02)
    assert sheet.intervals() == sheet.intervals()


def test_an_exam_travels_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(EXAM)).sit(score).marks() == EXAM.sit(score).marks()
