import numpy as np
import pytest

from training.quantizers.neighbours import expected_recall, neighbour_metrics


def test_ties_count_as_if_broken_by_chance() -> None:
    """Two places: one is sure, for the other three columns tie; a wanted one among them has a third of a chance."""
    score_BN = np.array([[5, 1, 1, 1, 0]], dtype=np.float32)
    assert expected_recall(score_BN, np.array([[0, 2]]))[0] == pytest.approx((1 + 1 / 3) / 2)
    assert expected_recall(score_BN, np.array([[1, 4]]))[0] == pytest.approx((1 / 3 + 0) / 2)
    assert expected_recall(np.zeros((1, 8), dtype=np.float32), np.array([[6, 7]]))[0] == pytest.approx(2 / 8)


def test_codes_that_lose_nothing_find_every_neighbour() -> None:
    embedding_ND = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    found = neighbour_metrics(embedding_ND, embedding_ND, np.zeros((60, 2), dtype=np.int64), 0)
    assert found["decoded_recall@10"] == 1
    assert found["prefix_recall@10"] == pytest.approx(10 / 59)  # all codes alike: chance


def test_groups_of_neighbours_are_found_by_their_prefix() -> None:
    group_N = np.repeat(np.arange(5), 11)
    embedding_ND = (np.eye(5, dtype=np.float32)[group_N] * 3).astype(np.float32)
    found = neighbour_metrics(embedding_ND, embedding_ND[::-1], np.stack([group_N, group_N], 1), 0)
    assert found["prefix_recall@10"] == 1
    assert found["decoded_recall@10"] == pytest.approx(11 / 55)  # the middle group alone keeps its place


def test_a_catalogue_without_strangers_has_no_neighbours_to_lose() -> None:
    rows_ND = np.zeros((11, 2), dtype=np.float32)
    assert neighbour_metrics(rows_ND, rows_ND, np.zeros((11, 1), dtype=np.int64), 0) == {}
