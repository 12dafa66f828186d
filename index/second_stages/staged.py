"""A first and a second stage as one ranker."""

from collections.abc import Callable

from index.ranking import Queries, Ranker, Ranking
from index.second_stages.contract import Ordered, SecondStage


class Staged:
    """Implements Ranker: the best rows of another in the order of a second stage. Rows beyond them are never seen."""

    def __init__(self, first: Ranker, second: SecondStage, n_candidates: int) -> None:
        """`n_candidates`: rows that the second stage gets where fewer are asked for."""
        self._first = first
        self._second = second
        self._n_candidates = n_candidates

    def ordered(self, queries: Queries, depth: int, on_found: Callable[[], None] = lambda: None) -> Ordered:
        """The `depth` best rows of each query and what became of them; `on_found` is called between the stages.

        Raises what the stages raise.
        """
        found = self._first.rank(queries, max(depth, self._n_candidates))
        on_found()
        return self._second.order(queries, found, depth)

    def rank(self, queries: Queries, depth: int) -> Ranking:
        """As `Ranker.rank`, but where the second stage did not score all, scores of the first follow its own."""
        return self.ordered(queries, depth).ranking
