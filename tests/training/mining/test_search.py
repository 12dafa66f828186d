"""Search against a full sort."""

import tracemalloc

import numpy as np
import pytest

from tests.training.hook_world import points
from training.mining.search import SearchKind, chunks, search
from training.ragged import Ragged

QUERY, ITEM = points(40, 8, 1), points(900, 8, 2)
BANNED = Ragged.from_rows([np.sort(np.random.default_rng(row).choice(900, row % 4 * 5, False)) for row in range(40)])


def reference(depth: int) -> list[list[int]]:
    score_QN = QUERY @ ITEM.T
    score_QN[BANNED.row_index_V, BANNED.values_V] = -np.inf
    return [np.argsort(-row, kind="stable")[:depth].tolist() for row in score_QN]


def test_exact_search_gives_the_best_items_but_the_banned_ones_in_order() -> None:
    found = search(QUERY, ITEM, BANNED, 12, "exact", seed=0)
    assert [found.items.row(row).tolist() for row in range(40)] == reference(12)
    row_V = found.items.row_index_V
    np.testing.assert_allclose(found.score_V, (QUERY[row_V] * ITEM[found.items.values_V]).sum(1), rtol=1e-5)


def test_clustered_search_finds_most_of_them_no_banned_one_and_the_same_twice() -> None:
    found = search(QUERY, ITEM, BANNED, 12, "faiss", seed=3)
    again = search(QUERY, ITEM, BANNED, 12, "faiss", seed=3)
    assert found.items.values_V.tolist() == again.items.values_V.tolist()
    hits = 0
    for row, wanted in enumerate(reference(12)):
        items = found.items.row(row).tolist()
        assert not set(items) & set(BANNED.row(row).tolist())
        hits += len(set(items) & set(wanted))
    assert hits / (40 * 12) > 0.4  # an eighth of the cells; random items would be 1 in 75


@pytest.mark.parametrize("kind", ["exact", "faiss"])
def test_a_query_gets_what_there_is(kind: SearchKind) -> None:
    banned = Ragged.from_rows([[0, 1, 2], []])
    found = search(QUERY[:2], ITEM[:4], banned, 50, kind, seed=0)
    assert found.items.lengths.tolist() == [1, 4]
    assert found.items.row(0).tolist() == [3]


def test_chunks_are_as_wide_as_their_own_widest_row() -> None:
    width_Q = np.array([3, 3, 3, 90, 3, 3, 3, 3], dtype=np.int64)
    found = [rows_B.tolist() for rows_B in chunks(width_Q, 12)]
    assert found == [[0, 1, 2], [3], [4, 5, 6, 7]]
    assert list(chunks(width_Q[:0], 12)) == []


@pytest.mark.parametrize("kind", ["exact", "faiss"])
def test_chunks_change_nothing(kind: SearchKind, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = search(QUERY, ITEM, BANNED, 12, kind, seed=3)
    for name in ("_SCORES_A_CHUNK", "_FOUND_A_CHUNK"):
        monkeypatch.setattr(f"training.mining.search.{name}", 2000)
    parts = search(QUERY, ITEM, BANNED, 12, kind, seed=3)
    assert parts.items.offsets.tolist() == whole.items.offsets.tolist()
    assert parts.items.values_V.tolist() == whole.items.values_V.tolist()
    np.testing.assert_allclose(parts.score_V, whole.score_V, rtol=1e-5)


@pytest.mark.parametrize("kind", ["exact", "faiss"])
def test_one_heavy_query_does_not_widen_the_search_for_the_others(kind: SearchKind) -> None:
    n_items, n_queries = 6000, 3000
    banned = Ragged.from_rows([np.arange(n_items - 5)] + [()] * (n_queries - 1))
    query_QD, item_ND = points(n_queries, 4, 1), points(n_items, 4, 2)
    tracemalloc.start()
    found = search(query_QD, item_ND, banned, 5, kind, seed=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.items.lengths[0] <= 5
    assert (found.items.lengths[1:] == 5).all()
    assert peak < 60_000_000  # bytes of arrays; the keys alone of 3000 rows of 6000 items have 144 million
