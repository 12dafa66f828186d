"""Ranking with the bias that undoes hubs.

B queries, R candidates of a query.
"""

import numpy as np

from index.hubness.bias import HubnessBias
from index.hubness.config import HubnessMethod
from index.ranking import DEEPEST_SEARCH, Queries, Ranker, Ranking

CANDIDATES_FACTOR = 10


class HubCorrected:
    """Adds the bias of a role to the scores of another ranker's best rows and orders them again.

    The bias is no part of the index, so that it can be chosen a request; only candidates can rise by it. A score is
    then the other ranker's plus a bias that is 0 in the mean over all items.
    """

    def __init__(self, inner: Ranker, bias: HubnessBias, method: HubnessMethod) -> None:
        self._inner = inner
        self._bias = bias
        self._method = method

    def rank(self, queries: Queries, depth: int) -> Ranking:
        """As `Ranker.rank`; raises what the inner ranker raises."""
        wanted = min(
            max(self._bias.n_candidates, CANDIDATES_FACTOR * depth), DEEPEST_SEARCH - 1
        )  # one more for the own row
        found = self._inner.rank(queries, max(depth, wanted))
        scores_BR = found.scores_BR + self._bias.of(self._method, np.maximum(found.rows_BR, 0))
        return found.ordered_by(scores_BR, depth)
