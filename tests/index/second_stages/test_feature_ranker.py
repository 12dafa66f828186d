"""A ranking whose head a feature ranker orders."""

from pathlib import Path

import numpy as np
import pytest

from index.errors import RerankerFailed
from index.feature_ranking import CorpusRanker
from index.kinds.flat import FlatKind
from index.ranking import DenseRanker, Queries, Ranker
from index.second_stages.blend import Blend
from index.second_stages.contract import Runtime
from index.second_stages.feature_ranker import FeatureRanker
from index.second_stages.staged import Staged
from tests.contracts.index_kind import clustered
from tests.contracts.ranker import RankerContract
from tests.index.feature_corpus import N_ITEMS, feature_corpus
from tests.index.second_stages.timed import found
from tests.index.test_ranking import role
from tests.index.worded import numbered

ROLE = role(clustered(N_ITEMS), FlatKind())
STAGE = FeatureRanker(kind="feature_ranker")


@pytest.fixture
def corpus(tmp_path: Path) -> CorpusRanker:
    """Orders by the counts: item 299 was taken 299 times, and so on."""
    return feature_corpus(tmp_path)


class TestFeatureRanker(RankerContract):
    @pytest.fixture
    def n_items(self) -> int:
        return N_ITEMS

    @pytest.fixture
    def queries(self) -> Queries:
        return numbered(clustered(N_ITEMS)[[5, 17, 80]], [5, 17, 80])

    @pytest.fixture
    def ranker(self, corpus: CorpusRanker) -> Ranker:
        return Staged(DenseRanker(ROLE), STAGE.build(Runtime(ROLE, features=corpus)), 20)


def test_the_candidates_of_the_first_stage_come_in_its_order(corpus: CorpusRanker) -> None:
    query_BD = clustered(3, seed=4)
    ranker = Staged(DenseRanker(ROLE), STAGE.build(Runtime(ROLE, features=corpus)), 20)
    ranking = ranker.rank(Queries(query_BD), 7)
    for b, candidates_R in enumerate(np.argsort(-(query_BD @ clustered(N_ITEMS).T), axis=1)[:, :20]):
        rows_R = np.sort(candidates_R)[::-1][:7]
        assert ranking.rows_BR[b].tolist() == rows_R.tolist()
        np.testing.assert_allclose(ranking.scores_BR[b], np.log1p(rows_R), rtol=1e-5)


def test_it_is_a_part_of_a_blend(corpus: CorpusRanker) -> None:
    kind = Blend.model_validate({"kind": "blend", "weights": {"first_stage": 1, "feature_ranker": 3}})
    rows, first = [3, 250, 40], np.array([3.0, 2.0, 1.0])
    stage = kind.build(Runtime(ROLE, features=corpus))
    ordered = stage.order(Queries(clustered(1)), found(rows, scores=[first.tolist()]), 3)
    total = sum(w * (part - part.mean()) / part.std() for w, part in ((1, first), (3, np.log1p(rows))))
    order = np.argsort(-total)
    assert ordered.ranking.rows_BR.tolist() == [np.array(rows)[order].tolist()]
    np.testing.assert_allclose(ordered.ranking.scores_BR[0], total[order], atol=1e-5)
    assert kind.reads_features and kind.reads_vectors and not kind.reads_texts


def test_one_that_fails_leaves_the_first_stage(tmp_path: Path) -> None:
    runtime = Runtime(ROLE, features=feature_corpus(tmp_path, {"log_count": float("nan")}))
    ordered = STAGE.build(runtime).order(Queries(clustered(1)), found([7, 31]), 2)
    assert ordered.ranking.rows_BR.tolist() == [[7, 31]]
    assert ordered.reports is not None and ordered.reports[0].degraded is not None
    assert (ordered.reports[0].n_scored, ordered.reports[0].degraded.reason) == (0, "not_a_number")
    strict = FeatureRanker(kind="feature_ranker", on_failure="error")
    with pytest.raises(RerankerFailed, match="scores that are not numbers"):
        strict.build(runtime).order(Queries(clustered(1)), found([7, 31]), 2)


def test_without_a_feature_ranker_there_is_none_to_ask() -> None:
    with pytest.raises(ValueError, match="has no feature ranker"):
        STAGE.build(Runtime(ROLE))
