import numpy as np
import pytest

from benchmarks.index_parts.clustered import Mixture
from benchmarks.index_parts.filters import SHARES, cases, recall

VECTORS, QUERIES = Mixture(16).draw(20_000, 1), Mixture(16).draw(300, 2)


def test_every_selectivity_is_asked_three_ways_with_as_many_rows_as_it_says() -> None:
    made = {case.name: case for case in cases(VECTORS, QUERIES, 40, seed=0)}
    assert len(made) == 3 * len(SHARES)
    for relation in ("independent", "near", "far"):
        sizes = [int(made[f"{relation}-{name}"].mask_N.sum()) for name in SHARES]
        assert sizes == [10_000, 2_000, 200, 20, 2]
    assert all(len(case.query_QD) == 40 for case in made.values())


def test_near_queries_are_more_like_what_is_allowed_than_far_ones() -> None:
    made = {case.name: case for case in cases(VECTORS, QUERIES, 40, seed=0)}
    likeness = {
        relation: float((made[f"{relation}-1%"].query_QD @ VECTORS[made[f"{relation}-1%"].mask_N].T).mean())
        for relation in ("independent", "near", "far")
    }
    assert likeness["near"] > likeness["independent"] + 0.2 > likeness["far"] + 0.2


def test_recall_counts_the_best_allowed_rows_only() -> None:
    vectors_ND = np.eye(4, dtype=np.float32) * np.array([[4], [3], [2], [1]], dtype=np.float32)
    query_QD = np.ones((1, 4), dtype=np.float32)
    mask_N = np.array([False, True, True, True])
    assert recall([np.array([1, 2, 3])], query_QD, vectors_ND, mask_N) == 1
    assert recall([np.array([0, 1, 2])], query_QD, vectors_ND, mask_N) == pytest.approx(2 / 3)
