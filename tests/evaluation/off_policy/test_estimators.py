from dataclasses import replace

import numpy as np
import pytest

from evaluation.errors import UnusableLog
from evaluation.normal_estimate import NormalEstimate
from evaluation.off_policy.estimators import direct_method, doubly_robust, importance_weights, ips, snips
from evaluation.off_policy.log import FloatArray, ImpressionLog
from evaluation.off_policy.rewards import expected_rewards
from tests.evaluation.off_policy.logs import HAND, simulated

EVEN = np.full((4, 2), 0.5)


def test_ips_and_snips_by_hand() -> None:
    # weights .5/.8 = .625 and .5/.2 = 2.5
    np.testing.assert_allclose(importance_weights(HAND, EVEN), [0.625, 0.625, 2.5, 2.5])
    assert ips(HAND, EVEN).estimate.value == pytest.approx((0.625 + 2.5) / 4)
    assert snips(HAND, EVEN).estimate.value == pytest.approx((0.625 + 2.5) / 6.25)
    clipped = ips(HAND, EVEN, clip=1.0)
    assert clipped.estimate.value == pytest.approx((0.625 + 1.0) / 4)
    assert (clipped.clipped, clipped.largest_weight) == (0.5, 2.5)
    assert ips(HAND, EVEN).effective_n == pytest.approx(6.25**2 / (2 * 0.625**2 + 2 * 2.5**2))


def test_doubly_robust_by_hand() -> None:
    reward_NA = np.tile([0.4, 0.1], (4, 1))
    assert direct_method(EVEN, reward_NA).value == pytest.approx(0.25)
    correction = (0.625 * (0.6 - 0.4) + 2.5 * (0.9 - 0.1)) / 4
    assert doubly_robust(HAND, EVEN, reward_NA).estimate.value == pytest.approx(0.25 + correction)
    normalised = doubly_robust(HAND, EVEN, reward_NA, self_normalised=True).estimate.value
    assert normalised == pytest.approx(0.25 + correction * 4 / 6.25)


def test_the_logging_policy_itself_earns_the_mean_reward() -> None:
    log, _, _ = simulated(0, 500)
    own_NA = np.zeros((len(log), len(log.item_ids)))
    own_NA[:, 0] = 1 - log.propensity_N
    own_NA[np.arange(len(log)), log.item_N] += np.where(log.item_N == 0, 0, log.propensity_N)
    own_NA[log.item_N == 0, 0] = log.propensity_N[log.item_N == 0]
    own_NA[log.item_N == 0, 1] = 1 - log.propensity_N[log.item_N == 0]
    assert ips(log, own_NA).estimate.value == pytest.approx(log.reward_N.mean())
    assert snips(log, own_NA).estimate.value == pytest.approx(log.reward_N.mean())


def test_every_estimate_covers_the_true_value_and_the_log_s_own_mean_does_not() -> None:
    covered: dict[str, list[bool]] = {}
    errors = []
    for seed in range(60):
        log, reward_KA, new_KA = simulated(seed, 4000)
        policy_NA = new_KA[log.place_N]
        truth = float((policy_NA * reward_KA[log.place_N]).sum(axis=1).mean())
        model_NA = expected_rewards(log)
        found: dict[str, NormalEstimate] = {
            "ips": ips(log, policy_NA).estimate,
            "snips": snips(log, policy_NA).estimate,
            "dr": doubly_robust(log, policy_NA, model_NA).estimate,
            "sndr": doubly_robust(log, policy_NA, model_NA, self_normalised=True).estimate,
        }
        for name, estimate in found.items():
            covered.setdefault(name, []).append(estimate.covers(truth))
        errors.append([abs(found["dr"].value - truth), abs(found["ips"].value - truth)])
    assert all(np.mean(values) >= 0.88 for values in covered.values()), {k: np.mean(v) for k, v in covered.items()}
    assert np.mean(errors, axis=0)[0] < np.mean(errors, axis=0)[1]


def estimates_of(log: ImpressionLog, policy_NA: FloatArray, model_NA: FloatArray) -> list[NormalEstimate]:
    return [
        ips(log, policy_NA).estimate,
        snips(log, policy_NA).estimate,
        doubly_robust(log, policy_NA, model_NA).estimate,
        doubly_robust(log, policy_NA, model_NA, self_normalised=True).estimate,
        direct_method(policy_NA, model_NA),
    ]


def test_standard_errors_are_the_spread_over_resampled_logs() -> None:
    log, _, new_KA = simulated(5, 2000)
    log = replace(log, reward_N=log.reward_N + 1)  # far from 0, where SNIPS varies much less than IPS
    policy_NA, model_NA = new_KA[log.place_N], np.linspace(0, 1, 6) / np.array([[2.0], [4.0]])[log.place_N]
    random, values = np.random.default_rng(0), []
    for _ in range(400):
        n = random.integers(0, len(log), len(log))
        drawn = replace(
            log,
            item_N=log.item_N[n],
            place_N=log.place_N[n],
            reward_N=log.reward_N[n],
            propensity_N=log.propensity_N[n],
        )
        values.append([one.value for one in estimates_of(drawn, policy_NA[n], model_NA[n])])
    errors = [one.standard_error for one in estimates_of(log, policy_NA, model_NA)]
    np.testing.assert_allclose(errors, np.std(values, axis=0), rtol=0.12)


def test_doubly_robust_survives_a_wrong_model_and_snips_a_shifted_reward() -> None:
    log, reward_KA, new_KA = simulated(1, 40_000)
    policy_NA = new_KA[log.place_N]
    truth = float((policy_NA * reward_KA[log.place_N]).sum(axis=1).mean())
    wrong_NA = np.full_like(policy_NA, 0.9)
    assert doubly_robust(log, policy_NA, wrong_NA).estimate.covers(truth)
    shifted = type(log)(log.item_ids, 2, log.item_N, log.place_N, log.reward_N + 10, log.propensity_N)
    assert snips(shifted, policy_NA).estimate.value == pytest.approx(snips(log, policy_NA).estimate.value + 10)


def test_a_ranking_far_from_the_log_is_said_to_rest_on_little() -> None:
    log, _, _ = simulated(2, 400)
    rare_NA = np.zeros((len(log), len(log.item_ids)))
    rarest = int(np.bincount(log.item_N).argmin())
    rare_NA[:, rarest] = 1
    finding = ips(log, rare_NA).finding()
    assert finding is not None and "impressions' worth" in finding
    assert ips(log, np.full_like(rare_NA, 1 / rare_NA.shape[1])).finding() is None


def test_probabilities_that_are_none_and_a_ranking_never_logged_are_refused() -> None:
    with pytest.raises(UnusableLog, match=r"impression 1: .* sum to 0\.9"):
        ips(HAND, np.full((4, 2), 0.45))
    only_a = type(HAND)(("a", "b"), 1, np.zeros(4, dtype=np.int64), HAND.place_N, HAND.reward_N, np.full(4, 0.5))
    with pytest.raises(UnusableLog, match="never shows"):
        ips(only_a, np.tile([0.0, 1.0], (4, 1)))
    one = replace(HAND, item_N=HAND.item_N[:1], place_N=HAND.place_N[:1], propensity_N=HAND.propensity_N[:1])
    with pytest.raises(UnusableLog, match="give at least 2"):
        ips(one, EVEN[:1])


def test_weights_that_do_not_average_to_one_are_told() -> None:
    log, _, new_KA = simulated(4, 6000)
    policy_NA = new_KA[log.place_N]
    assert ips(log, policy_NA).finding() is None
    assert ips(log, policy_NA, clip=1.0).finding() is None  # clipping is what was asked for
    wider = replace(log, item_ids=(*log.item_ids, "never shown"))
    unseen_NA = np.column_stack([0.7 * policy_NA, np.full(len(log), 0.3)])
    finding = ips(wider, unseen_NA).finding()
    assert finding is not None and "0.7" in finding and "the log never could" in finding
    halved = ips(replace(log, propensity_N=log.propensity_N / 2), policy_NA).finding()
    assert halved is not None and halved.endswith("not those that the log was made with")
    assert "never could" not in halved
