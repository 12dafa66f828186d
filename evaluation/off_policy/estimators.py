"""What another ranking would have earned, from a log of what was shown and with which probability.

IPS (Horvitz and Thompson 1952), its self-normalised form (Swaminathan and Joachims, NeurIPS 2015), the direct method,
and the doubly robust estimator (Dudik, Langford and Li, ICML 2011), plain and self-normalised. Probabilities of the new
ranking are given for every impression: over items of a place they sum to 1.

N impressions, A items.
"""

from dataclasses import dataclass

import numpy as np

from evaluation.errors import UnusableLog
from evaluation.normal_estimate import LEVEL, NormalEstimate
from evaluation.off_policy.log import FloatArray, ImpressionLog

LITTLE_SUPPORT = 50.0
_ERRORS_FROM_ONE = 4.0


@dataclass(frozen=True)
class PolicyValue:
    """The estimate, and what it rests on: `effective_n` impressions, 0 to N (Kish), the mean weight, which is 1 but for
    chance where the log shows all that the new ranking does, the largest weight, and the share of impressions whose
    weight was clipped. Mean and largest are those before clipping.
    """

    estimate: NormalEstimate
    effective_n: float
    mean_weight: NormalEstimate
    largest_weight: float
    clipped: float

    def finding(self) -> str | None:
        """Why the estimate should not be trusted, or None."""
        if self.effective_n < LITTLE_SUPPORT:
            return (
                f"the log holds only {self.effective_n:.0f} impressions' worth of what the new ranking shows (the "
                f"largest weight is {self.largest_weight:.3g}); log longer, explore more, or take a ranking that is "
                "closer"
            )
        mean = self.mean_weight
        if abs(mean.value - 1) <= _ERRORS_FROM_ONE * mean.standard_error + 1e-6:
            return None
        return (
            f"the weights are {mean.value:.3g} on average, where 1 is expected: "
            + ("the new ranking shows items where the log never could, or " if mean.value < 1 else "")
            + "the propensities are not those that the log was made with"
        )


def importance_weights(log: ImpressionLog, policy_NA: FloatArray, clip: float | None = None) -> FloatArray:
    """How much likelier [N] the new ranking shows what was shown than the logging did; at most `clip`.

    `policy_NA`: the probability that the new ranking shows each item at the impression's place. Raises UnusableLog
    where the probabilities of an impression do not sum to 1, where the new ranking shows nothing of the log, or for a
    log of one impression.
    """
    if len(log) < 2:
        raise UnusableLog(f"the log has {len(log)} impression, of which nothing can be said; give at least 2")
    total_N = policy_NA.sum(axis=1)
    wrong_N = (np.abs(total_N - 1) > 1e-6) | (policy_NA < 0).any(axis=1)
    if wrong_N.any():
        row = int(wrong_N.argmax())
        raise UnusableLog(
            f"impression {row + 1}: the new ranking's probabilities sum to {total_N[row]:.6g}; over the items of a "
            "place they must be 0 or more and sum to 1",
            row=row + 1,
        )
    weight_N = policy_NA[np.arange(len(log)), log.item_N] / log.propensity_N
    if not weight_N.any():
        raise UnusableLog(
            "the new ranking never shows an item where the log shows it; nothing can be said of its value"
        )
    return weight_N if clip is None else np.minimum(weight_N, clip)


def ips(log: ImpressionLog, policy_NA: FloatArray, clip: float | None = None, level: float = LEVEL) -> PolicyValue:
    """Inverse propensity scoring: unbiased without `clip`, of high variance."""
    weight_N = importance_weights(log, policy_NA, clip)
    return _value(_mean(weight_N * log.reward_N, level), log, policy_NA, clip)


def snips(log: ImpressionLog, policy_NA: FloatArray, clip: float | None = None, level: float = LEVEL) -> PolicyValue:
    """Self-normalised IPS: weights are divided by their mean; the error is the delta method's."""
    weight_N = importance_weights(log, policy_NA, clip)
    return _value(_ratio(weight_N * log.reward_N, weight_N, level), log, policy_NA, clip)


def direct_method(policy_NA: FloatArray, reward_NA: FloatArray, level: float = LEVEL) -> NormalEstimate:
    """The mean of what a model foretells; `reward_NA`: the reward it expects of each item at the impression.

    The interval holds what the draw of impressions adds, not what the model gets wrong.
    """
    return _mean((policy_NA * reward_NA).sum(axis=1), level)


def doubly_robust(
    log: ImpressionLog,
    policy_NA: FloatArray,
    reward_NA: FloatArray,
    *,
    clip: float | None = None,
    self_normalised: bool = False,
    level: float = LEVEL,
) -> PolicyValue:
    """What a model foretells, corrected by its weighted errors: right where the model or the propensities are right.

    `self_normalised` divides the correction by the mean weight.
    """
    weight_N = importance_weights(log, policy_NA, clip)
    expected_N = (policy_NA * reward_NA).sum(axis=1)
    error_N = log.reward_N - reward_NA[np.arange(len(log)), log.item_N]
    if not self_normalised:
        return _value(_mean(expected_N + weight_N * error_N, level), log, policy_NA, clip)
    mean_weight = float(weight_N.mean())
    correction = float((weight_N * error_N).mean()) / mean_weight
    influence_N = expected_N + (error_N - correction) * weight_N / mean_weight
    value = float(expected_N.mean()) + correction
    estimate = NormalEstimate.normal(value, float(influence_N.std(ddof=1)) / len(log) ** 0.5, level)
    return _value(estimate, log, policy_NA, clip)


def _mean(value_N: FloatArray, level: float) -> NormalEstimate:
    return NormalEstimate.normal(float(value_N.mean()), float(value_N.std(ddof=1)) / len(value_N) ** 0.5, level)


def _ratio(upper_N: FloatArray, lower_N: FloatArray, level: float) -> NormalEstimate:
    mean = float(lower_N.mean())
    ratio = float(upper_N.mean()) / mean
    influence_N = (upper_N - ratio * lower_N) / mean
    return NormalEstimate.normal(ratio, float(influence_N.std(ddof=1)) / len(upper_N) ** 0.5, level)


def _value(estimate: NormalEstimate, log: ImpressionLog, policy_NA: FloatArray, clip: float | None) -> PolicyValue:
    weight_N = importance_weights(log, policy_NA)
    used_N = weight_N if clip is None else np.minimum(weight_N, clip)
    effective = float(used_N.sum() ** 2 / (used_N**2).sum())
    clipped = float((used_N < weight_N).mean())
    return PolicyValue(estimate, effective, _mean(weight_N, estimate.level), float(weight_N.max()), clipped)
