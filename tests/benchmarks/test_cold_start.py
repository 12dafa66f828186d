"""Cold items leave training whole, and are measured by hand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.cold_start import ColdTask, cold_recall, downstream, with_content, without_items
from benchmarks.text_vectors import WIDTH
from bundle.columns import EncodedRecords
from tests.training.small_data import ints, small_dataset
from training.evaluation_set import EvaluationSet
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.residual import ResidualConfig
from training.ragged import Ragged


def test_a_cold_item_leaves_the_catalogue_with_its_interactions() -> None:
    dataset = small_dataset([(0, 0), (0, 2), (1, 1), (1, 3), (2, 3)], n_items=4, weights=[1, 2, 3, 4, 5])
    warm, left_P = without_items(dataset, ints(0, 1, 3, 4), ints(0, 1))
    assert warm.items.item_ids == ["i2", "i3"]
    assert left_P.tolist() == [1, 3, 4]
    assert warm.interactions.query_N.tolist() == [0, 1, 2]
    assert warm.interactions.item_N.tolist() == [0, 1, 1]
    assert warm.interactions.table["item_id"].to_pylist() == ["i2", "i3", "i3"]
    assert warm.interactions.weight_N is not None and warm.interactions.weight_N.tolist() == [2, 4, 5]
    assert warm.query_ids == dataset.query_ids


def test_vectors_become_a_column_of_the_items() -> None:
    dataset = small_dataset([(0, 0), (0, 1)])
    vector_ND = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)
    content = with_content(dataset, vector_ND).items
    assert content.records(["item_id", "content"])[1] == {"item_id": "i1", "content": [4.0, 5.0, 6.0]}
    assert content.table["content"].type == pa.list_(pa.float32(), 3)


def test_a_seed_takes_a_tenth_away_and_another_seed_another() -> None:
    task = ColdTask("t", small_dataset([(0, 0)], n_items=200), {}, ints(0), ints(0))
    first, again, other = task.cold_items(0), task.cold_items(0), task.cold_items(1)
    assert len(first) == len(set(first.tolist())) == 20 and first.tolist() == sorted(first.tolist())
    assert first.tolist() == again.tolist() != other.tolist()


def test_cold_recall_by_hand() -> None:
    n_items, cold_C = 60, ints(57, 58, 59)
    score_QN = np.zeros((2, n_items), dtype=np.float32)
    score_QN[0] = np.arange(n_items)[::-1]  # query 0 ranks item n at place n + 1
    score_QN[0, 58] = 100.0  # but item 58 first
    score_QN[1] = -np.arange(n_items)
    relevant = Ragged(ints(0, 3, 4), ints(3, 57, 58, 0))
    queries = EvaluationSet(
        ints(0, 1), EncodedRecords({}, 2), relevant, Ragged(ints(0, 0, 0), ints()), Ragged(ints(0, 0, 0), ints())
    )
    found = cold_recall(lambda rows_B: score_QN[rows_B], queries, cold_C, n_items)
    assert found["recall@10"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["cold_recall@10"] == pytest.approx(1 / 2)  # of items 57 and 58 the second; one query has any
    assert found["shelf_recall@10"] == 1.0


def test_a_quantizer_without_settings_is_fitted_without_the_cold_items() -> None:
    """One tenth of 20 items is cold; the quantizer that was handed in sees the vectors of the others."""
    vector_ND = np.linspace(0, 1, 20 * WIDTH, dtype=np.float32).reshape(20, WIDTH)
    dataset = with_content(small_dataset([(row % 7, row) for row in range(20)] * 2), vector_ND)
    task = ColdTask("t", dataset, BASE, np.arange(20), np.arange(20, 40))
    seen: list[QuantizerData] = []
    found = downstream(task, Watched(seen), seed=0)
    warm_M = np.setdiff1d(np.arange(20), task.cold_items(0))
    np.testing.assert_array_equal(task.content_ND(), vector_ND)
    np.testing.assert_array_equal(seen[0].embedding_ND, vector_ND[warm_M])
    assert 0 <= found["cold_recall@10"] <= 1


BASE: dict[str, Any] = {
    "collection": "t",
    "data": {"items": "in memory", "interactions": "in memory"},
    "features": {"query": [{"kind": "sequence", "name": "history", "max_length": 3}]},
    "split": {"kind": "time"},
    "examples": {"history_feature": "history"},
    "objective": {"kind": "softmax"},
    "dimension": 4,
    "trainer": {"epochs": 1, "batch_size": 8},
}


@dataclass(frozen=True)
class Watched:
    """A residual quantizer that keeps what it was fitted on."""

    seen: list[QuantizerData]

    def check(self, n_items: int) -> None:
        """Nothing to check."""

    def fit(self, data: QuantizerData, seed: int, threads: int) -> Quantizer:
        """Two codes at one level."""
        self.seen.append(data)
        return ResidualConfig(levels=1, codebook_size=2).fit(data, seed, threads)
