"""The served feature ranker over a graph that adds up two features."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bundle.errors import BundleCorrupt
from bundle.features import CategoryFeature
from bundle.rerankers.feature_ranker import FILE, FeatureRanker, FeatureRankerSpec
from bundle.rerankers.pair_features import AskingQuery, ItemSide
from bundle.session import SessionConfig
from bundle.vocabulary import Vocabulary
from tests.tiny_feature_ranker import write_feature_ranker

SPEC = FeatureRankerSpec.model_validate({"has_times": True, "depth": 10, "as_of": "1970-01-04T00:00:00Z"})
NOTHING = np.empty(0, dtype=np.int64)


@pytest.fixture
def ranker(tmp_path: Path) -> FeatureRanker:
    write_feature_ranker(tmp_path, SPEC, {"score": 1, "log_days_since_last": -1}, ["a", "b"], [0, 1, 1, 1])
    return SPEC.open(tmp_path, {}, SessionConfig())


def items(ranker: FeatureRanker, *item_ids: str) -> ItemSide:
    vectors_ND = np.ones((len(item_ids), 2), dtype=np.float32)
    arrays = ranker.item_arrays(pa.array(item_ids), {})
    return ItemSide(vectors_ND, *arrays, np.empty((len(item_ids), 0), dtype=np.int64))


def test_items_are_scored_by_what_training_knew_of_them(ranker: FeatureRanker) -> None:
    query = AskingQuery(np.array([2, 1], dtype=np.float32), NOTHING, NOTHING)
    scores_M = ranker.score(query, items(ranker, "b", "new", "a"), np.array([2, 0, 1]))
    # Item a was last taken three days before the moment that ages count to, b at it; nobody knows when the new one was.
    np.testing.assert_allclose(scores_M, [3 - np.log1p(3), 3, 3], atol=1e-6)
    assert ranker.score(query, items(ranker, "a"), NOTHING).shape == (0,)
    ranker.warm_up()


def test_another_graph_is_refused(ranker: FeatureRanker, tmp_path: Path) -> None:
    with_brand = SPEC.model_copy(update={"item": (CategoryFeature(name="brand"),)})
    with pytest.raises(
        BundleCorrupt, match=f"{FILE} reads features, but this feature ranker reads features, categories"
    ):
        with_brand.open(tmp_path, {"brand": Vocabulary(["x"])}, SessionConfig())
    wider = SPEC.model_copy(update={"levels": 2})
    with pytest.raises(BundleCorrupt, match=f"{FILE} reads 6 features, but this feature ranker has 7"):
        wider.open(tmp_path, {}, SessionConfig())
