"""Search among the rows that a filter allows: always the min(k, allowed) best, whatever the index finds.

B queries, K hits, R candidates, D embedding, M allowed rows, N corpus.
"""

from collections.abc import Callable, Mapping

import faiss
import numpy as np
from numpy.typing import NDArray

from index.allowed_rows import AllowedRows
from index.device import CpuIndex, Found, PlacedIndex
from index.filter_plan import Plan, Problem, choose_plan, wider
from index.filtered_lists import FilteredLists
from index.kinds import IndexKind
from index.kinds.graph_search import GraphSearch
from index.kinds.inverted_lists import InvertedLists
from index.threads import use_one_thread

ROWS_AT_A_TIME = 4_096
FloatArray = NDArray[np.float32]
# Queries, hits of each, and the search parameters, as given and for faiss; hits that are not found are -1.
IndexSearch = Callable[[FloatArray, int, Mapping[str, int], faiss.SearchParameters | None], Found]


class FilteredSearch:
    """Searches one index among allowed rows; safe to call from many threads at once."""

    def __init__(self, placed: PlacedIndex, kind: IndexKind, vectors_ND: FloatArray, search: IndexSearch) -> None:
        """`search` asks `placed`, whose rows have the vectors `vectors_ND`."""
        self._kind = kind
        self._vectors_ND = vectors_ND
        self._search = search
        self._lists: FilteredLists | None = None
        # A GPU takes a bitmap of rows and ignores it (faiss issues 3114, 3924), so only the CPU is told to skip rows.
        if isinstance(kind, InvertedLists) and isinstance(placed, CpuIndex):
            self._lists = FilteredLists(placed, len(vectors_ND))

    def search(self, query_BD: FloatArray, k: int, params: Mapping[str, int], allowed: AllowedRows) -> Found:
        """Scores and rows, both [B, min(k, M)], best first; raises InvalidSearchParams or VersionClosed."""
        if params:
            self._kind.parameters(params)  # refused whichever way is taken
        k = min(k, allowed.count)
        if k == 0:
            return np.empty((len(query_BD), 0), np.float32), np.empty((len(query_BD), 0), np.int64)
        problem = self._problem(k, {**self._kind.setting(), **params}, allowed)
        plan = choose_plan(problem)
        scores_BK, rows_BK = self._follow(plan, query_BD, k, params, allowed)
        while not (is_full_B := rows_BK[:, -1] >= 0).all():
            short_B = np.flatnonzero(~is_full_B)
            plan = wider(plan, problem)
            scores_BK[short_B], rows_BK[short_B] = self._follow(plan, query_BD[short_B], k, params, allowed)
        return scores_BK, rows_BK

    def _problem(self, k: int, setting: Mapping[str, int], allowed: AllowedRows) -> Problem:
        return Problem(
            self._kind,
            setting.get("nprobe", setting.get("ef_search", 1)),
            k,
            allowed.count,
            len(self._vectors_ND),
            self._lists.holding(allowed).coverage if self._lists else None,
        )

    def _follow(
        self, plan: Plan, query_BD: FloatArray, k: int, params: Mapping[str, int], allowed: AllowedRows
    ) -> Found:
        """The k best that the plan finds; -1 pads at the end."""
        if plan.way == "gather":
            return self._gather(query_BD, k, allowed)
        if isinstance(self._kind, InvertedLists):
            params = {**params, "nprobe": plan.effort}
        elif isinstance(self._kind, GraphSearch):
            params = {**params, "ef_search": plan.effort}
        if plan.way == "probe" and self._lists and isinstance(self._kind, InvertedLists):
            lists = self._lists.holding(allowed)
            rows = None if plan.depth else faiss.IDSelectorBitmap(allowed.bits)
            parameters = self._kind.parameters(params, rows, faiss.IDSelectorBitmap(lists.bits))
        else:
            parameters = self._kind.parameters(params)
        found = self._search(query_BD, plan.depth or k, params, parameters)
        return _only(allowed, k, *found) if plan.depth else found

    def _gather(self, query_BD: FloatArray, k: int, allowed: AllowedRows) -> Found:
        use_one_thread()
        row_M = allowed.rows()
        best = np.empty((len(query_BD), 0), np.float32), np.empty((len(query_BD), 0), np.int64)
        for start in range(0, len(row_M), ROWS_AT_A_TIME):
            part_M = row_M[start : start + ROWS_AT_A_TIME]
            scores_BR, place_BR = faiss.knn(
                query_BD, self._vectors_ND[part_M], min(k, len(part_M)), metric=faiss.METRIC_INNER_PRODUCT
            )
            best = _best_of(best, (scores_BR, part_M[place_BR]), k)
        return best


def _best_of(one: Found, other: Found, k: int) -> Found:
    scores_BR = np.concatenate([one[0], other[0]], axis=1)
    rows_BR = np.concatenate([one[1], other[1]], axis=1)
    order_BK = np.argsort(-scores_BR, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores_BR, order_BK, axis=1), np.take_along_axis(rows_BR, order_BK, axis=1)


def _only(allowed: AllowedRows, k: int, scores_BR: FloatArray, rows_BR: NDArray[np.int64]) -> Found:
    """The first k allowed rows of each query; -1 pads at the end."""
    is_allowed_BR = allowed.contains_each(rows_BR)
    order_BK = np.argsort(~is_allowed_BR, axis=1, kind="stable")[:, :k]
    rows_BK = np.take_along_axis(np.where(is_allowed_BR, rows_BR, -1), order_BK, axis=1)
    return np.take_along_axis(scores_BR, order_BK, axis=1), rows_BK
