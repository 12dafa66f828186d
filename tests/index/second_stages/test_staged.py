"""Two stages in a row."""

import numpy as np

from index.ranking import Queries, Ranking
from index.second_stages.contract import Ordered, Report
from index.second_stages.staged import Staged
from tests.index.second_stages.timed import found


class Backwards:
    """Implements SecondStage: the last candidate first."""

    def order(self, queries: Queries, found: Ranking, k: int) -> Ordered:
        """The k last, last first."""
        reports = [Report(found.rows_BR.shape[1])] * len(queries)
        return Ordered(Ranking(found.scores_BR[:, ::-1][:, :k], found.rows_BR[:, ::-1][:, :k], found.total_B), reports)


class Counting:
    """Implements Ranker: rows 0, 1, 2 and so on."""

    def __init__(self) -> None:
        self.depths: list[int] = []

    def rank(self, queries: Queries, depth: int) -> Ranking:
        """As many rows as are asked for."""
        self.depths.append(depth)
        return found(range(depth))


def test_the_second_stage_orders_as_many_candidates_as_it_was_given() -> None:
    first, query, marks = Counting(), Queries(np.zeros((1, 2), dtype=np.float32)), list[int]()
    staged = Staged(first, Backwards(), 5)
    ordered = staged.ordered(query, 2, lambda: marks.append(first.depths[-1]))
    assert ordered.ranking.rows_BR.tolist() == [[4, 3]]
    assert ordered.reports == [Report(5)]
    assert marks == [5]
    assert staged.rank(query, 7).rows_BR.tolist() == [[6, 5, 4, 3, 2, 1, 0]]
