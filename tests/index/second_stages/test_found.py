"""Candidates of one query in another order."""

import numpy as np

from index.ranking import Queries
from index.second_stages.contract import Report
from index.second_stages.found import Found, candidates, in_order, ordered
from tests.index.second_stages.timed import found

QUERY = Queries(records=[{"text": "0"}])


def of(rows: list[int], k: int) -> Found:
    return candidates(QUERY, found(rows), 0, k)


def test_what_was_scored_leads_and_the_rest_follows_as_found() -> None:
    scores, rows = in_order(of([5, 9, 2, 7, 1], 4), np.array([1, 3, 3], dtype=np.float32))
    assert rows.tolist() == [9, 2, 5, 7]  # equal ones as found
    np.testing.assert_allclose(scores, [3, 3, 1, 1 / 4])
    assert in_order(of([5, 9, 2], 2), np.empty(0, dtype=np.float32))[1].tolist() == [5, 9]


def test_candidates_are_those_of_one_query_without_padding() -> None:
    queries = Queries(np.eye(2, dtype=np.float32), [{"text": "a"}, {"text": "b"}])
    one = candidates(queries, found([3, 4, 5], [6, 7, -1], total=2), 1, 2, until=3.5)
    assert one.row_C.tolist() == [6, 7] and (one.k, one.until) == (2, 3.5)
    assert one.query.records == [{"text": "b"}] and len(one.query) == 1


def test_rankings_are_padded_to_the_longest() -> None:
    best = [(np.array([2, 1], dtype=np.float32), np.array([8, 9])), (np.array([5], dtype=np.float32), np.array([3]))]
    result = ordered(best, 4, found([8, 9], [3, -1], total=1), [Report(2), Report(1)])
    assert result.ranking.rows_BR.tolist() == [[8, 9], [3, -1]]
    assert result.ranking.scores_BR[1, 1] == -np.inf and result.reports == [Report(2), Report(1)]
