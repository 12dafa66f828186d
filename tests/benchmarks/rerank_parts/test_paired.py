"""Marks of single queries, and what a gain over them says; the statistics themselves are evaluation's."""

import numpy as np
import pytest

from benchmarks.exam import Exam, Found
from benchmarks.index_parts.hybrid import ranked_score
from benchmarks.rerank_parts.paired import gain_measures, marks_by_query, measures
from training.ragged import Ragged


def test_a_gain_has_its_interval_and_its_p() -> None:
    found = gain_measures(np.array([0.25, 0.25, 0.25, 0.25, 0.25, 0.5]))
    assert found["p"] == pytest.approx(2 / 2**6)
    assert 0.25 <= found["gain low"] <= found["gain"] <= found["gain high"] <= 0.5


def test_without_an_interval_there_is_only_the_mean() -> None:
    assert measures(np.full(4, 0.5), "ndcg@10") == {"ndcg@10": 0.5}


def test_marks_of_single_queries_average_to_the_marks_of_all() -> None:
    exam = Exam(np.arange(3), np.arange(30), Ragged(np.array([0, 1, 2, 3]), np.array([4, 2, 9])), [Found((10,))])
    sheet = exam.sit(ranked_score(np.array([[4, 2], [3, 2], [1, 0]]), 30))
    marks = marks_by_query(sheet, "ndcg@10")
    assert marks[:2].tolist() == pytest.approx([1, 1 / np.log2(3)])
    assert marks.mean() == pytest.approx(sheet.marks()["ndcg@10"])
