"""Cross-encoder search as a ranker: the best rows that a budget of calls finds, ordered by the cross-encoder.

B queries, P pool of a query, K hits.
"""

import numpy as np

from index.cur.kinds import CurSearch
from index.cur.paid_scores import IntArray, PaidScores
from index.ranking import FloatArray, Queries, Ranker, Ranking
from index.reranked import ItemReranker, asked_records, padded


class CrossEncoderSearch:
    """Implements Ranker over the rows that another, dense ranker ranks: what that may not return, this does not either.

    All scores are the cross-encoder's own. A ranking deeper than the budget costs a call a row.
    """

    def __init__(self, dense: Ranker, items: ItemReranker, search: CurSearch, n_items: int, budget: int) -> None:
        """`budget`: calls of the cross-encoder a query, at least `search.least_budget`."""
        self._dense = dense
        self._items = items
        self._search = search
        self._n_items = n_items
        self._budget = budget

    def rank(self, queries: Queries, depth: int) -> Ranking:
        """As `Ranker.rank`; raises what the dense ranker raises, and InvalidRecord."""
        records = asked_records(queries)
        most = max(depth, self._budget, self._search.pool(self._n_items))
        pool = self._dense.rank(queries, most)
        best = []
        for b, record in enumerate(records):
            dense_P, rows_P = pool.of(b, most)
            outside = np.setdiff1d(self._search.anchor_rows, rows_P)
            paid = PaidScores(
                lambda rows_M, record=record: self._items.score(record, rows_M),  # type: ignore[misc]
                max(self._budget, min(depth, len(rows_P)) + len(outside)),
            )
            self._search.spend(rows_P, dense_P, paid)
            best.append(_allowed(*paid.best(paid.calls), outside, depth))
        return padded(best, depth, pool.total_B)


def _allowed(scores_A: FloatArray, rows_A: IntArray, outside: IntArray, depth: int) -> tuple[FloatArray, IntArray]:
    """The first `depth` rows that are not `outside` of what may be a hit."""
    keep_A = ~np.isin(rows_A, outside)
    return scores_A[keep_A][:depth], rows_A[keep_A][:depth]
