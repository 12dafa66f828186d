"""The judgements table as a teacher.

Letters: Q training queries, V judged pairs, P pairs.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from training.candidates import Candidates, PairScores
from training.epoch_hook import HookContext
from training.errors import BadData
from training.mining.filter import judged_below, lowest
from training.mining.miner import Mined
from training.mining.pick import Sampling, pick
from training.mining.queries import TrainingQueries
from training.ragged import FloatArray, IntArray, Ragged
from training.teachers.contract import TeacherSettings


class JudgementsConfig(TeacherSettings):
    """Scores from the judgements table; a query's candidates are its judged items, or with hard_negatives the mined."""

    kind: Literal["judgements"] = "judgements"
    per_step: int = Field(default=8, ge=1, description="Judged items drawn for each example of a step.")
    per_query: int | None = Field(default=None, ge=1, description="Judged items that each query keeps; all if unset.")
    sampling: Sampling = Field(
        default="top", description="Which are kept: the best judged ('top'), any ('random') or every `stride`-th."
    )
    stride: int = Field(default=5, ge=1, description="Step of sampling = 'stride'.")


class JudgementsTeacher:
    """Answers from the table, but for held-out pairs, and has learned all it will."""

    def __init__(self, context: HookContext) -> None:
        """Raises BadData when the data have no judgement."""
        self.scored, self._held_out = judged_pairs(context)

    def learn(self, mined: Mined, first: bool, rng: np.random.Generator) -> dict[str, float]:
        """Nothing; says at first how many judged pairs were dropped."""
        return {"judged_held_out": float(self._held_out)} if first else {}

    def scores(self, query_P: IntArray, item_P: IntArray) -> FloatArray:
        """The table's scores, NaN where it has none."""
        return self.scored.lookup(query_P, item_P)

    def state(self) -> dict[str, Any]:
        """Nothing: the table is part of the data."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing."""


class JudgedCandidates:
    """An epoch hook: the judged items of each training query join its pools, with their scores, in every epoch.

    Known positives are no candidates, but have their scores.
    """

    def __init__(self, config: JudgementsConfig, context: HookContext) -> None:
        """Raises BadData when no training query has a judged item that is no positive."""
        scored, held_out = judged_pairs(context)
        queries = TrainingQueries.of(context.batches, len(context.dataset.query_ids))
        items = _judged_items(scored, queries)
        query_V = queries.query_rows_Q[items.row_index_V]
        if config.judge_margin is not None:
            known = queries.known
            positive_V = scored.lookup(queries.query_rows_Q[known.row_index_V], known.values_V)
            judge_V = scored.lookup(query_V, items.values_V)
            items = items.select(judged_below(items, judge_V, lowest(known, positive_V), config.judge_margin))
        if config.per_query is not None:
            rng = np.random.default_rng(context.seed)
            items = items.select(pick(items, config.per_query, config.sampling, config.stride, rng))
        if len(items.values_V) == 0:
            raise BadData(
                "no training query has a judged item besides its positives; give judgements of other items, or lower "
                "teacher.judge_margin"
            )
        query_V = queries.query_rows_Q[items.row_index_V]
        by_row = Ragged.group(query_V, items.values_V, len(context.dataset.query_ids))
        context.batches.set_candidates(Candidates(by_row, config.per_step, scored))
        self._logs = {
            "judged_queries": float((items.lengths > 0).sum()),
            "judged_candidates": float(len(items.values_V)),
            "judged_held_out": float(held_out),
        }

    def before_epoch(self, epoch: int) -> dict[str, float]:
        """How many queries have candidates, how many candidates there are, and how many judged pairs were dropped."""
        return self._logs

    def state(self) -> dict[str, Any]:
        """Nothing: the same table gives the same candidates."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing."""


def judged_pairs(context: HookContext) -> tuple[PairScores, int]:
    """The table's scores by pair, and how many pairs were dropped since validation or test ask for them.

    Raises BadData when the data have no judgement.
    """
    dataset, judgements = context.dataset, context.dataset.judgements
    if judgements is None or len(judgements.score_N) == 0:
        raise BadData("teacher.kind = 'judgements' needs a judgements table with rows; name it as data.judgements")
    scored = PairScores.of(judgements.query_N, judgements.item_N, judgements.score_N, len(dataset.items))
    keep_P = ~np.isin(scored.key_P, context.held_out_P)
    kept = PairScores(scored.n_items, scored.key_P[keep_P], scored.score_P[keep_P])
    return kept, int((~keep_P).sum())


def _judged_items(scored: PairScores, queries: TrainingQueries) -> Ragged:
    """By training query its judged items but the known positives, best judged first."""
    query_V, item_V = scored.key_P // scored.n_items, scored.key_P % scored.n_items
    place_V = np.minimum(np.searchsorted(queries.query_rows_Q, query_V), len(queries) - 1)
    known_V = queries.known.row_index_V * scored.n_items + queries.known.values_V
    keep_V = (queries.query_rows_Q[place_V] == query_V) & ~np.isin(place_V * scored.n_items + item_V, known_V)
    place_V, item_V, score_V = place_V[keep_V], item_V[keep_V], scored.score_P[keep_V]
    order_V = np.argsort(-score_V, kind="stable")
    return Ragged.group(place_V[order_V], item_V[order_V], len(queries))
