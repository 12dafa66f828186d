import numpy as np

from benchmarks.exam import Exam, Found
from benchmarks.index_parts.hybrid import ranked_score
from training.ragged import Ragged


def test_a_ranking_is_marked_by_its_order() -> None:
    """Query 0 finds its document at rank 2 of 3; query 1 does not find its own among its one hit."""
    rows_QR = np.array([[4, 2, 0], [3, -1, -1]])
    exam = Exam(np.arange(2), np.arange(5), Ragged(np.array([0, 1, 2]), np.array([2, 1])), [Found((1, 2, 10))])
    marks = exam.sit(ranked_score(rows_QR, 5)).marks()
    assert (marks["recall@1"], marks["recall@2"]) == (0, 0.5)
    # Four documents are not ranked for query 1, ranks 2 to 5; a tied one counts as in their middle.
    assert marks["recall@10"] == 1
    assert marks["mrr@10"] == (1 / 2 + 1 / 3.5) / 2
