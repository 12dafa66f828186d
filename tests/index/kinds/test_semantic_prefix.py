from pathlib import Path

import numpy as np
import pytest

from bundle.errors import ConfigError
from bundle.workspace import Collection, Workspace
from index.codebooks import additive_codebooks
from index.corpus import Corpus
from index.kinds.semantic_prefix import SemanticPrefixKind
from index.store import read_version
from index.version import open_version
from tests.contracts.index_kind import DIMENSION, clustered, coded, exact, searcher
from tests.index.shop import build_shop, make_items
from tests.tiny import tiny_bundle


@pytest.mark.parametrize("depth", [1, 2])
def test_one_prefix_gives_the_best_items_under_the_prefix_nearest_to_the_query(depth: int) -> None:
    vectors_ND, query_BD = clustered(3_000), clustered(40, seed=5)
    corpus = coded(vectors_ND, (8, 4, 4))
    assert corpus.codes is not None
    codes_NL = corpus.codes.codes_NL
    first_KD, second_KD = additive_codebooks(corpus.codes.codec, codes_NL)[:2]
    sums = first_KD if depth == 1 else (first_KD[:, None] + second_KD).reshape(-1, DIMENSION)
    prefix_N = codes_NL[:, 0] if depth == 1 else codes_NL[:, 0] * 4 + codes_NL[:, 1]
    kind = SemanticPrefixKind(depth=depth, nprobe=1)
    rows_BK = _search(kind, corpus, query_BD, 5)
    n_full = 0
    for query_D, rows_K in zip(query_BD, rows_BK, strict=True):
        nearest = int(np.argmin(np.square(sums - query_D).sum(axis=1)))
        below = np.flatnonzero(prefix_N == nearest)
        if len(below) >= 5:
            n_full += 1
            np.testing.assert_array_equal(rows_K, below[exact(query_D[None], vectors_ND[below], 5)[0]])
    assert n_full >= 10


def _search(kind: SemanticPrefixKind, corpus: Corpus, query_BD: np.ndarray, k: int) -> np.ndarray:
    """Rows of the index itself, -1 where the prefixes hold fewer than k items."""
    resolved = kind.resolve(corpus)
    rows_BK: np.ndarray = resolved.build(corpus, 0).search(query_BD, k, params=resolved.parameters({}))[1]
    return rows_BK


@pytest.mark.parametrize("depth", [1, 2])
def test_all_prefixes_are_the_whole_corpus_and_more_prefixes_never_find_less(depth: int) -> None:
    vectors_ND, query_BD = clustered(2_000), clustered(50, seed=6)
    corpus, truth = coded(vectors_ND), exact(query_BD, vectors_ND, 10)

    def found(nprobe: int) -> int:
        rows_BK = _search(SemanticPrefixKind(depth=depth, nprobe=nprobe), corpus, query_BD, 10)
        return sum(len(set(a) & set(b)) for a, b in zip(rows_BK.tolist(), truth.tolist(), strict=True))

    shares = [found(nprobe) for nprobe in (1, 2, 8, 32, 256)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1] == truth.size


def test_an_answer_from_prefixes_with_few_items_is_completed_exactly() -> None:
    vectors_ND, query_BD = clustered(300), clustered(9, seed=8)
    _, rows_BK = searcher(SemanticPrefixKind(depth=2), vectors_ND).search(query_BD, 200, {"nprobe": 1})
    np.testing.assert_array_equal(np.sort(rows_BK), np.sort(exact(query_BD, vectors_ND, 200)))


def test_resolving_counts_the_prefixes() -> None:
    corpus = coded(clustered(20), (32, 8))
    assert SemanticPrefixKind(nprobe=100).resolve(corpus).setting() == {"nprobe": 32}
    resolved = SemanticPrefixKind(depth=2).resolve(corpus)
    assert resolved.n_prefixes == 256
    assert resolved.resolve(corpus) == resolved


@pytest.mark.parametrize(
    ("kind", "sizes", "named"),
    [
        (SemanticPrefixKind(depth=2), (8,), "depth is 2, but .* have 1 level"),
        (SemanticPrefixKind(), (6, 4), "power of two.* one of 6"),
        (SemanticPrefixKind(depth=2), (4, 1), "power of two.* one of 1"),
        (SemanticPrefixKind(n_prefixes=9), (8, 4), "n_prefixes is 9, .* make 8"),
        (SemanticPrefixKind(depth=2), (2048, 1024), "2097152 prefixes"),
    ],
)
def test_a_quantizer_that_makes_no_lists_is_refused(
    kind: SemanticPrefixKind, sizes: tuple[int, ...], named: str
) -> None:
    with pytest.raises(ConfigError, match=named):
        kind.resolve(coded(clustered(10), sizes))


def test_a_corpus_without_semantic_ids_is_refused() -> None:
    with pytest.raises(ConfigError, match="without a quantizer"):
        SemanticPrefixKind().resolve(Corpus(clustered(10)))


def test_a_version_is_built_measured_opened_and_searched(own_shop: Collection) -> None:
    make_items(own_shop.folder.parents[1] / "items.parquet", 400)
    version = build_shop(own_shop, kind={"kind": "semantic_prefix", "depth": 2, "nprobe": 1}, target_recall=0.95)
    manifest = read_version(own_shop, version)
    assert manifest.kind.setting()["nprobe"] > 1
    assert manifest.recall.points[0].params == {"nprobe": 1}
    for mmap in (True, False):
        opened = open_version(own_shop, version, mmap=mmap)
        hits = opened.search(opened.vectors(["item-7"]), 3)
        np.testing.assert_allclose(hits.scores_BK[0, 0], 1, atol=1e-5)


def test_a_bundle_without_a_quantizer_builds_no_such_version(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    tiny_bundle(collection, codebook_sizes=None)
    make_items(tmp_path / "items.parquet", 20)
    with pytest.raises(ConfigError, match="needs semantic IDs"):
        build_shop(collection, kind={"kind": "semantic_prefix"})
