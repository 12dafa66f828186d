from collections.abc import Sequence

import numpy as np
import pytest

from bundle.featurize import Featurizer
from tests.training.small_data import small_dataset
from tests.training.world import shop_config
from training.compare import MODEL, compare, flat, part_queries, rows_before
from training.dataset import Dataset
from training.evaluation_set import EvaluationSet
from training.ragged import FloatArray, IntArray
from training.splits import Split

PAIRS = [(0, 0), (0, 1), (0, 2), (1, 2), (1, 0), (1, 1)]


def split_of(parts: Sequence[str]) -> Split:
    rows = [np.flatnonzero(np.array(parts) == part).astype(np.int64) for part in ("train", "validation", "test")]
    return Split(*rows)


@pytest.fixture
def dataset() -> Dataset:
    return small_dataset(PAIRS, seconds=range(len(PAIRS)))


SPLIT = split_of(["train", "validation", "test"] * 2)
CONFIG = shop_config(examples={"history_feature": None}, evaluation={"ks": [1, 10], "exclude_seen": True})
NO_FEATURES = Featurizer((), {}, {})


def test_a_part_has_everything_before_it_as_history(dataset: Dataset) -> None:
    assert rows_before(SPLIT, "validation").tolist() == [0, 3]
    assert rows_before(SPLIT, "test").tolist() == [0, 1, 3, 4]
    validation = part_queries(CONFIG, dataset, SPLIT, NO_FEATURES, "validation")
    assert [validation.history.row(row).tolist() for row in range(2)] == [[0], [2]]
    assert [validation.relevant.row(row).tolist() for row in range(2)] == [[1], [0]]
    test = part_queries(CONFIG, dataset, SPLIT, NO_FEATURES, "test")
    assert [test.history.row(row).tolist() for row in range(2)] == [[0, 1], [2, 0]]


def test_metrics_are_those_of_the_rankings_and_the_score_is_kept(dataset: Dataset) -> None:
    def model(queries: EvaluationSet) -> "Model":
        return Model()

    found = compare(CONFIG, dataset, SPLIT, NO_FEATURES, model)
    assert set(found.metrics) == set(found.rankings) == {"model", "popularity", "item_knn"}
    assert found.rankings[MODEL].ranks_V.tolist() == [1, 1]  # the one item that each query has not had yet
    assert found.metrics[MODEL] == found.rankings[MODEL].metrics()
    assert found.score(np.array([1])).tolist() == [[0, 1, 2]]


class Model:
    """Prefers later items."""

    def __call__(self, rows_B: IntArray) -> FloatArray:
        return np.tile(np.arange(3, dtype=np.float32), (len(rows_B), 1))


def test_baselines_carry_their_name_and_the_model_none() -> None:
    metrics = {"model": {"mrr": 0.5}, "popularity": {"mrr": 0.1}, "item_knn": {"mrr": 0.2}}
    assert flat(metrics) == {"mrr": 0.5, "popularity.mrr": 0.1, "item_knn.mrr": 0.2}
