import numpy as np

from evaluation.off_policy.compare import value_of
from tests.evaluation.off_policy.logs import simulated


def test_all_estimates_stand_beside_what_was_logged() -> None:
    log, reward_KA, new_KA = simulated(3, 8000)
    policy_NA = new_KA[log.place_N]
    truth = float((policy_NA * reward_KA[log.place_N]).sum(axis=1).mean())
    value = value_of(log, policy_NA)
    assert list(value.estimates) == ["logged", "ips", "snips", "doubly-robust"]
    assert value.estimates["logged"].value == log.reward_N.mean()
    assert all(value.estimates[name].covers(truth) for name in ("ips", "snips", "doubly-robust"))
    assert value.finding is None and abs(value.mean_weight - 1) < 0.05
    flat = value.flat()
    assert flat["estimates"]["ips"]["value"] == value.estimates["ips"].value
    assert np.isclose(flat["largest_weight"], value.largest_weight)
