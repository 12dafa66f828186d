"""The pairs that a measure is made of, joined with votes and gold labels from tables.

N pairs, J judges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from evaluation.errors import NothingToMeasure, QueriesDiffer
from evaluation.judged.pairs import FloatArray, IntArray, JudgedPairs
from evaluation.judged.tables import Pair
from evaluation.rankings import Rankings


@dataclass(frozen=True, eq=False)
class Pool:
    """Pairs of a query and an item by number, ordered by query."""

    query_ids: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @classmethod
    def of(cls, rankings: Sequence[Rankings], more: Sequence[Pair] = ()) -> "Pool":
        """What any of the rankings holds, and `more` pairs of the same queries.

        Raises NothingToMeasure for rankings without hits, QueriesDiffer for rankings of different queries.
        """
        queries = tuple(rankings[0])
        for other in rankings[1:]:
            if set(other) != set(queries):
                odd = sorted(set(other) ^ set(queries))[0]
                raise QueriesDiffer(
                    f"the runs rank different queries; '{odd}' stands in one of them only", query_id=odd
                )
        found: dict[Pair, None] = {}
        for query_id in queries:
            found.update({(query_id, item_id): None for one in rankings for item_id in one[query_id]})
        known = set(queries)
        found.update({pair: None for pair in more if pair[0] in known})
        if not found:
            raise NothingToMeasure("the run holds no hits; give one that ranks at least one item")
        number = {query_id: place for place, query_id in enumerate(queries)}
        return cls(queries, tuple(sorted(found, key=lambda pair: number[pair[0]])))

    @property
    def query_N(self) -> IntArray:
        """The query number of every pair."""
        number = {query_id: place for place, query_id in enumerate(self.query_ids)}
        return np.array([number[query_id] for query_id, _ in self.pairs], dtype=np.int64)

    def ranks(self, rankings: Rankings) -> IntArray:
        """The rank of every pair [N] from 1; 0 where the rankings do not hold it."""
        rank = {(query_id, one): r for query_id, ranked in rankings.items() for r, one in enumerate(ranked, start=1)}
        return np.array([rank.get(pair, 0) for pair in self.pairs], dtype=np.int64)

    def judged(self, votes: pa.Table | None, gold: pa.Table | None, rank_N: IntArray) -> JudgedPairs:
        """The pairs with what judges and people say of them; the rank is a covariate. Other pairs are passed over.

        Labels without a probability were not drawn by chance; no estimate can be made of them.
        """
        row = {pair: n for n, pair in enumerate(self.pairs)}
        gold_N, chance_N = np.full(len(row), np.nan), np.ones(len(row))
        for entry in gold.to_pylist() if gold is not None else ():
            n = row.get((entry["query_id"], entry["item_id"]))
            if n is not None:
                gold_N[n], chance_N[n] = entry["grade"], entry.get("probability", 1.0)
        covariate_N1 = np.log2(np.where(rank_N > 0, rank_N, rank_N.max() + 1) + 1.0)[:, None]
        return JudgedPairs(len(self.query_ids), self.query_N, _votes(votes, row), covariate_N1, gold_N, chance_N)


def _votes(votes: pa.Table | None, row: Mapping[Pair, int]) -> FloatArray:
    if votes is None:
        return np.zeros((len(row), 0))
    judges = sorted(set(votes["judge"].to_pylist()))
    vote_NJ = np.full((len(row), len(judges)), np.nan)
    place = {judge: j for j, judge in enumerate(judges)}
    for entry in votes.to_pylist():
        n = row.get((entry["query_id"], entry["item_id"]))
        if n is not None:
            vote_NJ[n, place[entry["judge"]]] = entry["score"]
    return vote_NJ
