"""What systems returned and what is known to be right, by query id, and both joined into arrays.

Letters: Q queries, V judged items among the hits, J judged items of all queries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from evaluation.errors import NothingToMeasure

Rankings = Mapping[str, Sequence[str]]
"""Item ids by query id, best first, none twice in one ranking."""
Grades = Mapping[str, Mapping[str, float]]
"""The grade of each judged item, by query id; a grade of 0 or less is an item judged not relevant."""
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """What one system returned: the score of each item by query id, and the system's name."""

    name: str
    scores: Mapping[str, Mapping[str, float]]

    def rankings(self, depth: int | None = None) -> dict[str, list[str]]:
        """The first `depth` items of every query, or all, in the order that trec_eval gives them.

        Larger scores come first, compared as 32-bit floats, and among equal scores the larger id (as bytes), whatever
        the file says about ranks.
        """
        return {query_id: _ordered(scores)[:depth] for query_id, scores in self.scores.items()}


def _ordered(score_by_id: Mapping[str, float]) -> list[str]:
    ids = sorted(score_by_id, reverse=True)  # by code points, which is the order of their UTF-8 bytes
    scores = np.array([score_by_id[one] for one in ids], dtype=np.float32)
    return [ids[place] for place in np.argsort(-scores, kind="stable").tolist()]


@dataclass(frozen=True)
class JudgedRankings:
    """Where judged items stand, and what was judged at all; an item without a grade is in none of these.

    `returned_Q`: hits of each query. `row_V`, `place_V`, `grade_V`: the judged hits, sorted by query and place, places
    from 1. `row_J`, `grade_J`: all judgements, sorted by query and falling grade.
    """

    query_ids: tuple[str, ...]
    returned_Q: IntArray
    row_V: IntArray
    place_V: IntArray
    grade_V: FloatArray
    row_J: IntArray
    grade_J: FloatArray

    def __len__(self) -> int:
        return len(self.query_ids)


def judge(rankings: Rankings, grades: Grades, query_ids: Sequence[str] | None = None) -> JudgedRankings:
    """Join rankings with grades for the given queries, by default all that have a grade, in their order.

    A query without a ranking counts as one that returned nothing; a ranking of a query that is not asked for is left
    out. Raises NothingToMeasure when no query is left, or none of them has a ranking.
    """
    asked = tuple(grades if query_ids is None else query_ids)
    if not asked:
        raise NothingToMeasure("no query has a grade; give judgements of at least one query")
    if not any(rankings.get(one) for one in asked):
        raise NothingToMeasure(
            f"none of the {len(rankings):,} queries that were ranked is among the {len(asked):,} that were judged; "
            "check that both use the same query ids"
        )
    found = [
        (row, place, known[item_id])
        for row, query_id in enumerate(asked)
        for known in [grades.get(query_id, {})]
        for place, item_id in enumerate(rankings.get(query_id, ()), start=1)
        if item_id in known
    ]
    row_V, place_V, grade_V = (np.array(column) for column in zip(*found, strict=True)) if found else ([], [], [])
    sizes = [len(grades.get(query_id, {})) for query_id in asked]
    row_J = np.repeat(np.arange(len(asked)), sizes)
    grade_J = np.fromiter(chain.from_iterable(grades.get(one, {}).values() for one in asked), dtype=np.float64)
    order_J = np.lexsort((-grade_J, row_J))
    return JudgedRankings(
        query_ids=asked,
        returned_Q=np.array([len(rankings.get(one, ())) for one in asked], dtype=np.int64),
        row_V=np.asarray(row_V, dtype=np.int64),
        place_V=np.asarray(place_V, dtype=np.int64),
        grade_V=np.asarray(grade_V, dtype=np.float64),
        row_J=row_J[order_J].astype(np.int64),
        grade_J=grade_J[order_J],
    )
