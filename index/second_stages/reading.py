"""Second stages in which a reranker reads: the same for what it scores alone and for what it has a part in.

B queries, C candidates of one query, S scored.
"""

import logging
from typing import Protocol

import numpy as np

from index.errors import RerankerFailed
from index.ranking import FloatArray, Queries, Ranking
from index.second_stages.contract import Degraded, Ordered, Report, RerankerConfig, Runtime
from index.second_stages.found import Found, candidates, in_order, ordered
from index.second_stages.paced import Scored

logger = logging.getLogger(__name__)


class Scorer(Protocol):
    """Gives the scores that candidates are ordered by."""

    def scores(self, found: Found) -> Scored:
        """Scores of candidates from the first on; raises InvalidRecord or RerankerFailed."""


class ReadingStage:
    """Implements SecondStage over a scorer that may fail or run out of time.

    What was scored comes first, by its scores; what was not keeps the order and scores of the first stage behind it. A
    query that the scorer fails on keeps the first stage's order as a whole. The queries of a call share the budget:
    each may use its part of the time that those before it left.
    """

    def __init__(self, scorer: Scorer, config: RerankerConfig, runtime: Runtime) -> None:
        self._scorer = scorer
        self._budget_s = None if config.budget_ms is None else config.budget_ms / 1000
        self._is_error = (config.on_failure or runtime.on_failure) == "error"
        self._clock = runtime.clock

    def order(self, queries: Queries, found: Ranking, k: int) -> Ordered:
        """As `SecondStage.order`; raises InvalidRecord, or RerankerFailed where a failure is to be an error."""
        ends = None if self._budget_s is None else self._clock() + self._budget_s
        best, reports = [], []
        for b in range(len(queries)):
            until = None if ends is None else self._share(ends, len(queries) - b)
            one = candidates(queries, found, b, k, until)
            score_S, degraded = self._scores(one)
            best.append(in_order(one, score_S))
            reports.append(Report(len(score_S), degraded))
        return ordered(best, k, found, reports)

    def _share(self, ends: float, n_waiting: int) -> float:
        now = self._clock()
        return now + (ends - now) / n_waiting

    def _scores(self, one: Found) -> tuple[FloatArray, Degraded | None]:
        try:
            scored = self._scorer.scores(one)
            if not scored.is_out_of_time:
                return scored.score_S, None
            n_scored, n_found = len(scored.score_S), len(one.row_C)
            detail = f"{n_scored} of {n_found} candidates were scored within budget_ms; raise it, or lower depth"
            if self._is_error:
                raise RerankerFailed(detail, reason="out_of_time")
            return scored.score_S, Degraded("out_of_time", detail)
        except RerankerFailed as error:
            if self._is_error:
                raise
            logger.exception("reranker failed")
            detail = f"{error.message}; hits have the order and scores of the first stage"
            return np.empty(0, dtype=np.float32), Degraded(error.context["reason"], detail)  # type: ignore[arg-type]
