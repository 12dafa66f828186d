"""Lists by hand: what the towers find, without what was had, with what was wanted."""

import numpy as np
import pytest

from bundle.columns import EncodedRecords
from bundle.rerankers.feature_ranker import FeatureRankerSpec
from bundle.rerankers.item_statistics import ItemStatistics
from bundle.rerankers.pair_features import ItemSide
from training.evaluation_set import EvaluationSet
from training.ragged import Ragged
from training.rerankers.contract import AskedPart
from training.rerankers.feature_lists import PartFeatures

ITEM_ND = np.array([[5, 0], [4, 1], [3, 2], [2, 3], [1, 4]], dtype=np.float32)
HISTORY = Ragged.from_rows([[0, 1, 1], [4], [0, 1, 2]])


@pytest.fixture
def features() -> PartFeatures:
    queries = EvaluationSet(
        query_rows_Q=np.arange(3),
        encoded=EncodedRecords({}, 3),
        relevant=Ragged.from_rows([[3], [4], [3, 4]]),
        seen=Ragged.from_rows([[0, 1], [4], [0, 1, 2]]),
        history=HISTORY,
    )
    query_QD = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    part = AskedPart(
        queries, query_QD, ITEM_ND, np.empty((3, 0), np.int64), np.empty((5, 0), np.int64), np.empty(0, np.int64)
    )
    spec = FeatureRankerSpec(history_field="history", history_length=2, reads_repeats=True, depth=3)
    computed = spec.features({})
    statistics = ItemStatistics.of(np.array([0, 0, 4]), None, 5, recent_days=1)
    return PartFeatures(part, computed, ItemSide(ITEM_ND, *computed.item_arrays(statistics, {}), part.item_code_NL))


def test_candidates_are_unseen_and_queries_that_wanted_nothing_new_are_no_lists(features: PartFeatures) -> None:
    lists = features.lists(3, 9, exclude_seen=True, rng=np.random.default_rng(0))
    assert len(lists) == 2  # the second query had all that it wanted
    score, mask = lists.feature_QKF[..., 0], lists.mask_QK
    assert score[0].tolist() == [3, 2, 1]
    assert score[1][mask[1]].tolist() == [4, 3]
    assert lists.gain_QK.tolist() == [[0, 1, 0], [1, 1, 0]]
    assert np.isnan(lists.feature_QKF[1, 2]).all()
    assert lists.relevant_Q.tolist() == [1, 2]
    assert lists.take(np.array([1])).gain_QK.tolist() == [[1, 1, 0]]


def test_where_seen_items_may_come_back_how_often_they_were_had_is_known(features: PartFeatures) -> None:
    lists = features.lists(5, 9, exclude_seen=False, rng=np.random.default_rng(0))
    times = features.features.spec.names.index("times_had")
    assert lists.feature_QKF[0, :, times].tolist() == [0, 2, 0, 0, 0]  # only the last two of the history are read
    assert lists.feature_QKF[1, :, times].tolist() == [0, 0, 0, 0, 1]


def test_the_queries_are_a_seeded_draw(features: PartFeatures) -> None:
    drawn = {
        features.lists(2, 1, exclude_seen=False, rng=np.random.default_rng(seed)).relevant_Q.tolist()[0]
        for seed in range(9)
    }
    assert drawn == {1, 2}
