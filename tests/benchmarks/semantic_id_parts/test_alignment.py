"""The measures of agreement between codes and behaviour, by hand."""

import numpy as np
import pytest

from benchmarks.semantic_id_parts.alignment import co_occurrence_clusters, prefix_lift
from training.quantizers.contract import Behaviour


def test_lift_by_hand() -> None:
    """4 of the 12 ordered pairs share a prefix, a third; of the pairs taken together all, or half, do."""
    prefix = np.array([0, 0, 1, 1])
    assert prefix_lift(prefix, np.array([0, 2]), np.array([1, 3])) == pytest.approx(3)
    assert prefix_lift(prefix, np.array([0, 0]), np.array([1, 2])) == pytest.approx(1.5)
    assert prefix_lift(np.arange(4), np.array([0]), np.array([1])) == 0


def test_clusters_are_what_is_taken_together_and_rare_items_have_none() -> None:
    users, items = (
        np.arange(20).repeat(3),
        np.concatenate([[0, 1, 2] if user < 10 else [3, 4, 5] for user in range(20)]),
    )
    behaviour = Behaviour(np.append(users, 0), np.append(items, 6), 20)
    cluster = co_occurrence_clusters(behaviour, 8, clusters=2)
    assert cluster[6:].tolist() == [-1, -1]
    assert len(set(cluster[:3])) == 1
    assert len(set(cluster[3:6])) == 1
    assert cluster[0] != cluster[3]
