"""Mined candidates with a teacher: mine, let the teacher learn, judge, cut, keep, hand on with their scores.

Letters: Q training queries, V pairs of a mining, P pairs of positives.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.candidates import Candidates, PairScores
from training.epoch_hook import HookContext
from training.mining.candidate_state import candidates_of, candidates_state
from training.mining.filter import judged_below, lowest
from training.mining.miner import HardNegativesConfig, Mined, Miner
from training.ragged import BoolArray, FloatArray, Ragged
from training.teachers.contract import Teacher, TeacherSettings
from training.teachers.judge_cache import JudgeCache
from training.teachers.selection import select


class TaughtNegatives:
    """An epoch hook. Before `start_epoch` no pair has a score, so objectives that need one skip every query."""

    def __init__(
        self, mining: HardNegativesConfig, settings: TeacherSettings, teacher: Teacher, context: HookContext
    ) -> None:
        self._miner = Miner(mining, context)
        self._settings = settings
        self._teacher = teacher
        self._context = context
        self._cache = JudgeCache(len(context.dataset.items))
        offsets = np.zeros(self._miner.n_queries + 1, dtype=np.int64)
        self._set(Candidates(Ragged(offsets, offsets[:0]), 0, self._cache.scores))

    def before_epoch(self, epoch: int) -> dict[str, float]:
        """A round, if it is time; logs of the mining, of the teacher, and how many queries and pairs it judged."""
        config = self._miner.config
        if not config.due(epoch):
            return {}
        rng = np.random.default_rng([self._context.seed, epoch])
        mined = self._miner.mine()
        learned = self._teacher.learn(mined, epoch == config.start_epoch, rng)
        if learned:
            self._cache.forget()
        asked_before = self._cache.asked
        chosen, judged = self._judge(mined, rng)
        scores = self._scores_of(chosen)
        self._set(Candidates(chosen.by_dataset_row(self._miner.n_queries), config.per_step, scores))
        counts = {"judged_queries": float(judged), "judged_pairs": float(self._cache.asked - asked_before)}
        return chosen.logs() | learned | counts

    def state(self) -> dict[str, Any]:
        """The candidates, the scores given so far and the teacher's own state."""
        return {
            "candidates": candidates_state(self._candidates),
            "cache": self._cache.state(),
            "teacher": self._teacher.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take all of them up."""
        self._cache.restore(state["cache"])
        self._teacher.restore(state["teacher"])
        candidates = candidates_of(state["candidates"])
        if candidates is not None:
            self._set(candidates)

    def _judge(self, mined: Mined, rng: np.random.Generator) -> tuple[Mined, int]:
        """What the queries keep, and for how many of them the teacher was asked."""
        margin = self._settings.judge_margin
        # Without a cut only what is kept is judged, which is far less.
        listed = self._miner.choose(mined, rng) if margin is None else mined
        judged_Q = self._judged(listed, rng)
        known = mined.queries.known
        query_P, in_budget_P = mined.queries.query_rows_Q[known.row_index_V], judged_Q[known.row_index_V]
        in_budget_V = judged_Q[listed.found.items.row_index_V]
        self._cache.ask(
            self._teacher.scores,
            np.append(query_P[in_budget_P], listed.query_V[in_budget_V]),
            np.append(known.values_V[in_budget_P], listed.found.items.values_V[in_budget_V]),
        )
        if margin is None:
            return listed, int(judged_Q.sum())
        positive_Q = lowest(known, self._cache.lookup(query_P, known.values_V))
        keep_V = judged_below(listed.found.items, self._candidate_scores(listed), positive_Q, margin)
        return self._miner.choose(listed.select(keep_V), rng), int(judged_Q.sum())

    def _judged(self, mined: Mined, rng: np.random.Generator) -> BoolArray:
        """True [Q] for the queries that the budget is spent on: they have candidates without a score."""
        unknown_V = np.isnan(self._candidate_scores(mined))
        open_Q = np.bincount(mined.found.items.row_index_V[unknown_V], minlength=len(mined.queries)) > 0
        settings = self._settings
        if settings.budget is None:
            return open_Q
        position = np.flatnonzero(open_Q)
        gain_Q = doubt(mined, settings.student_temperature)
        taken = select(gain_Q[position], settings.budget, settings.selection, settings.error_share, rng)
        judged_Q = np.zeros(len(mined.queries), dtype=np.bool_)
        judged_Q[position[taken]] = True
        return judged_Q

    def _candidate_scores(self, mined: Mined) -> FloatArray:
        return self._cache.lookup(mined.query_V, mined.found.items.values_V)

    def _scores_of(self, chosen: Mined) -> PairScores:
        """The scores at hand of the kept candidates and of the positives, whichever example has them as targets."""
        known = chosen.queries.known
        query_P = np.append(chosen.queries.query_rows_Q[known.row_index_V], chosen.query_V)
        item_P = np.append(known.values_V, chosen.found.items.values_V)
        score_P = self._cache.lookup(query_P, item_P)
        known_P = ~np.isnan(score_P)
        return PairScores.of(query_P[known_P], item_P[known_P], score_P[known_P], len(self._context.dataset.items))

    def _set(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._context.batches.set_candidates(candidates)


def doubt(mined: Mined, temperature: float) -> FloatArray:
    """1 - (p1 - p2) [Q] of the two likeliest items in the model's softmax over a query's positives and candidates.

    1 for a query with less than two items: nothing is known of it.
    """
    asked = mined.queries.asked
    row_V = np.append(asked.row_index_V, mined.found.items.row_index_V)
    logit_V = np.append(mined.positive_P, mined.found.score_V).astype(np.float64) / temperature
    order_V = np.lexsort((-logit_V, row_V))
    row_V, logit_V = row_V[order_V], logit_V[order_V]
    count_Q = np.bincount(row_V, minlength=len(mined.queries))
    first_Q = np.cumsum(count_Q) - count_Q
    share_V = np.exp(logit_V - np.repeat(logit_V[np.minimum(first_Q, len(logit_V) - 1)], count_Q))
    total_Q = np.bincount(row_V, share_V, minlength=len(mined.queries))
    gain_Q = np.ones(len(mined.queries), dtype=np.float32)
    two_Q = count_Q >= 2
    gain_Q[two_Q] = 1 - (1 - share_V[first_Q[two_Q] + 1]) / total_Q[two_Q]
    return gain_Q
