"""Which example stands for a query, and what it is known to like."""

import numpy as np
import torch

from tests.training.hook_world import context_of, point_dataset, point_settings, points
from tests.training.small_data import small_dataset
from training.mining.queries import TrainingQueries, embed_rows
from training.model import embed

PAIRS = [(2, 1), (0, 3), (2, 0), (0, 3), (0, 1)]


def test_the_last_example_stands_for_a_query_and_all_its_positives_are_known() -> None:
    context = context_of(point_dataset(points(4, 4, 0), points(5, 4, 1), PAIRS), point_settings(4))
    queries = TrainingQueries.of(context.batches, 4)
    assert queries.query_rows_Q.tolist() == [0, 2]
    assert queries.example_Q.tolist() == [4, 2]
    assert [queries.known.row(row).tolist() for row in range(2)] == [[1, 3], [0, 1]]
    assert [queries.asked.row(row).tolist() for row in range(2)] == [[1, 3], [0, 1]]


def test_with_a_history_only_the_last_target_is_asked_for() -> None:
    dataset = small_dataset(PAIRS, seconds=range(5), item_columns={"place": points(4, 3, 1).tolist()})
    config = point_settings(
        4,
        features={
            "query": [{"kind": "sequence", "name": "history", "max_length": 3}],
            "item": [{"kind": "category", "name": "item_id"}],
        },
        examples={"history_feature": "history"},
    )
    queries = TrainingQueries.of(context_of(dataset, config).batches, 3)
    assert [queries.known.row(row).tolist() for row in range(2)] == [[1, 3], [0, 1]]
    assert [queries.asked.row(row).tolist() for row in range(2)] == [[1], [0]]


def test_rows_embed_as_the_whole_does_and_the_mode_stays() -> None:
    context = context_of(point_dataset(points(4, 4, 0), points(5, 4, 1), PAIRS), point_settings(4))
    context.model.train()
    rows = np.array([3, 0])
    found = embed_rows(context.model.item, context.batches.items, rows, torch.device("cpu"))
    np.testing.assert_allclose(found, embed(context.model.item, context.batches.items, context.device)[rows], atol=1e-6)
    assert context.model.item.training
