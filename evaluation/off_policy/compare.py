"""Every estimate of a new ranking's value side by side.

N impressions, A items.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.normal_estimate import LEVEL, NormalEstimate
from evaluation.off_policy.estimators import doubly_robust, ips, snips
from evaluation.off_policy.log import FloatArray, ImpressionLog
from evaluation.off_policy.rewards import expected_rewards


@dataclass(frozen=True)
class RankingValue:
    """Reward an impression by estimator, `logged` being what was really shown; `finding`: why not to trust them."""

    estimates: Mapping[str, NormalEstimate]
    effective_n: float
    mean_weight: float
    largest_weight: float
    clipped: float
    finding: str | None

    def flat(self) -> dict[str, Any]:
        """For JSON."""
        estimates = {name: one.flat() for name, one in self.estimates.items()}
        return {**vars(self), "estimates": estimates}


def value_of(
    log: ImpressionLog, policy_NA: FloatArray, clip: float | None = None, level: float = LEVEL
) -> RankingValue:
    """What `policy_NA` [N, A] would have earned; raises UnusableLog as `importance_weights`."""
    plain = ips(log, policy_NA, clip, level)
    reward_NA = expected_rewards(log)
    logged_error = float(log.reward_N.std(ddof=1)) / len(log) ** 0.5
    estimates = {
        "logged": NormalEstimate.normal(float(log.reward_N.mean()), logged_error, level),
        "ips": plain.estimate,
        "snips": snips(log, policy_NA, clip, level).estimate,
        "doubly-robust": doubly_robust(log, policy_NA, reward_NA, clip=clip, level=level).estimate,
    }
    mean_weight = plain.mean_weight.value
    return RankingValue(estimates, plain.effective_n, mean_weight, plain.largest_weight, plain.clipped, plain.finding())
