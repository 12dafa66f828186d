from typing import cast

import numpy as np
import pytest

from index.corpus import Corpus
from index.device import CpuIndex
from index.hub_correction import HubCorrected
from index.hubness.bias import HubnessBias
from index.hubness.config import METHODS, HubnessConfig, HubnessMethod
from index.hubness.fit import FittedBias, fit_bias
from index.ids import ItemIds
from index.kinds.flat import FlatKind
from index.ranking import DenseRanker, Queries, Ranker, Ranking
from index.role import Role
from index.searcher import FaissSearcher, RowSearcher
from tests.contracts.ranker import RankerContract
from tests.index.hubness.hubs import FloatArray, Shifted, shifted


def role(vectors_ND: FloatArray) -> Role:
    kind = FlatKind()
    rows = RowSearcher(CpuIndex(kind.build(Corpus(vectors_ND), 0)), kind, vectors_ND)
    return Role(FaissSearcher(rows, cast(ItemIds, range(len(vectors_ND))), "cosine"), vectors_ND)


@pytest.fixture(scope="module")
def task() -> Shifted:
    return shifted(n_items=3_000, n_queries=3_000)


@pytest.fixture(scope="module")
def fitted(task: Shifted) -> FittedBias:
    return fit_bias(task.items_ND, task.asking(with_positives=False), HubnessConfig(), "cosine", 0)


@pytest.fixture(scope="module")
def bias(fitted: FittedBias) -> HubnessBias:
    return fitted.bias


class TestContract(RankerContract):
    @pytest.fixture
    def n_items(self) -> int:
        return 3_000

    @pytest.fixture(params=METHODS)
    def ranker(self, request: pytest.FixtureRequest, task: Shifted, bias: HubnessBias) -> Ranker:
        return HubCorrected(DenseRanker(role(task.items_ND)), bias, request.param)

    @pytest.fixture
    def queries(self, task: Shifted) -> Queries:
        own = np.array([3, 17, 2_999])
        return Queries(task.items_ND[own], own_rows_B=own)


@pytest.mark.parametrize("method", METHODS)
def test_the_candidates_hold_the_best_of_the_whole_corpus(
    task: Shifted, fitted: FittedBias, method: HubnessMethod
) -> None:
    queries = Queries(task.queries_QD[:200])
    n_candidates = fitted.report.n_candidates
    assert 200 < n_candidates < 2_000 and fitted.report.overlap >= 0.99
    ranker = HubCorrected(DenseRanker(role(task.items_ND)), fitted.bias, method)
    few = ranker.rank(queries, 10)
    all_rows = ranker.rank(queries, 3_000)
    overlap = [len(set(few.rows_BR[b]) & set(all_rows.rows_BR[b, :10])) for b in range(200)]
    assert np.mean(overlap) >= 9.85  # the build measured it on other queries, with half of the bank
    assert few.total_B.tolist() == [3_000] * 200
    raw = DenseRanker(role(task.items_ND)).rank(queries, 10)
    assert np.mean([len(set(few.rows_BR[b]) & set(raw.rows_BR[b])) for b in range(200)]) < 9  # it does something


def test_a_score_is_that_of_the_vectors_plus_the_bias(task: Shifted, bias: HubnessBias) -> None:
    ranking = HubCorrected(DenseRanker(role(task.items_ND)), bias, "inverted_softmax").rank(
        Queries(task.queries_QD[:5]), 10
    )
    plain_BR = np.einsum("bd,brd->br", task.queries_QD[:5], task.items_ND[ranking.rows_BR])
    np.testing.assert_allclose(ranking.scores_BR, plain_BR - bias.nearness_2N[0][ranking.rows_BR], atol=1e-5)


def test_with_no_hub_of_the_bank_the_dynamic_form_is_the_raw_order(task: Shifted, bias: HubnessBias) -> None:
    closed = HubnessBias(bias.nearness_2N, np.zeros_like(bias.is_activated_2N), 20, 5, 200)
    raw = DenseRanker(role(task.items_ND)).rank(Queries(task.queries_QD[:50]), 100)
    kept = HubCorrected(DenseRanker(role(task.items_ND)), closed, "dual_dynamic_inverted_softmax").rank(
        Queries(task.queries_QD[:50]), 100
    )
    assert kept.rows_BR.tolist() == raw.rows_BR.tolist()
    assert kept.scores_BR.tolist() == raw.scores_BR.tolist()


class Short:
    """A ranker that finds two rows, whatever is asked."""

    def __init__(self) -> None:
        self.depths: list[int] = []

    def rank(self, queries: Queries, depth: int) -> Ranking:
        self.depths.append(depth)
        scores_BR = np.array([[0.5, 0.4, -np.inf]], dtype=np.float32)
        return Ranking(scores_BR, np.array([[1, 0, -1]]), np.array([2]))


def test_padding_stays_last_and_depth_is_never_cut() -> None:
    inner, nearness_2N = Short(), np.array([[-0.3, 0.3, 0.0], [0, 0, 0]], dtype=np.float32)
    ranker = HubCorrected(inner, HubnessBias(nearness_2N, np.zeros((2, 3), bool), 1, 1, 200), "inverted_softmax")
    ranking = ranker.rank(Queries(np.zeros((1, 2), np.float32)), 3)
    assert ranking.rows_BR.tolist() == [[0, 1, -1]]
    np.testing.assert_allclose(ranking.scores_BR, [[0.7, 0.2, -np.inf]])
    for depth in (100, 5_000):
        ranker.rank(Queries(np.zeros((1, 2), np.float32)), depth)
    assert inner.depths == [200, 1_000, 5_000]
