import numpy as np
import pytest

from index.agreement import ROWS_AT_A_TIME, agreement
from tests.contracts.index_kind import clustered, exact


def test_the_exact_hits_agree_in_full_and_each_wrong_one_costs_its_share() -> None:
    vectors_ND, query_BD = clustered(500), clustered(1, seed=3)
    order_N = exact(query_BD, vectors_ND, 500)[0]
    assert agreement(vectors_ND, query_BD[0], order_N[:10], None) == 1
    assert agreement(vectors_ND, query_BD[0], np.concatenate([order_N[:7], order_N[-3:]]), None) == pytest.approx(0.7)


def test_an_equal_score_counts_as_found() -> None:
    vectors_ND = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert agreement(vectors_ND, np.array([1, 0], dtype=np.float32), np.array([1]), None) == 1


def test_the_item_that_asks_is_not_expected_among_its_hits() -> None:
    vectors_ND = clustered(200)
    order_N = exact(vectors_ND[[7]], vectors_ND, 200)[0]
    others = order_N[order_N != 7][:5]
    assert agreement(vectors_ND, vectors_ND[7], others, 7) == 1
    assert agreement(vectors_ND, vectors_ND[7], others, None) == pytest.approx(0.8)


def test_the_best_are_found_across_blocks() -> None:
    vectors_ND = np.zeros((ROWS_AT_A_TIME + 10, 1), dtype=np.float32)
    vectors_ND[[5, ROWS_AT_A_TIME + 5], 0] = 1, 2
    query_D = np.ones(1, dtype=np.float32)
    assert agreement(vectors_ND, query_D, np.array([ROWS_AT_A_TIME + 5, 5]), None) == 1
    assert agreement(vectors_ND, query_D, np.array([5, 6]), None) == 0.5
