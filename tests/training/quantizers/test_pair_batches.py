"""Pairs and their partners."""

import numpy as np

from training.quantizers.contract import Behaviour
from training.quantizers.pair_batches import PairBatches, user_vectors

BEHAVIOUR = Behaviour(np.array([5, 5, 5, 2, 2, 9]), np.array([0, 1, 2, 1, 0, 3]), 10)


def test_partners_are_linked_and_only_themselves_where_there_is_no_other() -> None:
    pairs = PairBatches(BEHAVIOUR, 5, 0)
    taken = set(zip(pairs.user_P.tolist(), pairs.item_P.tolist(), strict=True))
    for _ in range(20):
        batch = pairs.next(100)
        assert len(batch.user_B) == 6
        for user, item, other_user, other_item in zip(*(column.tolist() for column in batch), strict=True):
            assert {(user, item), (other_user, item), (user, other_item)} <= taken
            assert item != 3 or (other_user == user and other_item == item)


def test_a_user_is_the_mean_of_the_last_items() -> None:
    pairs = PairBatches(BEHAVIOUR, 5, 0)
    embedding_ND = np.eye(5, dtype=np.float32)
    assert pairs.query_U.tolist() == [2, 5, 9]
    expected = np.array([[0.5, 0.5, 0, 0, 0], [0, 0.5, 0.5, 0, 0], [0, 0, 0, 1, 0]])
    np.testing.assert_allclose(user_vectors(embedding_ND, pairs, 2), expected)
