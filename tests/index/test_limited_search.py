from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bundle.semantic_id import SemanticIdSpace
from bundle.workspace import Collection
from index.allowed_rows import AllowedRows
from index.corpus import Corpus
from index.device import CpuIndex, Found
from index.ids import ItemIds, id_table
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.ivf_flat import IvfFlatKind
from index.limited_search import Group, LimitedHits, LimitedSearch
from index.prefix import PrefixIndex, semantic_id_table
from index.prefix_limit import PrefixLimit
from index.ranking import DEEPEST_SEARCH, DenseRanker, Queries, Rescored
from index.role import Role
from index.searcher import FaissSearcher, RowSearcher
from index.version import IndexVersion, open_version
from tests.index.codebooks import suffixed
from tests.index.shop import build_shop

SIZES = (3, 2)
FloatArray = NDArray[np.float32]


def version(
    vectors_ND: FloatArray, codes: list[list[int]], opened: IndexVersion, kind: IndexKind | None = None
) -> tuple[IndexVersion, PrefixIndex]:
    """A version with these vectors and codes; its other parts are those of `opened`, and are not read."""
    ids = ItemIds(id_table(pa.chunked_array([names(len(codes))])).combine_chunks().to_batches()[0])
    space, corpus = SemanticIdSpace(SIZES), Corpus(vectors_ND)
    table = semantic_id_table(suffixed(np.array(codes, dtype=np.int64), space))
    prefix = PrefixIndex(table.combine_chunks().to_batches()[0], space, ids)
    kind = (kind or FlatKind()).resolve(corpus)
    searcher = FaissSearcher(RowSearcher(CpuIndex(kind.build(corpus, 0)), kind, vectors_ND), ids, "dot")
    manifest = opened.manifest.model_copy(
        update={"count": len(codes), "dimension": vectors_ND.shape[1], "metric": "dot"}
    )
    return IndexVersion(manifest, {"similar": Role(searcher, vectors_ND)}, prefix, None, ids, opened.columns), prefix


@dataclass(frozen=True)
class Named:
    """The hits of one query by name."""

    item_ids: list[str]
    scores_K: FloatArray
    groups: list[Group]
    is_exhaustive: bool


def named(hits: LimitedHits) -> Named:
    item_ids = [f"i{row:05d}" for row in hits.rows_K.tolist()]
    return Named(item_ids, hits.scores_K, hits.groups, hits.is_exhaustive)


def names(count: int) -> list[str]:
    return [f"i{row:05d}" for row in range(count)]


@st.composite
def corpora(draw: Any) -> tuple[FloatArray, list[list[int]], FloatArray]:
    """Vectors of few different values, so that ties and duplicates are common; codes that are often all alike."""
    count = draw(st.integers(1, 60))
    code = st.just([1, 1]) if draw(st.booleans()) else st.tuples(*(st.integers(0, n - 1) for n in SIZES)).map(list)
    codes = draw(st.lists(code, min_size=count, max_size=count))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([3, 1_000]))
    vectors_ND = rng.integers(0, levels, (count, 2)).astype(np.float32)
    return vectors_ND, codes, rng.integers(0, levels, (2, 2)).astype(np.float32)


@settings(max_examples=300, deadline=None)
@given(
    corpora(),
    st.integers(1, 80),
    st.integers(1, 2),
    st.integers(1, 4),
    st.booleans(),
    st.sampled_from([None, 1, 5]),
    st.booleans(),
    st.none() | st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_the_hits_are_those_of_the_full_exact_ranking(
    opened_once: IndexVersion,
    corpus: tuple[FloatArray, list[list[int]], FloatArray],
    k: int,
    level: int,
    most: int,
    grouped: bool,
    rescored: int | None,
    by_item: bool,
    mask: list[bool] | None,
) -> None:
    vectors_ND, codes, query_BD = corpus
    allowed = None if mask is None else AllowedRows.of_mask(np.array(mask[: len(codes)]))
    own = [row % len(codes) for row in range(2)] if by_item else [None, None]
    made, prefix = version(vectors_ND, codes, opened_once)
    dense = DenseRanker(made.role(), allowed=allowed)
    ranker = dense if rescored is None else Rescored(dense, made.role(), rescored)
    queries = Queries(query_BD, own_rows_B=np.array(own) if by_item else None)
    all_hits = LimitedSearch(ranker, prefix, k, PrefixLimit(level, most, grouped), allowed).run(queries)
    for query_D, own_row, hits in zip(query_BD, own, [named(one) for one in all_hits], strict=True):
        rows = [row for row in range(len(codes)) if row != own_row and (mask is None or mask[row])]
        scores = {names(len(codes))[row]: float(vectors_ND[row] @ query_D) for row in rows}
        prefixes = {names(len(codes))[row]: "-".join(map(str, codes[row][:level])) for row in rows}
        assert len(set(hits.item_ids)) == len(hits.item_ids)
        assert hits.scores_K.tolist() == [scores[item_id] for item_id in hits.item_ids]
        if grouped:
            check_groups(hits, scores, prefixes, k, most)
        else:
            check_hits(hits, scores, prefixes, k, most)


def check_hits(hits: Named, scores: dict[str, float], prefixes: dict[str, str], k: int, most: int) -> None:
    """Greedy selection; whichever of equal scores comes first, the scores of the selected are the same."""
    taken: Counter[str] = Counter()
    allowed = []
    for item_id in sorted(scores, key=lambda item_id: -scores[item_id]):
        taken[prefixes[item_id]] += 1
        if taken[prefixes[item_id]] <= most:
            allowed.append(scores[item_id])
    assert hits.scores_K.tolist() == allowed[:k]
    assert all(count <= most for count in Counter(prefixes[item_id] for item_id in hits.item_ids).values())
    assert hits.is_exhaustive == (k >= len(allowed))
    assert hits.groups == []


def check_groups(hits: Named, scores: dict[str, float], prefixes: dict[str, str], k: int, most: int) -> None:
    """Every group holds the best scores below its prefix, and no prefix with a better best score is missing."""
    below: dict[str, list[float]] = {}
    for item_id in sorted(scores, key=lambda item_id: -scores[item_id]):
        below.setdefault(prefixes[item_id], []).append(scores[item_id])
    start, best = 0, []
    for group in hits.groups:
        item_ids = hits.item_ids[start : start + group.n_hits]
        assert {prefixes[item_id] for item_id in item_ids} == {group.prefix}
        found = hits.scores_K[start : start + group.n_hits].tolist()
        assert found == below[group.prefix][:most]
        best.append(found[0])
        start += group.n_hits
    assert start == len(hits.item_ids)
    assert len({group.prefix for group in hits.groups}) == len(hits.groups)
    assert best == sorted((values[0] for values in below.values()), reverse=True)[:k]
    assert hits.is_exhaustive == (k >= len(below))


@pytest.fixture(scope="session")
def opened_once(shop: Collection, shop_version: str) -> IndexVersion:
    return open_version(shop, shop_version)


@pytest.mark.parametrize("kind", [FlatKind(), IvfFlatKind(nlist=64, nprobe=1)], ids=lambda kind: kind.kind)
@pytest.mark.parametrize("grouped", [False, True])
def test_hits_that_lie_deeper_than_any_search_are_found(
    opened_once: IndexVersion, kind: IndexKind, grouped: bool
) -> None:
    count = DEEPEST_SEARCH + 500
    vectors_ND = np.stack([np.arange(count, 0, -1), np.ones(count)], axis=1).astype(np.float32)
    codes = [[0, 0]] * (count - 2) + [[1, 0], [2, 1]]
    made, prefix = version(vectors_ND, codes, opened_once, kind)
    search = LimitedSearch(DenseRanker(made.role()), prefix, 5, PrefixLimit(1, 2, grouped))
    (hits,) = search.run(Queries(np.array([[1, 0]], dtype=np.float32)))
    assert hits.rows_K.tolist() == [0, 1, count - 2, count - 1]
    assert hits.is_exhaustive
    assert [group.n_hits for group in hits.groups] == ([2, 1, 1] if grouped else [])


class Heard(FaissSearcher):
    """A searcher that remembers how many queries it was asked, and how deep."""

    asked: list[tuple[int, int]]

    def search_rows(
        self, query_BD: FloatArray, k: int, params: Mapping[str, int], allowed: AllowedRows | None = None
    ) -> Found:
        self.asked = [*getattr(self, "asked", []), (len(query_BD), k)]
        return super().search_rows(query_BD, k, params, allowed)


def test_only_a_query_that_is_short_is_searched_again(opened_once: IndexVersion) -> None:
    vectors_ND = np.stack([np.arange(100, 0, -1), np.arange(100)], axis=1).astype(np.float32)
    codes = [[0, 0]] * 60 + [[row % 3, row % 2] for row in range(40)]
    made, prefix = version(vectors_ND, codes, opened_once)
    rows = RowSearcher(CpuIndex(FlatKind().build(Corpus(vectors_ND), 0)), FlatKind(), vectors_ND)
    heard = Heard(rows, made.ids, "dot")
    ranker = DenseRanker(Role(heard, made.role().vectors_ND))
    LimitedSearch(ranker, prefix, 3, PrefixLimit(1, 1)).run(Queries(np.eye(2, dtype=np.float32)))
    assert heard.asked == [(2, 12), (1, 24), (1, 48), (1, 96)]


def test_a_built_version_groups_by_the_codes_it_serves(own_shop: Collection) -> None:
    opened = open_version(own_shop, build_shop(own_shop))
    assert opened.prefix is not None
    search = LimitedSearch(DenseRanker(opened.role()), opened.prefix, 4, PrefixLimit(1, 2, grouped=True))
    (hits,) = search.run(Queries(opened.vectors(["item-3"])))
    item_ids = opened.ids.at(hits.rows_K.tolist())
    semantic_ids = opened.semantic_ids(item_ids)
    assert semantic_ids is not None
    assert item_ids[0] in {"item-3", "item-2"}  # they may share a title
    prefixes = [group.prefix for group in hits.groups for _ in range(group.n_hits)]
    assert prefixes == [str(one.codes[0]) for one in semantic_ids]
    np.testing.assert_allclose(hits.scores_K, opened.scores(opened.vectors(["item-3"])[0], item_ids), atol=1e-6)
