import numpy as np
import pyarrow as pa
import pytest

from index.allowed_rows import AllowedRows
from index.corpus import Corpus
from index.device import CpuIndex
from index.ids import ItemIds, id_table
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.ivf_flat import IvfFlatKind
from index.ranking import DEEPEST_SEARCH, DenseRanker, FloatArray, Queries, Ranker, Rescored
from index.role import Role
from index.searcher import FaissSearcher, RowSearcher
from tests.contracts.index_kind import clustered
from tests.contracts.ranker import RankerContract

N_ITEMS = 300


def role(vectors_ND: FloatArray, kind: IndexKind) -> Role:
    ids = ItemIds(id_table(pa.chunked_array([[str(row) for row in range(len(vectors_ND))]])).to_batches()[0])
    kind = kind.resolve(Corpus(vectors_ND))
    rows = RowSearcher(CpuIndex(kind.build(Corpus(vectors_ND), 0)), kind, vectors_ND)
    return Role(FaissSearcher(rows, ids, "dot"), vectors_ND)


@pytest.fixture
def n_items() -> int:
    return N_ITEMS


@pytest.fixture
def queries() -> Queries:
    return Queries(clustered(N_ITEMS)[[5, 17, 80]], own_rows_B=np.array([5, 17, 80]))


class TestDenseRanker(RankerContract):
    @pytest.fixture(params=[FlatKind(), IvfFlatKind(nlist=32, nprobe=2)], ids=lambda kind: kind.kind)
    def ranker(self, request: pytest.FixtureRequest) -> Ranker:
        return DenseRanker(role(clustered(N_ITEMS), request.param))


ALLOWED_N = np.arange(N_ITEMS) % 5 == 0  # rows 5 and 80, which ask, are among them, and 17 is not


class TestDenseRankerAmongAllowedRows(RankerContract):
    @pytest.fixture(params=[FlatKind(), IvfFlatKind(nlist=32, nprobe=2)], ids=lambda kind: kind.kind)
    def ranker(self, request: pytest.FixtureRequest) -> Ranker:
        return DenseRanker(role(clustered(N_ITEMS), request.param), allowed=AllowedRows.of_mask(ALLOWED_N))

    def test_only_allowed_rows_are_ranked_and_counted(self, ranker: Ranker, queries: Queries) -> None:
        ranking = ranker.rank(queries, N_ITEMS)
        assert ranking.total_B.tolist() == [59, 60, 59]
        expected = set(np.flatnonzero(ALLOWED_N).tolist())
        for b, own in enumerate([5, 17, 80]):
            assert set(ranking.of(b, N_ITEMS)[1].tolist()) == expected - {own}


class TestRescored(RankerContract):
    @pytest.fixture
    def ranker(self) -> Ranker:
        made = role(clustered(N_ITEMS), IvfFlatKind(nlist=32, nprobe=2))
        return Rescored(DenseRanker(made), made, 20)


def test_a_ranking_deeper_than_any_search_is_exact() -> None:
    vectors_ND = clustered(DEEPEST_SEARCH + 200)
    query_BD = clustered(2, seed=4)
    ranking = DenseRanker(role(vectors_ND, IvfFlatKind(nlist=64, nprobe=1))).rank(Queries(query_BD), DEEPEST_SEARCH + 1)
    best_BR = np.argsort(-(query_BD @ vectors_ND.T), axis=1, kind="stable")[:, : DEEPEST_SEARCH + 1]
    expected_BR = np.take_along_axis(query_BD @ vectors_ND.T, best_BR, axis=1)
    np.testing.assert_allclose(ranking.scores_BR, expected_BR, rtol=1e-5, atol=1e-6)


def test_a_ranking_of_allowed_rows_deeper_than_any_search_is_exact() -> None:
    vectors_ND, query_BD = clustered(3 * DEEPEST_SEARCH), clustered(2, seed=4)
    mask_N = np.arange(len(vectors_ND)) % 2 == 0
    made = role(vectors_ND, IvfFlatKind(nlist=64, nprobe=1))
    ranking = DenseRanker(made, allowed=AllowedRows.of_mask(mask_N)).rank(Queries(query_BD), DEEPEST_SEARCH + 1)
    score_BN = np.where(mask_N, query_BD @ vectors_ND.T, -np.inf)
    expected_BR = -np.sort(-score_BN, axis=1)[:, : DEEPEST_SEARCH + 1]
    np.testing.assert_allclose(ranking.scores_BR, expected_BR, rtol=1e-5, atol=1e-6)
    assert mask_N[ranking.rows_BR].all()


def test_no_allowed_rows_give_an_empty_ranking() -> None:
    nothing = AllowedRows.of_mask(np.zeros(N_ITEMS, dtype=bool))
    made = role(clustered(N_ITEMS), FlatKind())
    ranking = Rescored(DenseRanker(made, allowed=nothing), made, 10).rank(Queries(clustered(2)), 5)
    assert ranking.total_B.tolist() == [0, 0]
    assert ranking.of(0, 5)[1].tolist() == []


def test_rescoring_orders_the_candidates_by_the_vectors_of_its_role() -> None:
    vectors_ND = clustered(N_ITEMS)
    coarse, fine = role(np.round(vectors_ND, 1), FlatKind()), role(vectors_ND, FlatKind())
    queries = Queries(clustered(4, seed=2))
    candidates = DenseRanker(coarse).rank(queries, 30)
    ranking = Rescored(DenseRanker(coarse), fine, 30).rank(queries, 5)
    for b, query_D in enumerate(queries.embedded()):
        exact = sorted((float(vectors_ND[row] @ query_D) for row in candidates.rows_BR[b]), reverse=True)
        np.testing.assert_allclose(ranking.scores_BR[b], exact[:5], rtol=1e-5)


def test_joined_queries_keep_their_order_and_their_forms() -> None:
    parts = [Queries(np.full((1, 2), b, dtype=np.float32), [{"text": str(b)}]) for b in range(3)]
    joined = Queries.joined(parts)
    assert joined.embedded()[:, 0].tolist() == [0, 1, 2]
    assert joined.records == [{"text": "0"}, {"text": "1"}, {"text": "2"}]
    assert joined.own_rows_B is None
    assert joined.at([2, 0]).records == [{"text": "2"}, {"text": "0"}]


def test_queries_that_were_not_embedded_are_refused() -> None:
    with pytest.raises(ValueError, match="were not embedded"):
        DenseRanker(role(clustered(N_ITEMS), FlatKind())).rank(Queries(records=[{"text": "a"}]), 3)
