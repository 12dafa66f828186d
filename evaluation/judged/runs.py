"""Runs with what judges and people say of their hits: estimate, plan and draw.

N pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from evaluation.errors import NothingToMeasure, UnknownMetric
from evaluation.judged.choice import ChoiceConfig, choose_pairs, disagreement
from evaluation.judged.design_based import JudgedEstimate, Scope, estimate_mean, estimate_ratio
from evaluation.judged.measure import JudgedMeasure
from evaluation.judged.pairs import FloatArray, JudgedPairs
from evaluation.judged.plan import LabelPlan, draw_labels, label_chances, plan_labels
from evaluation.judged.pool import Pool
from evaluation.judged.surrogate import predicted_gains, squared_errors
from evaluation.judged.tables import Pair, pairs_of, read_gold, read_labels, read_votes
from evaluation.rankings import Rankings
from evaluation.trec import read_run


@dataclass(frozen=True, eq=False)
class JudgedRuns:
    """One run, or a run and another that it is held against, over the pairs of both.

    `weight_N`: what each pair's gain adds to the measure of the run, less what it adds to that of the other.
    """

    measure: JudgedMeasure
    pool: Pool
    pairs: JudgedPairs
    weight_N: FloatArray

    @classmethod
    def read(
        cls,
        run: Path,
        against: Path | None,
        votes: Path | None,
        gold: Path | None,
        measure: JudgedMeasure,
        *,
        is_drawn: bool = True,
    ) -> "JudgedRuns":
        """Read the files; raises InvalidTrecFile, InvalidTable, QueriesDiffer, or NothingToMeasure where a table and
        the runs have no pair in common.

        All but recall look at the first k hits of each run; recall at all hits and at whatever else was judged.
        `is_drawn`: whether the labels were drawn by chance and say with which; without it none can be estimated from.
        """
        read_people = read_gold if is_drawn else read_labels
        vote_table, gold_table = read_votes(votes) if votes else None, read_people(gold) if gold else None
        depth = None if measure.kind == "recall" else measure.k
        rankings: list[Rankings] = [read_run(path).rankings(depth) for path in (run, against) if path is not None]
        judged = [table for table in (vote_table, gold_table) if table is not None]
        more = [pair for table in judged for pair in pairs_of(table)] if measure.kind == "recall" else []
        pool = Pool.of(rankings, more)
        _check_overlap(pool, votes, vote_table)
        _check_overlap(pool, gold, gold_table if is_drawn else None)
        ranks = [pool.ranks(one) for one in rankings]
        best_N = np.min([np.where(rank_N > 0, rank_N, np.iinfo(np.int64).max) for rank_N in ranks], axis=0)
        pairs = pool.judged(vote_table, gold_table, np.where(best_N == np.iinfo(np.int64).max, 0, best_N))
        weight_N = measure.weights(ranks[0])
        for rank_N in ranks[1:]:
            weight_N = weight_N - measure.weights(rank_N)
        return cls(measure, pool, pairs.with_gains(measure.gains), weight_N)

    def estimate(self, scope: Scope, level: float, seed: int) -> JudgedEstimate:
        """The measure with its interval.

        Raises TooFewLabels, NotDrawnFromHere, and UnknownMetric for recall of these queries alone.
        """
        if self.measure.kind != "recall":
            self._check(self.weight_N)
            return estimate_mean(self.pairs, self.weight_N, scope=scope, level=level, seed=seed)
        if scope == "these_queries":
            raise UnknownMetric("recall has an interval for queries like these only; for these alone take hits@k")
        norm_N = np.ones_like(self.weight_N)
        self._check(norm_N)
        return estimate_ratio(self.pairs, self.weight_N, norm_N, level=level, seed=seed)

    def plan(self, half_width: float, scope: Scope, level: float, seed: int) -> LabelPlan:
        """How many labels an interval takes; raises TooFewLabels, NotDrawnFromHere, and UnknownMetric for recall."""
        if self.measure.kind == "recall":
            raise UnknownMetric("labels can be planned for sums only; plan for hits@k in place of recall@k")
        self._check(self.weight_N)
        return plan_labels(self.pairs, self.weight_N, half_width, scope=scope, level=level, seed=seed)

    def draw(self, count: int, seed: int) -> pa.Table:
        """About `count` pairs to label, with the chance of each: `query_id`, `item_id`, `probability`.

        Chances grow with the weight of a pair and, once there are labels, with how far off the judges are expected to
        be. Pairs that are labelled already may be drawn again: their label then counts by the new chance, while those
        that are not drawn again do not count. A draw after labels takes other random numbers than the one before it,
        so that its chances, which follow those labels, do not depend on what they are compared with.
        """
        weight_N = np.ones_like(self.weight_N) if self.measure.kind == "recall" else self.weight_N
        chance_N = label_chances(weight_N, self._expected_errors(seed), count)
        n_gold = int(self.pairs.is_gold_N.sum())
        rows: Sequence[int] = np.flatnonzero(draw_labels(chance_N, (seed, n_gold))).tolist()
        query_ids, item_ids = ([self.pool.pairs[n][side] for n in rows] for side in (0, 1))
        return pa.table({"query_id": query_ids, "item_id": item_ids, "probability": chance_N[rows]})

    def choose(self, embedding_ND: FloatArray, count: int, config: ChoiceConfig) -> list[Pair]:
        """The pairs that a judge or reranker learns most from, the most useful first; those with a label are left out.

        `embedding_ND`: an embedding of every pair of the pool. See `evaluation.judged.choice`.
        """
        uncertainty_N = disagreement(self.pairs.vote_NJ)
        chosen = choose_pairs(uncertainty_N, embedding_ND, self.pairs.is_gold_N, count, config)
        return [self.pool.pairs[n] for n in chosen.tolist()]

    def _check(self, weight_N: FloatArray) -> None:
        self.pairs.check_labels()
        self.pairs.check_chances(weight_N)

    def _expected_errors(self, seed: int) -> FloatArray:
        if not self.pairs.is_gold_N.any():
            return np.ones_like(self.weight_N)
        self.pairs.check_labels()
        return squared_errors(self.pairs, predicted_gains(self.pairs, seed))


def _check_overlap(pool: Pool, path: Path | None, table: pa.Table | None) -> None:
    if table is not None and table.num_rows > 0 and set(pool.pairs).isdisjoint(pairs_of(table)):
        raise NothingToMeasure(
            f"no pair of {path} is among the pairs to measure; give a table of this run's queries and items"
        )
