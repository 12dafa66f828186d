"""What every ranker owes its users, whatever it ranks by."""

import numpy as np

from index.ranking import Queries, Ranker


class RankerContract:
    """Subclass with fixtures `ranker`, `queries` (two or more, with own rows) and `n_items`."""

    def test_rows_come_best_first_and_once(self, ranker: Ranker, queries: Queries, n_items: int) -> None:
        ranking = ranker.rank(queries, n_items)
        for b in range(len(queries)):
            score_K, row_K = ranking.of(b, n_items)
            assert len(row_K) == ranking.total_B[b]
            assert len(set(row_K.tolist())) == len(row_K)
            assert set(row_K.tolist()) <= set(range(n_items))
            assert np.isfinite(score_K).all()
            assert (np.diff(score_K) <= 0).all()

    def test_no_query_finds_itself(self, ranker: Ranker, queries: Queries, n_items: int) -> None:
        assert queries.own_rows_B is not None
        ranking = ranker.rank(queries, n_items)
        for b, own in enumerate(queries.own_rows_B.tolist()):
            assert own not in ranking.of(b, n_items)[1].tolist()

    def test_a_shallow_ranking_is_full(self, ranker: Ranker, queries: Queries, n_items: int) -> None:
        for depth in (1, 3, n_items):
            ranking = ranker.rank(queries, depth)
            assert ranking.rows_BR.shape == ranking.scores_BR.shape
            for b in range(len(queries)):
                assert (ranking.of(b, depth)[1] >= 0).all()
                assert len(ranking.of(b, depth)[1]) == min(depth, ranking.total_B[b])

    def test_the_answer_to_a_query_does_not_depend_on_its_batch(
        self, ranker: Ranker, queries: Queries, n_items: int
    ) -> None:
        together = ranker.rank(queries, 5)
        for b in range(len(queries)):
            alone = ranker.rank(queries.at([b]), 5)
            np.testing.assert_allclose(alone.of(0, 5)[0], together.of(b, 5)[0], rtol=1e-5, atol=1e-6)
            assert alone.total_B[0] == together.total_B[b]
