"""What a gain is worth: by hand for few queries, and as the sign test has it where all gains are alike."""

import numpy as np
import pytest

from benchmarks.exam import Exam, Found
from benchmarks.index_parts.hybrid import ranked_score
from benchmarks.rerank_parts.paired import interval, marks_by_query, randomisation_p
from training.ragged import Ragged


def test_equal_gains_are_as_likely_as_a_coin_that_falls_alike() -> None:
    assert randomisation_p(np.full(6, 0.25)) == pytest.approx(2 / 2**6)
    assert randomisation_p(np.array([0.5, -0.5, 0.5, -0.5])) == pytest.approx(1.0)
    assert randomisation_p(np.zeros(5)) == 1.0


def test_an_interval_holds_its_mean_and_narrows_with_queries() -> None:
    few, many = (interval(np.tile([0.0, 1.0], n)) for n in (10, 1000))
    assert few.mean == many.mean == 0.5
    assert few.low < many.low < 0.5 < many.high < few.high
    assert many.high - many.low == pytest.approx(2 * 1.96 * 0.5 / 2000**0.5, rel=0.1)


def test_marks_of_single_queries_average_to_the_marks_of_all() -> None:
    exam = Exam(np.arange(3), np.arange(30), Ragged(np.array([0, 1, 2, 3]), np.array([4, 2, 9])), [Found((10,))])
    sheet = exam.sit(ranked_score(np.array([[4, 2], [3, 2], [1, 0]]), 30))
    marks = marks_by_query(sheet, "ndcg@10")
    assert marks[:2].tolist() == pytest.approx([1, 1 / np.log2(3)])
    assert marks.mean() == pytest.approx(sheet.marks()["ndcg@10"])
