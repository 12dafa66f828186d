"""A made-up world of judged pairs whose true gains are known. Q queries of K pairs each, J judges."""

from dataclasses import dataclass

import numpy as np

from evaluation.judged.pairs import FloatArray, IntArray, JudgedPairs


@dataclass(frozen=True, eq=False)
class World:
    """All of it, truth included."""

    n_queries: int
    query_N: IntArray
    rank_N: IntArray
    gain_N: FloatArray
    vote_NJ: FloatArray

    def labelled(self, chance: float | FloatArray, seed: int) -> JudgedPairs:
        """The pairs as an estimate sees them: labelled by these chances."""
        chance_N = np.broadcast_to(chance, self.gain_N.shape).astype(np.float64)
        drawn_N = np.random.default_rng(seed).random(len(chance_N)) < chance_N
        covariate_NC = self.rank_N[:, None].astype(np.float64)
        gold_N = np.where(drawn_N, self.gain_N, np.nan)
        return JudgedPairs(self.n_queries, self.query_N, self.vote_NJ, covariate_NC, gold_N, chance_N)


def world(seed: int, n_queries: int = 300, n_ranks: int = 10) -> World:
    """Binary gains that fall with rank; three judges that say yes too often, each by its own measure."""
    random = np.random.default_rng(seed)
    rank_N = np.tile(np.arange(1, n_ranks + 1), n_queries)
    ease_N = np.repeat(random.normal(size=n_queries), n_ranks)
    logit_N = 0.6 * ease_N - 0.25 * rank_N - 0.5 + random.normal(size=len(rank_N))
    gain_N = (random.random(len(rank_N)) < 1 / (1 + np.exp(-logit_N))).astype(np.float64)
    yes_NJ = np.clip(0.2 + 0.6 * gain_N[:, None] + np.array([0.05, 0.1, 0.15]), 0, 1)
    vote_NJ = (random.random(yes_NJ.shape) < yes_NJ).astype(np.float64)
    return World(n_queries, np.repeat(np.arange(n_queries), n_ranks), rank_N, gain_N, vote_NJ)
