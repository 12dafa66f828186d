import numpy as np
import pytest

from tests.training.small_data import ints
from training.quantizers.contract import Behaviour
from training.quantizers.prefixes import prefix_groups, prefix_hit_rate, relative_error


def test_items_are_grouped_by_their_first_codes() -> None:
    code_NL = np.array([[0, 1], [0, 2], [3, 1], [0, 1]])
    first, second = prefix_groups(code_NL)
    assert first.tolist() == [0, 0, 1, 0]
    assert second.tolist() == [0, 1, 2, 0]


def test_the_error_of_a_prefix_by_hand() -> None:
    """Spread 1 + 1 + 9 + 9 = 20 around 0; groups {1, 3} and {-1, -3} leave 1 each."""
    embedding_ND = np.array([[1.0], [-1.0], [3.0], [-3.0]], dtype=np.float32)
    assert relative_error(embedding_ND, ints(0, 1, 0, 1)) == pytest.approx(4 / 20)
    assert relative_error(embedding_ND, ints(0, 0, 0, 0)) == pytest.approx(1)
    assert relative_error(embedding_ND, ints(0, 1, 2, 3)) == pytest.approx(0)
    assert relative_error(np.ones((4, 1), dtype=np.float32), ints(0, 0, 1, 1)) == 0


def test_the_hit_rate_counts_every_query_alike_and_every_item_once() -> None:
    """Query 0 took items 0, 1, 2 (one pair of three in group 0), query 1 took 2, 3 (in group 1), 2 only one."""
    behaviour = Behaviour(ints(0, 0, 0, 0, 1, 1, 2), ints(0, 1, 2, 2, 2, 3, 0), 3)
    found = prefix_hit_rate(ints(0, 0, 1, 1), behaviour)
    assert found is not None
    rate, chance = found
    assert rate == pytest.approx((1 / 3 + 1) / 2)
    # taken: items 0, 1 once, 2 twice, 3 once; same group .4^2 + .6^2, less the same item .04 * 3 + .16
    assert chance == pytest.approx((0.52 - 0.28) / (1 - 0.28))


def test_without_a_pair_there_is_no_hit_rate() -> None:
    behaviour = Behaviour(ints(0, 0, 1), ints(2, 2, 1), 2)
    assert prefix_hit_rate(ints(0, 0, 0), behaviour) is None
    assert not behaviour.has_pairs
    assert Behaviour(ints(0, 0), ints(2, 1), 1).has_pairs


def test_one_group_for_all_hits_always_and_lifts_nothing() -> None:
    rate, chance = prefix_hit_rate(ints(0, 0, 0), Behaviour(ints(0, 0, 0), ints(0, 1, 2), 1)) or (0.0, 0.0)
    assert rate == chance == pytest.approx(1)
