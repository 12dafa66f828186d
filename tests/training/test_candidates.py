"""Scores of pairs, and drawing some values of each row."""

import numpy as np

from training.candidates import PairScores, draw
from training.ragged import Ragged


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_a_pair_has_its_last_score_and_no_other_pair_has_one() -> None:
    scores = PairScores.of(ints(2, 0, 2), ints(1, 3, 1), np.array([0.5, 0.7, 0.9], dtype=np.float32), 4)
    found = scores.lookup(ints(2, 0, 2, 1, 3), ints(1, 3, 2, 1, 3))
    np.testing.assert_allclose(found, [0.9, 0.7, np.nan, np.nan, np.nan], rtol=1e-6)
    assert np.isnan(PairScores.of(ints(), ints(), np.array([], dtype=np.float32), 4).lookup(ints(0), ints(0))).all()


def test_each_row_gives_up_to_so_many_different_values() -> None:
    rows = Ragged.from_rows([[10, 11, 12, 13], [], [20], [30, 31, 32]])
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        position = draw(rows, 2, rng)
        assert (np.diff(position) > 0).all()
        assert np.bincount(rows.row_index_V[position], minlength=4).tolist() == [2, 0, 1, 2]
        seen |= set(rows.values_V[position].tolist())
    assert seen == set(rows.values_V.tolist())


def test_a_heavier_value_is_drawn_more_often_and_one_without_weight_last() -> None:
    rows = Ragged.from_rows([[0, 1, 2]])
    rng = np.random.default_rng(0)
    weight_V = np.array([3, 1, 0], dtype=np.float32)
    first = [int(draw(rows, 1, rng, weight_V)[0]) for _ in range(2000)]
    assert np.mean(np.array(first) == 0) > 0.7
    assert 2 not in first
    assert draw(rows, 3, rng, weight_V).tolist() == [0, 1, 2]
