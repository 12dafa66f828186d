import numpy as np
import pytest

from bundle.semantic_id import SemanticIdSpace
from index.collisions import measure_collisions


def test_the_measures_of_a_small_corpus_by_hand() -> None:
    codes_NL = np.array([[0, 0], [0, 0], [0, 1], [1, 0]], dtype=np.int64)
    report = measure_collisions(codes_NL, SemanticIdSpace((2, 2)))
    assert (report.n_codes, report.largest_group) == (3, 2)
    assert report.dup_excess == pytest.approx(1 / 4)
    assert report.dup_share == pytest.approx(2 / 4)
    assert report.perplexity == pytest.approx((1.7548, 1.7548))  # exp of the entropy of (3/4, 1/4)


def test_full_collapse_and_no_collision_are_the_two_ends() -> None:
    space = SemanticIdSpace((4,))
    collapsed = measure_collisions(np.zeros((5, 1), dtype=np.int64), space)
    assert (collapsed.dup_excess, collapsed.dup_share, collapsed.perplexity) == (0.8, 1.0, (1.0,))
    distinct = measure_collisions(np.arange(4, dtype=np.int64)[:, None], space)
    assert (distinct.dup_excess, distinct.dup_share, distinct.perplexity) == (0.0, 0.0, (4.0,))
