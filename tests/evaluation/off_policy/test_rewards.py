import numpy as np
import pytest

from evaluation.off_policy.rewards import expected_rewards
from tests.evaluation.off_policy.logs import simulated


def test_many_impressions_give_the_true_means_by_place() -> None:
    log, reward_KA, _ = simulated(0, 60_000)
    found_NA = expected_rewards(log)
    np.testing.assert_allclose(found_NA, reward_KA[log.place_N], atol=0.05)


def test_an_impression_s_own_reward_does_not_enter_its_expectation() -> None:
    log, _, _ = simulated(1, 300)
    other = type(log)(log.item_ids, 2, log.item_N, log.place_N, log.reward_N.copy(), log.propensity_N)
    other.reward_N[17] = 100
    before, after = expected_rewards(log), expected_rewards(other)
    np.testing.assert_array_equal(before[17], after[17])
    assert (before != after).any()


def test_an_item_never_shown_is_worth_the_mean_of_its_place() -> None:
    log, _, _ = simulated(2, 300)
    wider = type(log)((*log.item_ids, "new"), 2, log.item_N, log.place_N, log.reward_N, log.propensity_N)
    found_NA = expected_rewards(wider, shrinkage=5)
    assert found_NA[:, -1].max() < 1
    assert found_NA[log.place_N == 0, -1].mean() == pytest.approx(log.reward_N[log.place_N == 0].mean(), abs=0.05)
