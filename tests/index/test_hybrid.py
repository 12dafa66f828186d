from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from index.fusion import POOL, Fusion
from index.hybrid import HybridRanker
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.ivf_flat import IvfFlatKind
from index.lexical.bm25 import Bm25
from index.lexical.query_text import QueryText
from index.lexical.ranker import LexicalRanker
from index.ranking import DenseRanker, FloatArray, Queries
from tests.contracts.index_kind import clustered
from tests.contracts.ranker import RankerContract
from tests.index.lexical.world import index, texts
from tests.index.test_ranking import role

N_ITEMS = 300
FUSIONS = (Fusion("z_score"), Fusion("weighted", 0.3), Fusion("reciprocal_rank"))


@pytest.fixture(scope="module")
def bm25(tmp_path_factory: pytest.TempPathFactory) -> Bm25:
    return index(tmp_path_factory.mktemp("words") / "lexical", texts(N_ITEMS))


def hybrid(bm25: Bm25, fusion: Fusion = FUSIONS[0], kind: IndexKind | None = None) -> HybridRanker:
    made = role(clustered(N_ITEMS), kind or FlatKind())
    return HybridRanker(DenseRanker(made), LexicalRanker(bm25, QueryText(["text"], [])), made, fusion)


def queries(*asked: str, seed: int = 3) -> Queries:
    return Queries(clustered(len(asked), seed=seed), [{"text": text} for text in asked])


class TestHybridRanker(RankerContract):
    @pytest.fixture
    def n_items(self) -> int:
        return N_ITEMS

    @pytest.fixture
    def queries(self) -> Queries:
        records = [{"text": text} for text in ("red mug", "wood", "unheard")]
        return Queries(clustered(N_ITEMS)[[5, 17, 80]], records, np.array([5, 17, 80]))

    @pytest.fixture(params=FUSIONS, ids=lambda fusion: fusion.name)
    def ranker(self, request: pytest.FixtureRequest, bm25: Bm25) -> HybridRanker:
        return hybrid(bm25, request.param, IvfFlatKind(nlist=32, nprobe=2))


def brute_force(bm25: Bm25, vectors_ND: FloatArray, query_D: FloatArray, text: str) -> FloatArray:
    """The mean z-score of every item, over the pool of the POOL best of either side; -inf outside it."""
    dense_N, lexical_N = vectors_ND @ query_D, bm25.scores(text)
    near = np.argsort(-dense_N, kind="stable")[:POOL]
    worded = [row for row in np.argsort(-lexical_N, kind="stable")[:POOL] if lexical_N[row] > 0]
    pool = sorted({*near.tolist(), *worded})
    score_N = np.full(len(vectors_ND), -np.inf, dtype=np.float32)
    score_N[pool] = sum((one[pool] - one[pool].mean()) / one[pool].std() for one in (dense_N, lexical_N)) / 2
    return score_N


def test_the_hits_are_those_of_brute_force(bm25: Bm25) -> None:
    asked = queries("red mug", "old wood lamp", "glass")
    ranking = hybrid(bm25).rank(asked, 10)
    assert asked.records is not None
    for b, query_D in enumerate(asked.embedded()):
        score_N = brute_force(bm25, clustered(N_ITEMS), query_D, str(asked.records[b]["text"]))
        np.testing.assert_allclose(ranking.scores_BR[b], np.sort(score_N)[::-1][:10], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(score_N[ranking.rows_BR[b]], ranking.scores_BR[b], rtol=1e-3, atol=1e-4)


def test_a_score_does_not_depend_on_the_depth(bm25: Bm25) -> None:
    asked = queries("red mug", "wood")
    shallow, deep = (hybrid(bm25).rank(asked, depth) for depth in (5, N_ITEMS))
    for b in range(2):
        scores = dict(zip(deep.rows_BR[b].tolist(), deep.scores_BR[b].tolist(), strict=True))
        found = [scores[row] for row in shallow.rows_BR[b].tolist()]
        assert found == pytest.approx(shallow.scores_BR[b].tolist(), abs=1e-5)


def test_items_that_one_side_alone_finds_are_scored_by_both(bm25: Bm25) -> None:
    asked = queries("red mug")
    (found,) = hybrid(bm25).candidates(asked)
    dense_N, lexical_N = clustered(N_ITEMS) @ asked.embedded()[0], bm25.scores("red mug")
    np.testing.assert_allclose(found.dense_C, dense_N[found.row_C], rtol=1e-5, atol=1e-6)
    assert found.lexical_C.tolist() == lexical_N[found.row_C].tolist()
    by_dense = found.row_C[found.dense_rank_C > 0][np.argsort(found.dense_rank_C[found.dense_rank_C > 0])]
    np.testing.assert_allclose(dense_N[by_dense], np.sort(dense_N)[::-1][:POOL], rtol=1e-5)
    assert ((found.lexical_rank_C > 0) <= (found.lexical_C > 0)).all()
    assert {0} < set(found.dense_rank_C.tolist()) and {0} < set(found.lexical_rank_C.tolist())


def test_unknown_words_leave_the_order_of_the_embeddings(bm25: Bm25) -> None:
    asked = queries("unheard")
    dense = DenseRanker(role(clustered(N_ITEMS), FlatKind())).rank(asked, 20)
    for fusion in FUSIONS:
        assert hybrid(bm25, fusion).rank(asked, 20).rows_BR.tolist() == dense.rows_BR.tolist()


def test_many_threads_give_the_serial_answers(bm25: Bm25) -> None:
    ranker = hybrid(bm25)
    asked = [queries(text, seed=seed) for seed, text in enumerate(texts(40, seed=5))]
    serial = [ranker.rank(one, 8) for one in asked]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(serial, pool.map(lambda each: ranker.rank(each, 8), asked), strict=True):
            assert one.rows_BR.tolist() == other.rows_BR.tolist()
