import numpy as np

from index.refine import ROWS_AT_A_TIME, refine

VECTORS_ND = np.array([[0, 1], [1, 0], [2, 0], [0, 3], [1, 0]], dtype=np.float32)


def test_the_best_candidates_come_first_with_their_inner_products_and_equal_ones_in_row_order() -> None:
    query_BD = np.array([[1, 0], [0, 1]], dtype=np.float32)
    scores_BK, rows_BK = refine(query_BD, np.array([[4, 2, 0, 1], [1, 3, 0, 4]]), VECTORS_ND, 3)
    assert rows_BK.tolist() == [[2, 1, 4], [3, 0, 1]]
    assert scores_BK.tolist() == [[2, 1, 1], [3, 1, 0]]


def test_padding_comes_last_even_behind_negative_scores() -> None:
    scores_BK, rows_BK = refine(-np.ones((1, 2), dtype=np.float32), np.array([[3, -1, -1, 2]]), VECTORS_ND, 3)
    assert rows_BK.tolist() == [[2, 3, -1]]
    assert scores_BK.tolist() == [[-2, -3, -np.inf]]


def test_candidates_beyond_one_portion_are_scored_too() -> None:
    count = 2 * ROWS_AT_A_TIME + 5
    vectors_ND = np.arange(count, dtype=np.float32)[:, None]
    _, rows_BK = refine(np.ones((1, 1), dtype=np.float32), np.arange(count)[None], vectors_ND, 2)
    assert rows_BK.tolist() == [[count - 1, count - 2]]


def test_no_queries_give_no_hits() -> None:
    scores_BK, rows_BK = refine(np.empty((0, 2), dtype=np.float32), np.empty((0, 4), dtype=np.int64), VECTORS_ND, 3)
    assert scores_BK.shape == rows_BK.shape == (0, 3)
