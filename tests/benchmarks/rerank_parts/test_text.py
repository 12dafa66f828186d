"""How two scores of the same hits are joined, and how their weight is chosen."""

import numpy as np

from benchmarks.exam import Exam
from benchmarks.exam import Found as Finds
from benchmarks.rerank_parts.first_stages import Found
from benchmarks.rerank_parts.text import chosen_weight, reordered
from training.ragged import Ragged

FOUND = Found(np.array([[7, 3, 5], [8, 9, -1]]), np.array([[3, 2, 1], [1, 0.5, -np.inf]], dtype=np.float32))
READ = np.array([[0, 5, 100], [2, 2, -np.inf]], dtype=np.float32)


def test_a_weight_goes_from_the_first_stage_to_the_reranker() -> None:
    assert reordered(FOUND, READ, 0.0).tolist() == FOUND.place_QR.tolist()
    assert reordered(FOUND, READ, 1.0).tolist() == [[5, 3, 7], [8, 9, -1]]  # equal scores stay as they were found


def test_scales_do_not_matter() -> None:
    larger = Found(FOUND.place_QR, FOUND.score_QR * 1000)
    for weight in (0.3, 0.6):
        assert reordered(larger, READ / np.float32(7), weight).tolist() == reordered(FOUND, READ, weight).tolist()


def test_the_smallest_of_the_best_weights_is_chosen() -> None:
    """With place 7 wanted the first stage is right; with 5 the reranker is, once it weighs enough."""
    for wanted, best in ((7, 0.0), (5, 0.5)):
        exam = Exam(np.arange(2), np.arange(30), Ragged(np.array([0, 1, 2]), np.array([wanted, 8])), [Finds((10,))])
        weight = chosen_weight(exam, FOUND, READ)
        assert best <= weight <= best + 0.1
        assert reordered(FOUND, READ, weight)[0, 0] == wanted
