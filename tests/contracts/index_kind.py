"""What every index kind owes its users, whatever its data structure."""

import copy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter

from index.corpus import Corpus, CorpusCodes
from index.device import CpuIndex
from index.errors import InvalidSearchParams
from index.kinds import IndexKind
from index.searcher import RowSearcher
from index.threads import use_threads
from tests.tiny import residual_codec

N_ITEMS, DIMENSION, RECALL_FLOOR = 2_000, 16, 0.9
FloatArray = NDArray[np.float32]


def clustered(count: int, seed: int = 0) -> FloatArray:
    """Unit vectors around 40 centres: catalogues are clustered, and uniform noise has no near neighbours."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((40, DIMENSION))
    vectors = centres[rng.integers(0, 40, count)] + 0.4 * rng.standard_normal((count, DIMENSION))
    unit: FloatArray = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def coded(vectors_ND: FloatArray, sizes: tuple[int, ...] = (32, 8)) -> Corpus:
    """The vectors with semantic IDs of a residual quantizer whose first codebook is of corpus-like vectors."""
    rng = np.random.default_rng(3)
    codebooks = [clustered(sizes[0], seed=8)]
    codebooks += [0.3 * rng.standard_normal((size, DIMENSION)).astype(np.float32) for size in sizes[1:]]
    codec = residual_codec(codebooks)
    return Corpus(vectors_ND, CorpusCodes(codec, codec.encode(vectors_ND)))


def exact(query_BD: FloatArray, vectors_ND: FloatArray, k: int) -> NDArray[np.int64]:
    return np.argsort(-(query_BD @ vectors_ND.T), axis=1, kind="stable")[:, :k]


def searcher(kind: IndexKind, vectors_ND: FloatArray, seed: int = 0) -> RowSearcher:
    corpus = coded(vectors_ND)
    with use_threads(1):
        index = kind.resolve(corpus).build(corpus, seed)
    return RowSearcher(CpuIndex(index), kind.resolve(corpus), vectors_ND)


class IndexKindContract:
    """Subclass with a `kind` fixture."""

    def test_recall_of_unseen_queries_has_a_floor(self, kind: IndexKind) -> None:
        vectors_ND, query_BD = clustered(N_ITEMS), clustered(50, seed=1)
        _, rows_BK = searcher(kind, vectors_ND).search(query_BD, 10)
        truth = exact(query_BD, vectors_ND, 10)
        shared = [len(set(found) & set(best)) for found, best in zip(rows_BK.tolist(), truth.tolist(), strict=True)]
        assert np.mean(shared) / 10 >= RECALL_FLOOR

    def test_scores_are_the_inner_products_of_the_rows_in_falling_order(self, kind: IndexKind) -> None:
        vectors_ND, query_BD = clustered(N_ITEMS), clustered(20, seed=2)
        scores_BK, rows_BK = searcher(kind, vectors_ND).search(query_BD, 10)
        np.testing.assert_allclose(scores_BK, np.einsum("bd,bkd->bk", query_BD, vectors_ND[rows_BK]), rtol=0, atol=1e-5)
        assert (np.diff(scores_BK, axis=1) <= 0).all()

    def test_scores_stay_inner_products_where_the_search_is_cut_to_the_bone(self, kind: IndexKind) -> None:
        vectors_ND, query_BD = clustered(N_ITEMS), clustered(20, seed=2)
        scores_BK, rows_BK = searcher(kind, vectors_ND).search(query_BD, 10, dict.fromkeys(kind.accepted, 1))
        np.testing.assert_allclose(scores_BK, np.einsum("bd,bkd->bk", query_BD, vectors_ND[rows_BK]), rtol=0, atol=1e-5)

    def test_an_item_finds_itself_at_its_own_row(self, kind: IndexKind) -> None:
        vectors_ND = clustered(N_ITEMS)
        _, rows_BK = searcher(kind, vectors_ND).search(vectors_ND[100:120], 1)
        assert (rows_BK[:, 0] == np.arange(100, 120)).mean() >= 0.95

    @pytest.mark.parametrize("count", [1, 2, 7, 300])
    def test_a_k_beyond_the_corpus_gives_every_item_once(self, kind: IndexKind, count: int) -> None:
        vectors_ND = clustered(count)
        scores_BK, rows_BK = searcher(kind, vectors_ND).search(clustered(3, seed=3), 1_000)
        assert scores_BK.shape == rows_BK.shape == (3, count)
        assert all(sorted(rows_K) == list(range(count)) for rows_K in rows_BK.tolist())

    def test_dot_scores_rank_long_vectors_first(self, kind: IndexKind) -> None:
        vectors_ND = clustered(N_ITEMS)
        vectors_ND[5] *= 10
        _, rows_BK = searcher(kind, vectors_ND).search(vectors_ND[5:6], 1)
        assert rows_BK[0, 0] == 5

    def test_a_saved_index_answers_alike_mapped_and_read(self, kind: IndexKind, tmp_path: Path) -> None:
        vectors_ND, query_BD = clustered(N_ITEMS), clustered(20, seed=4)
        resolved = kind.resolve(coded(clustered(N_ITEMS)))
        index = resolved.build(coded(vectors_ND), 0)
        faiss.write_index(index, str(tmp_path / "index.faiss"))
        expected = RowSearcher(CpuIndex(index), resolved, vectors_ND).search(query_BD, 10)
        for flags in (0, faiss.IO_FLAG_MMAP_IFC):
            again = CpuIndex(faiss.read_index(str(tmp_path / "index.faiss"), flags))
            found = RowSearcher(again, resolved, vectors_ND).search(query_BD, 10)
            np.testing.assert_array_equal(found[1], expected[1])
            np.testing.assert_array_equal(found[0], expected[0])

    @pytest.mark.parametrize("threads", [1, 2])
    def test_a_build_repeats_byte_for_byte_where_it_says_so(self, kind: IndexKind, threads: int) -> None:
        vectors_ND = clustered(N_ITEMS)
        with use_threads(threads):
            first, second = (faiss.serialize_index(kind.build(coded(vectors_ND), 3)).tobytes() for _ in range(2))
        assert kind.is_deterministic(threads=1)
        assert first == second or not kind.is_deterministic(threads)

    def test_the_bytes_of_an_item_are_what_it_adds_to_the_file(self, kind: IndexKind) -> None:
        corpora = [coded(clustered(count)) for count in (N_ITEMS, 2 * N_ITEMS)]
        resolved = kind.resolve(corpora[0])  # the same lists for both
        sizes = [faiss.serialize_index(resolved.build(corpus, 0)).size for corpus in corpora]
        assert (sizes[1] - sizes[0]) / N_ITEMS == pytest.approx(resolved.bytes_per_item(DIMENSION), rel=0.05)

    def test_the_config_survives_json(self, kind: IndexKind) -> None:
        adapter: TypeAdapter[IndexKind] = TypeAdapter(IndexKind)
        resolved = kind.resolve(coded(clustered(N_ITEMS)))
        assert adapter.validate_json(resolved.model_dump_json()) == resolved

    def test_unknown_and_silly_params_are_refused_naming_what_the_kind_takes(self, kind: IndexKind) -> None:
        with pytest.raises(InvalidSearchParams, match="'radius'.*" + kind.kind):
            kind.parameters({"radius": 3})
        for name in kind.accepted:
            for value in (0, -1, True, 10**9):
                with pytest.raises(InvalidSearchParams, match=name):
                    kind.parameters({name: value})

    def test_params_of_one_search_leave_the_next_alone(self, kind: IndexKind) -> None:
        vectors_ND, query_BD = clustered(N_ITEMS), clustered(20, seed=5)
        rows = searcher(kind, vectors_ND)
        before = copy.deepcopy(rows.search(query_BD, 10)[1])
        for name in kind.accepted:
            rows.search(query_BD, 10, {name: 1})
        np.testing.assert_array_equal(rows.search(query_BD, 10)[1], before)

    def test_eight_threads_get_the_answers_of_one(self, kind: IndexKind) -> None:
        rows, query_BD = searcher(kind, clustered(N_ITEMS)), clustered(64, seed=6)
        with ThreadPoolExecutor(max_workers=8) as pool:
            found = list(pool.map(lambda query_D: rows.search(query_D[None], 10), query_BD))
        for query_D, (scores_1K, rows_1K) in zip(query_BD, found, strict=True):
            alone = rows.search(query_D[None], 10)
            np.testing.assert_array_equal(rows_1K, alone[1])
            np.testing.assert_array_equal(scores_1K, alone[0])

    def test_settings_widen_to_an_end(self, kind: IndexKind) -> None:
        resolved = kind.resolve(coded(clustered(N_ITEMS)))
        variants = resolved.variants()
        assert resolved in variants
        assert [v.setting() for v in variants] == sorted((v.setting() for v in variants), key=lambda s: [*s.values()])
        widest, steps = resolved, 0
        while widest.wider():
            before, widest, steps = widest.setting(), widest.wider()[0], steps + 1
            assert all(value >= before[name] for name, value in widest.setting().items())
        assert steps < 30
