"""Every pair is judged once, until the judge changes.

Letters: P pairs.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from training.candidates import PairScores
from training.mining.candidate_state import scores_of, scores_state
from training.ragged import FloatArray, IntArray

Judge = Callable[[IntArray, IntArray], FloatArray]


class JudgeCache:
    """The scores given so far, by pair; `asked` counts the pairs that a judge was asked for."""

    def __init__(self, n_items: int) -> None:
        self._n_items = n_items
        self.asked = 0
        self.forget()

    def forget(self) -> None:
        """Drop all scores."""
        nothing = np.empty(0, dtype=np.int64)
        self.scores = PairScores.of(nothing, nothing, nothing.astype(np.float32), self._n_items)

    def lookup(self, query_P: IntArray, item_P: IntArray) -> FloatArray:
        """The scores at hand, NaN elsewhere; nobody is asked."""
        return self.scores.lookup(query_P, item_P)

    def ask(self, judge: Judge, query_P: IntArray, item_P: IntArray) -> FloatArray:
        """The scores of all pairs; the judge is asked, once a pair, for those that are not at hand."""
        unknown_P = np.isnan(self.lookup(query_P, item_P))
        key_U = np.unique(query_P[unknown_P] * self._n_items + item_P[unknown_P])
        if len(key_U):
            query_U, item_U = key_U // self._n_items, key_U % self._n_items
            score_U = judge(query_U, item_U)
            self.asked += len(key_U)
            known_U = ~np.isnan(score_U)
            old = self.scores
            self.scores = PairScores.of(
                np.append(old.key_P // self._n_items, query_U[known_U]),
                np.append(old.key_P % self._n_items, item_U[known_U]),
                np.append(old.score_P, score_U[known_U]),
                self._n_items,
            )
        return self.lookup(query_P, item_P)

    def state(self) -> dict[str, Any]:
        """The scores, for a checkpoint."""
        return {"scores": scores_state(self.scores), "asked": self.asked}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the scores of a checkpoint."""
        self.scores = scores_of(state["scores"]) or self.scores
        self.asked = state["asked"]
