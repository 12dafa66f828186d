"""The promise of filtered search, held to brute force for every kind of index."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, get_args

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.allowed_rows import AllowedRows
from index.device import check_gpu, place
from index.errors import DeviceUnavailable, InvalidSearchParams, VersionClosed
from index.filter_plan import GATHER, Plan
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.searcher import RowSearcher
from tests.contracts.index_kind import N_ITEMS, clustered, coded, exact, searcher

KINDS: list[Any] = [kind for kind in get_args(get_args(IndexKind)[0]) if not kind.needs_gpu_to_build]
MaskArray = NDArray[np.bool_]


def has_gpu() -> bool:
    try:
        check_gpu()
    except DeviceUnavailable:
        return False
    return True


@cache
def rows_of(kind_class: Any) -> RowSearcher:
    return searcher(kind_class(), clustered(N_ITEMS))


@st.composite
def masks(draw: Any) -> MaskArray:
    """Rows at random, or those most or least like one vector: filters know nothing of vectors, or a lot."""
    share = draw(st.sampled_from([0.0005, 0.004, 0.01, 0.1, 0.3, 0.5, 0.9, 1.0]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    order_N = random.permutation(N_ITEMS)
    if draw(st.booleans()):
        order_N = np.argsort(clustered(N_ITEMS) @ clustered(1, seed=int(random.integers(1_000)))[0])
    mask_N = np.zeros(N_ITEMS, dtype=bool)
    mask_N[order_N[: round(share * N_ITEMS)]] = True
    return mask_N


def check_promise(rows: RowSearcher, query_BD: Any, k: int, mask_N: MaskArray) -> float:
    """Hits are allowed, different, scored exactly, in order, and min(k, allowed); the share of the best ones."""
    scores_BK, rows_BK = rows.search(query_BD, k, {}, AllowedRows.of_mask(mask_N))
    assert scores_BK.shape == rows_BK.shape == (len(query_BD), min(k, mask_N.sum()))
    assert mask_N[rows_BK].all()
    assert all(len(set(rows_K)) == len(rows_K) for rows_K in rows_BK.tolist())
    np.testing.assert_allclose(scores_BK, np.einsum("bd,bkd->bk", query_BD, rows.vectors_ND[rows_BK]), atol=1e-5)
    assert (np.diff(scores_BK, axis=1) <= 1e-6).all()
    allowed_M = np.flatnonzero(mask_N)
    best_BK = allowed_M[exact(query_BD, rows.vectors_ND[allowed_M], k)]
    shared = [len(set(found) & set(best)) for found, best in zip(rows_BK.tolist(), best_BK.tolist(), strict=True)]
    return float(np.mean(shared)) / max(1, min(k, len(allowed_M)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.model_fields["kind"].default))
@settings(max_examples=60, deadline=None)
@given(masks(), st.sampled_from([1, 10, 60, 3_000]), st.integers(0, 50))
def test_hits_are_those_of_brute_force(kind: Any, mask_N: MaskArray, k: int, seed: int) -> None:
    share = check_promise(rows_of(kind), clustered(5, seed=seed), k, mask_N)
    least = 1.0 if kind is FlatKind or mask_N.sum() <= k else 0.5  # of five queries; the mean is tested below
    assert share >= least - 1e-9


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.model_fields["kind"].default))
@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("relation", ["independent", "near", "far"])
def test_recall_has_a_floor_at_every_selectivity(kind: Any, share: float, relation: str) -> None:
    vectors_ND, query_BD = clustered(N_ITEMS), clustered(100, seed=3)
    anchor_D = vectors_ND[17]
    order_N = np.random.default_rng(1).permutation(N_ITEMS)
    if relation != "independent":
        order_N = np.argsort(-(vectors_ND @ anchor_D))
        likeness_B = np.argsort(query_BD @ anchor_D)
        query_BD = query_BD[likeness_B[-30:] if relation == "near" else likeness_B[:30]]
    mask_N = np.zeros(N_ITEMS, dtype=bool)
    mask_N[order_N[: round(share * N_ITEMS)]] = True
    assert check_promise(rows_of(kind), query_BD, 10, mask_N) >= 0.95


def test_lists_that_hold_too_few_allowed_rows_are_followed_by_more_and_then_by_all_allowed_rows() -> None:
    vectors_ND = clustered(N_ITEMS)
    rows = searcher(IvfFlatKind(nlist=200, nprobe=1), vectors_ND)
    mask_N = np.random.default_rng(2).random(N_ITEMS) < 0.2
    assert check_promise(rows, clustered(20, seed=6), 300, mask_N) > 0.5


def test_every_way_of_a_plan_gives_the_same_hits_where_the_index_is_exact() -> None:
    vectors_ND, query_BD = clustered(N_ITEMS), clustered(6, seed=7)
    rows = searcher(IvfFlatKind(nlist=16, nprobe=16), vectors_ND)
    allowed = AllowedRows.of_mask(np.arange(N_ITEMS) % 3 == 0)
    found = [
        rows._filtered._follow(plan, query_BD, 5, {}, allowed)
        for plan in (GATHER, Plan("probe", 16), Plan("probe", 16, 90), Plan("fetch", 16, 90))
    ]
    for scores_BK, rows_BK in found[1:]:
        np.testing.assert_array_equal(rows_BK, found[0][1])
        np.testing.assert_allclose(scores_BK, found[0][0], atol=1e-5)


def test_candidates_that_are_not_allowed_leave_the_answer_short_rather_than_wrong() -> None:
    rows = searcher(HnswKind(), clustered(N_ITEMS))
    only_last = AllowedRows.of_mask(np.arange(N_ITEMS) >= N_ITEMS - 2)
    _, rows_BK = rows._filtered._follow(Plan("fetch", 32, 4), clustered(3, seed=8), 2, {}, only_last)
    assert set(rows_BK.ravel().tolist()) <= {-1, N_ITEMS - 1, N_ITEMS - 2}
    assert (rows_BK == -1).any()


def test_params_are_checked_whichever_way_is_taken_and_closed_is_closed() -> None:
    rows = searcher(IvfFlatKind(nlist=16), clustered(N_ITEMS))
    few = AllowedRows.of_mask(np.arange(N_ITEMS) < 3)
    with pytest.raises(InvalidSearchParams, match="ef_search"):
        rows.search(clustered(1), 2, {"ef_search": 5}, few)
    rows.close()
    for allowed in (few, AllowedRows.of_mask(np.ones(N_ITEMS, dtype=bool))):
        with pytest.raises(VersionClosed):
            rows.search(clustered(1), 2, {}, allowed)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.model_fields["kind"].default))
@pytest.mark.parametrize("count", [1, 3, 40])
def test_small_corpora_are_searched_to_their_last_allowed_item(kind: Any, count: int) -> None:
    vectors_ND = clustered(300)
    rows = searcher(kind(), vectors_ND)
    for mask_N in (np.arange(300) < count, np.arange(300) >= count):
        check_promise(rows, clustered(4, seed=2), count, mask_N)
        assert check_promise(rows, clustered(4, seed=2), 300, mask_N) == 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.model_fields["kind"].default))
def test_eight_threads_with_mixed_filters_give_the_serial_answers(kind: Any) -> None:
    rows, query_BD = searcher(kind(), clustered(N_ITEMS)), clustered(120, seed=9)
    random = np.random.default_rng(4)
    sets = [AllowedRows.of_mask(random.random(N_ITEMS) < share) for share in (0.001, 0.05, 0.2, 0.5, 0.9)]
    order_N = np.argsort(rows.vectors_ND @ query_BD[0])
    sets += [AllowedRows.of_mask(order_N < size) for size in (100, 900)]
    asked = [(b, sets[b % len(sets)]) for b in range(len(query_BD))]

    def search(one: tuple[int, AllowedRows]) -> list[int]:
        b, allowed = one
        found: list[int] = rows.search(query_BD[b : b + 1], 10, {}, allowed)[1][0].tolist()
        return found

    with ThreadPoolExecutor(max_workers=8) as pool:
        threaded = list(pool.map(search, asked))
    assert threaded == [search(one) for one in asked]


def test_a_graph_ignores_a_selector_with_an_unbounded_queue_which_is_why_none_is_given_to_it() -> None:
    index = faiss.IndexHNSWFlat(2, 4, faiss.METRIC_INNER_PRODUCT)
    index.add(np.eye(4, 2, dtype=np.float32) + 0.1)
    query, selector = np.array([[1, 0]], dtype=np.float32), faiss.IDSelectorRange(1, 2)
    bounded = faiss.SearchParametersHNSW(sel=selector)
    unbounded = faiss.SearchParametersHNSW(sel=selector, bounded_queue=False)
    assert index.search(query, 1, params=bounded)[1].tolist() == [[1]]
    assert index.search(query, 1, params=unbounded)[1].tolist() != [[1]], "faiss has mended it"


class Elsewhere:
    """An index that is no CpuIndex, as one on a GPU is none."""

    largest_k = 2_048

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    def search(self, query_BD: Any, k: int, params: Any) -> Any:
        assert k <= self.largest_k
        assert params is None or params.sel is None, "a selector was trusted to a device that ignores it"
        return self._index.search(query_BD, k, params=params)

    def close(self) -> None:
        """Nothing to free."""


@pytest.mark.parametrize("kind", [FlatKind(), IvfFlatKind()], ids=lambda kind: kind.kind)
@settings(max_examples=40, deadline=None)
@given(masks(), st.sampled_from([1, 10, 500]))
def test_no_selector_is_trusted_to_a_device_that_ignores_it(kind: IndexKind, mask_N: MaskArray, k: int) -> None:
    vectors_ND = clustered(N_ITEMS)
    corpus = coded(vectors_ND)
    rows = RowSearcher(Elsewhere(kind.build(corpus, 0)), kind.resolve(corpus), vectors_ND)
    check_promise(rows, clustered(3, seed=1), k, mask_N)


@pytest.mark.skipif(not has_gpu(), reason="no CUDA device that this faiss can use")
@pytest.mark.parametrize("kind", [FlatKind(), IvfFlatKind()], ids=lambda kind: kind.kind)
@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9])
def test_a_gpu_gives_the_same_hits(kind: IndexKind, share: float) -> None:
    vectors_ND = clustered(N_ITEMS)
    corpus = coded(vectors_ND)
    rows = RowSearcher(place(kind.build(corpus, 0), kind, "cuda"), kind.resolve(corpus), vectors_ND)
    mask_N = np.random.default_rng(5).random(N_ITEMS) < share
    assert check_promise(rows, clustered(50, seed=2), 10, mask_N) >= 0.95
