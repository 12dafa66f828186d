from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from index.corpus import Corpus
from index.device import CpuIndex
from index.errors import DimensionMismatch, InvalidSearchParams, InvalidVector, VersionClosed
from index.ids import ItemIds, id_table
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.searcher import FaissSearcher, Metric, RowSearcher, check_queries
from tests.contracts.index_kind import DIMENSION, clustered


def searcher(kind: IndexKind, count: int = 2_000, metric: Metric = "cosine") -> FaissSearcher:
    vectors_ND = clustered(count)
    names = pa.chunked_array([[f"item-{row:05d}" for row in range(count)]])
    ids = ItemIds(id_table(names).combine_chunks().to_batches()[0])
    kind = kind.resolve(Corpus(vectors_ND))
    return FaissSearcher(RowSearcher(CpuIndex(kind.build(Corpus(vectors_ND), 0)), kind, vectors_ND), ids, metric)


def test_hits_carry_the_ids_of_the_rows_and_float32_scores() -> None:
    hits = searcher(FlatKind()).search(clustered(2_000)[[7, 42]], 3)
    assert [ids[0] for ids in hits.ids] == ["item-00007", "item-00042"]
    assert hits.scores_BK.shape == (2, 3)
    assert hits.scores_BK.dtype == np.float32
    np.testing.assert_allclose(hits.scores_BK[:, 0], 1, atol=1e-5)


@pytest.mark.parametrize("kind", [FlatKind(), IvfFlatKind(), HnswKind()], ids=lambda kind: kind.kind)
def test_eight_threads_give_the_serial_answers(kind: IndexKind) -> None:
    search = searcher(kind)
    query_BD = clustered(400, seed=5)
    serial = [search.search(query_BD[b : b + 1], 10) for b in range(len(query_BD))]
    with ThreadPoolExecutor(max_workers=8) as pool:
        threaded = list(pool.map(lambda b: search.search(query_BD[b : b + 1], 10), range(len(query_BD))))
    assert [hits.ids for hits in threaded] == [hits.ids for hits in serial]
    for one, other in zip(threaded, serial, strict=True):
        np.testing.assert_array_equal(one.scores_BK, other.scores_BK)


def test_threads_with_different_params_do_not_disturb_each_other() -> None:
    search = searcher(IvfFlatKind(nlist=64))
    query_BD = clustered(1, seed=6)
    alone = {nprobe: search.search(query_BD, 50, {"nprobe": nprobe}).ids for nprobe in (1, 4, 64)}
    wanted = [1, 4, 64] * 60
    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(lambda nprobe: search.search(query_BD, 50, {"nprobe": nprobe}).ids, wanted))
    assert answers == [alone[nprobe] for nprobe in wanted]


def test_cosine_scores_do_not_depend_on_the_length_of_the_query_and_dot_scores_do() -> None:
    query_BD = clustered(3, seed=7)
    by_cosine, by_dot = searcher(FlatKind()), searcher(FlatKind(), metric="dot")
    np.testing.assert_allclose(
        by_cosine.search(5 * query_BD, 4).scores_BK, by_cosine.search(query_BD, 4).scores_BK, atol=1e-6
    )
    np.testing.assert_allclose(
        by_dot.search(5 * query_BD, 4).scores_BK, 5 * by_dot.search(query_BD, 4).scores_BK, rtol=1e-5
    )


def test_a_zero_query_scores_zero_everywhere() -> None:
    hits = searcher(FlatKind()).search(np.zeros((1, DIMENSION)), 5)
    assert hits.scores_BK.tolist() == [[0.0] * 5]


def test_no_queries_give_no_hits() -> None:
    hits = searcher(FlatKind()).search(np.empty((0, DIMENSION)), 5)
    assert hits.ids == []
    assert hits.scores_BK.shape == (0, 5)


@pytest.mark.parametrize("k", [0, -1, True, 1.5, "3"])
def test_a_k_that_is_no_count_is_refused(k: Any) -> None:
    with pytest.raises(InvalidSearchParams, match="k is"):
        searcher(FlatKind(), 10).search(clustered(1), k)


@pytest.mark.parametrize(
    "vectors", [[1.0, 2.0], [[[1.0]]], [["a"] * DIMENSION], [[1.0], [1.0, 2.0]], [[{}] * DIMENSION]], ids=repr
)
def test_what_is_no_matrix_of_numbers_is_refused(vectors: Any) -> None:
    with pytest.raises(InvalidVector):
        check_queries(vectors, DIMENSION, "cosine")


def test_another_length_is_refused_naming_both() -> None:
    with pytest.raises(DimensionMismatch, match=f"have 3 numbers.*of {DIMENSION}"):
        check_queries(np.ones((2, 3)), DIMENSION, "cosine")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_numbers_that_cannot_be_scored_are_refused_naming_the_vector(value: float, metric: Metric) -> None:
    query_BD = clustered(3)
    query_BD[1, 4] = value
    with pytest.raises(InvalidVector, match="query vector 1"):
        check_queries(query_BD, DIMENSION, metric)


def test_the_callers_vectors_are_never_written_to() -> None:
    query_BD = 3 * clustered(2)
    before = query_BD.copy()
    searcher(FlatKind(), 10).search(query_BD, 2)
    np.testing.assert_array_equal(query_BD, before)


def test_a_closed_searcher_says_so() -> None:
    search = searcher(FlatKind(), 10)
    search.close()
    with pytest.raises(VersionClosed):
        search.search(clustered(1), 1)
