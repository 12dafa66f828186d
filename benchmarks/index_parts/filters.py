"""Filtered search: index recall, hits kept and cost at every selectivity, beside the same index without a filter.

N corpus, Q queries, D embedding, K hits.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.index_parts.clustered import Mixture
from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from bundle.items import Items
from index.allowed_rows import AllowedRows
from index.attributes import AttributeColumns, attribute_table
from index.corpus import Corpus
from index.device import CpuIndex
from index.filters.compiled import Filters
from index.filters.fields import Fields
from index.filters.filter import Filter
from index.ids import ItemIds, id_table
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.searcher import RowSearcher
from index.threads import use_threads

PROTOCOL = """
100,000 x 128 clustered unit vectors, 200 queries one at a time, k = 10, one thread. The search parameter of a kind is
the smallest of those it measures that gives 500 other queries an index recall of .95 without a filter. A filter allows
50, 10, 1, 0.1 or 0.01 % of the items: `independent` at random; `near` and `far` those nearest to one item, asked by the
queries most and least like that item. `recall@10` is agreement with exact search among the allowed items, `full` the
share of queries with min(k, allowed) hits, all allowed. `cpu_ratio` is the CPU time of a search over that of the same
index and queries without a filter, which take `unfiltered` microseconds and have `recall_unfiltered`. `evaluate_ms` is
the CPU time in which a filter becomes a set of rows, once; later searches take it from the cache. The targets are a
recall of .95, all hits, and a ratio of 6 at most.
"""
N_ITEMS, DIMENSION, K, TARGET = 100_000, 128, 10, 0.95
SHARES = {"50%": 0.5, "10%": 0.1, "1%": 0.01, "0.1%": 0.001, "0.01%": 0.0001}
KINDS: tuple[IndexKind, ...] = (FlatKind(), IvfFlatKind(), HnswKind())
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """Queries under one filter."""

    name: str
    query_QD: FloatArray
    mask_N: NDArray[np.bool_]


def cases(vectors_ND: FloatArray, query_QD: FloatArray, n_queries: int, seed: int) -> Iterator[Case]:
    """Every selectivity, allowed at random and by likeness to one item."""
    random, count = np.random.default_rng(seed), len(vectors_ND)
    anchor_D = vectors_ND[random.integers(count)]
    by_likeness_N = np.argsort(-(vectors_ND @ anchor_D), kind="stable")
    near_Q = np.argsort(-(query_QD @ anchor_D), kind="stable")
    orders = {
        "independent": (random.permutation(count), query_QD[:n_queries]),
        "near": (by_likeness_N, query_QD[near_Q[:n_queries]]),
        "far": (by_likeness_N, query_QD[near_Q[-n_queries:]]),
    }
    for relation, (order_N, asked_QD) in orders.items():
        for name, share in SHARES.items():
            mask_N = np.zeros(count, dtype=bool)
            mask_N[order_N[: max(1, round(share * count))]] = True
            yield Case(f"{relation}-{name}", asked_QD, mask_N)


def recall(
    rows_QK: Sequence[IntArray], query_QD: FloatArray, vectors_ND: FloatArray, mask_N: NDArray[np.bool_]
) -> float:
    """The share of the exact best allowed rows that were found."""
    row_M = np.flatnonzero(mask_N)
    k = min(K, len(row_M))
    best_QK = faiss.knn(query_QD, vectors_ND[row_M], k, metric=faiss.METRIC_INNER_PRODUCT)[1]
    shared = [
        len(set(found.tolist()) & set(row_M[best].tolist())) for found, best in zip(rows_QK, best_QK, strict=True)
    ]
    return float(np.mean(shared)) / k


def measure(budget: Budget) -> list[Row]:
    """Recall, hits and cost of every kind and case, and what evaluating filters costs; means over seeds."""
    n_queries = 50 if budget.quick else 200
    runs = [_measure(N_ITEMS, n_queries, seed) for seed in range(budget.seeds)]
    return [_mean(rows) for rows in zip(*runs, strict=True)]


def _measure(n_items: int, n_queries: int, seed: int) -> list[Row]:
    mixture = Mixture(DIMENSION, seed)
    vectors_ND, query_QD = mixture.draw(n_items, 1), mixture.draw(5 * n_queries, 2)
    rows = []
    with use_threads(1):
        for kind in KINDS:
            resolved = kind.resolve(Corpus(vectors_ND))
            index = CpuIndex(resolved.build(Corpus(vectors_ND), seed))
            tuned = _tuned(resolved, index, vectors_ND, mixture.draw(500, 3))
            rows += _rows(
                kind.kind, RowSearcher(index, tuned, vectors_ND), cases(vectors_ND, query_QD, n_queries, seed)
            )
    return rows + _evaluations(n_items, seed)


def _tuned(kind: IndexKind, index: CpuIndex, vectors_ND: FloatArray, query_QD: FloatArray) -> IndexKind:
    """The kind at its cheapest setting that reaches the target recall, or at its dearest."""
    everything_N = np.ones(len(vectors_ND), dtype=bool)
    for variant in kind.variants():
        rows_QK = RowSearcher(index, variant, vectors_ND).search(query_QD, K)[1]
        if recall(list(rows_QK), query_QD, vectors_ND, everything_N) >= TARGET:
            break
    return variant


def _rows(kind: str, searcher: RowSearcher, all_cases: Iterator[Case]) -> list[Row]:
    rows = []
    for case in all_cases:
        allowed = AllowedRows.of_mask(case.mask_N)
        plain_us, plain = _search(searcher, case.query_QD, None)
        filtered_us, found = _search(searcher, case.query_QD, allowed)
        wanted = min(K, allowed.count)
        full = [len(row_K) == wanted and bool(case.mask_N[row_K].all()) for row_K in found]
        values = {
            "recall@10": recall(found, case.query_QD, searcher.vectors_ND, case.mask_N),
            "full": float(np.mean(full)),
            "cpu_ratio": filtered_us / plain_us,
            "unfiltered": plain_us,
            "recall_unfiltered": recall(plain, case.query_QD, searcher.vectors_ND, np.ones_like(case.mask_N)),
        }
        units = {"unfiltered": "us"}
        rows += [
            Row(f"filters-{kind}", case.name, name, value, unit=units.get(name, "")) for name, value in values.items()
        ]
    return rows


def _search(searcher: RowSearcher, query_QD: FloatArray, allowed: AllowedRows | None) -> tuple[float, list[IntArray]]:
    """CPU microseconds of a query, and the rows found; the first search, which reads what later ones keep, apart."""

    def one(b: int) -> IntArray:
        row_K: IntArray = searcher.search(query_QD[b : b + 1], K, {}, allowed)[1][0]
        return row_K

    one(0)
    cpu_us, found = _cpu_us(lambda: [one(b) for b in range(len(query_QD))])
    return cpu_us / len(query_QD), found


def _cpu_us(run: Callable[[], list[IntArray]]) -> tuple[float, list[IntArray]]:
    before = time.thread_time()
    result = run()
    return (time.thread_time() - before) * 1e6, result


def _evaluations(n_items: int, seed: int) -> list[Row]:
    random = np.random.default_rng(seed)
    colours = np.array(["red", "green", "blue", "dark red", "black"])
    table = pa.table(
        {
            "item_id": [f"item-{row:06d}" for row in range(n_items)],
            "price": random.random(n_items),
            "colour": colours[random.integers(0, len(colours), n_items)],
            "tags": [[f"t{tag}" for tag in row] for row in random.integers(0, 500, (n_items, 3))],
        }
    )
    batch = attribute_table(Items(table, "items"), ["price", "colour", "tags"]).combine_chunks().to_batches()[0]
    ids = ItemIds(id_table(table["item_id"]).combine_chunks().to_batches()[0])
    fields = Fields(AttributeColumns(batch), ids)
    asked = {
        "range": {"key": "price", "range": {"gte": 0.2, "lt": 0.4}},
        "match-text-value": {"key": "colour", "match": {"value": "red"}},
        "match-list-any": {"key": "tags", "match": {"any": ["t1", "t2"]}},
        "match-substring": {"key": "colour", "match": {"text": "red"}},
        "has-100-ids": {"has_id": table["item_id"].to_pylist()[:100]},
    }
    rows = []
    for name, condition in asked.items():
        filters = Filters(fields)
        bound = filters.bind(Filter.model_validate({"must": [condition]}))
        before = time.thread_time()
        filters.rows(bound)
        rows.append(Row("filters-evaluate", name, "evaluate_ms", (time.thread_time() - before) * 1e3, unit="ms"))
    return rows


def _mean(rows: Sequence[Row]) -> Row:
    values, first = [row.value for row in rows], rows[0]
    spread = statistics.pstdev(values) if len(values) > 1 else None
    return Row(first.task, first.method, first.metric, statistics.mean(values), spread, len(values), first.unit)


FILTERS = Part(PROTOCOL, measure)
