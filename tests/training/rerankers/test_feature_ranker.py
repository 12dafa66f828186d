"""The feature ranker learns what the towers cannot know, and says what it cannot be trained on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle.columns import EncodedRecords
from bundle.config import validate_config
from bundle.errors import ConfigError
from bundle.progress import NoProgress
from bundle.rerankers import RerankerSpecs
from bundle.rerankers.pair_features import AskingQuery, ItemSide
from bundle.session import SessionConfig
from tests.training.small_data import small_dataset
from tests.training.world import shop_config
from training.errors import BadData
from training.evaluation_set import EvaluationSet
from training.ragged import Ragged
from training.rerankers.contract import AskedPart, RerankerData
from training.rerankers.feature_ranker import FeatureRankerConfig

N_ITEMS, N_QUERIES, DAY = 40, 60, 86_400
LATE = np.arange(30, N_ITEMS)  # the items of the last days, which all queries go on to take


def world() -> tuple[RerankerData, AskedPart]:
    """Towers of noise, and queries that want the items taken last."""
    rng = np.random.default_rng(0)
    items = np.concatenate([np.repeat(np.arange(30), 5), np.repeat(LATE, 3)])
    days = np.concatenate([rng.integers(0, 50, 150), rng.integers(55, 60, 3 * len(LATE))])
    pairs = [(int(query), int(item)) for query, item in zip(rng.integers(0, N_QUERIES, len(items)), items, strict=True)]
    dataset = small_dataset(pairs, seconds=(days * DAY).tolist(), n_queries=N_QUERIES, n_items=N_ITEMS)
    relevant = [np.sort(rng.choice(LATE, 2, replace=False)) for _ in range(N_QUERIES)]
    nothing = Ragged.from_rows([[] for _ in range(N_QUERIES)])
    queries = EvaluationSet(
        np.arange(N_QUERIES), EncodedRecords({}, N_QUERIES), Ragged.from_rows(relevant), nothing, nothing
    )
    part = AskedPart(
        queries,
        rng.standard_normal((N_QUERIES, 4)).astype(np.float32),
        rng.standard_normal((N_ITEMS, 4)).astype(np.float32),
        np.empty((N_QUERIES, 0), dtype=np.int64),
        np.empty((N_ITEMS, 0), dtype=np.int64),
        np.arange(len(pairs)),
    )
    context: Any = _Context(dataset)
    data = RerankerData(context, lambda: part, lambda _: part, part.before_N, exclude_seen=True, history_feature=None)
    return data, part


class _Context:
    """As much of a run's context as the ranker reads."""

    def __init__(self, dataset: object) -> None:
        self.dataset, self.seed, self.progress = dataset, 0, NoProgress()


@pytest.mark.parametrize("kind", ["lambdarank", "softmax"])
def test_it_learns_that_what_was_taken_last_is_wanted_next(kind: str) -> None:
    data, part = world()
    config = FeatureRankerConfig.model_validate({"objective": {"kind": kind}, "depth": N_ITEMS, "learning_rate": 0.02})
    trained = config.fit(data)
    score, items = trained.scorer(part), np.arange(N_ITEMS)
    first = np.stack([np.argsort(-score(place, items))[: len(LATE)] for place in range(N_QUERIES)])
    assert np.isin(first, LATE).mean() > 0.9


def test_its_files_score_as_it_does(tmp_path: Path) -> None:
    data, part = world()
    trained = FeatureRankerConfig(depth=N_ITEMS, epochs=1).fit(data)
    score, items = trained.scorer(part), np.arange(N_ITEMS)
    trained.export(tmp_path)
    specs = RerankerSpecs.model_validate({"feature_ranker": trained.parts.spec})
    served = specs.open(tmp_path, {}, trained.parts.vocabularies, SessionConfig()).feature_ranker
    assert served is not None
    side = ItemSide(
        part.item_ND, *served.item_arrays(data.context.dataset.items.table["item_id"], {}), part.item_code_NL
    )
    nothing = np.empty(0, dtype=np.int64)
    for place in (0, 31):
        query = AskingQuery(part.query_QD[place], nothing, nothing)
        np.testing.assert_allclose(served.score(query, side, items), score(place, items), atol=1e-5, rtol=1e-5)


def test_a_part_of_one_query_is_too_small_to_learn_and_to_stop() -> None:
    data, _ = world()
    with pytest.raises(BadData, match="has 2 queries for the feature ranker to learn from, fewer than it needs"):
        FeatureRankerConfig(queries=2, stopping_share=0.9).fit(data)


def test_settings_that_cannot_be_are_refused() -> None:
    twice = {"item": [{"kind": "number", "name": "price"}, {"kind": "category", "name": "price"}]}
    with pytest.raises(ConfigError, match="names a column twice: price, price"):
        shop_config(rerankers={"feature_ranker": twice})
    with pytest.raises(ConfigError, match=r"data\.pairs makes items the queries; leave the section out"):
        shop_config(
            data={"items": "items.parquet", "interactions": "interactions.parquet", "queries": None, "pairs": PAIRS},
            features={
                "query": [{"kind": "category", "name": "item_id"}],
                "item": [{"kind": "category", "name": "item_id"}],
            },
            examples={"history_feature": None},
            rerankers={"feature_ranker": {}},
        )
    with pytest.raises(ConfigError, match="'lambdarank', 'softmax'"):
        validate_config(FeatureRankerConfig, {"objective": {"kind": "ranknet"}}, "test")


PAIRS = {"source": "baskets"}
