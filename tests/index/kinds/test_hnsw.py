import faiss
import numpy as np

from index.corpus import Corpus
from index.kinds.hnsw import HnswKind
from tests.contracts.index_kind import clustered, exact, searcher


def test_a_larger_ef_search_finds_more() -> None:
    vectors_ND, query_BD = clustered(2_000), clustered(100, seed=6)
    rows = searcher(HnswKind(m=4, ef_construction=8), vectors_ND)
    truth = exact(query_BD, vectors_ND, 10)

    def recall(ef_search: int) -> float:
        found = rows.search(query_BD, 10, {"ef_search": ef_search})[1]
        return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), truth.tolist(), strict=True)]))

    assert recall(10) < recall(200)


def test_the_search_queue_stays_bounded_because_unbounded_ignores_selectors() -> None:
    parameters = HnswKind().parameters({"ef_search": 33})
    assert parameters is not None
    assert parameters.efSearch == 33
    assert parameters.bounded_queue is True


def test_a_selector_is_obeyed() -> None:
    index, parameters = HnswKind().build(Corpus(clustered(4)), 0), HnswKind().parameters({})
    assert parameters is not None
    parameters.sel = faiss.IDSelectorRange(1, 2)
    assert index.search(clustered(4), 2, params=parameters)[1].tolist() == [[1, -1]] * 4


def test_the_seed_draws_the_layers_and_only_one_thread_repeats_a_graph() -> None:
    vectors_ND = clustered(2_000)
    built = [HnswKind().build(Corpus(vectors_ND), seed) for seed in (0, 0, 1)]
    first, again, other = (faiss.vector_to_array(index.hnsw.levels) for index in built)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert HnswKind().is_deterministic(threads=1)
    assert not HnswKind().is_deterministic(threads=2)


def test_links_and_candidates_are_the_ones_asked_for() -> None:
    index = HnswKind(m=8, ef_construction=21, ef_search=17).build(Corpus(clustered(100)), 0)
    assert index.hnsw.nb_neighbors(0) == 16
    assert (index.hnsw.efConstruction, index.hnsw.efSearch) == (21, 17)
