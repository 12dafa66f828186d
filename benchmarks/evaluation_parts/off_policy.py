"""What the logs of a random ranking say of a learned one, beside the package obp and beside what it really earned.

N impressions, A items, K places.
"""

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from benchmarks.text_task import needed
from evaluation.normal_estimate import NormalEstimate
from evaluation.off_policy.estimators import direct_method, doubly_robust, ips, snips
from evaluation.off_policy.log import FloatArray, ImpressionLog
from evaluation.off_policy.rewards import expected_rewards

FILE = "open-bandit/impressions.parquet"
CAMPAIGNS = ("all", "men", "women")
CLIP = 10.0
PROTOCOL = """
Open Bandit sample, 10,000 impressions a policy and campaign, reward = click. Logged by the uniformly random policy; the
new policy is the Thompson sampler of the same data, as the table of how often it showed each item at each place. Its
own logs say what it earned (`on-policy`, with its own interval). Clicks are rare (some 40 of 10,000), so intervals are
wide; this shows that the estimators are right, not which policy is better. `largest_difference_to_obp`: over the three
campaigns, between our value and that of the estimator of the same name in obp 0.4.1 from the same arrays.
"""


def measure(budget: Budget) -> list[Row]:
    """Values with intervals by campaign, and the differences to obp where it is installed."""
    table = pyarrow.parquet.read_table(needed(budget.data / FILE))
    rows, differences = [], dict[str, list[float]]()
    for campaign in CAMPAIGNS:
        log, policy_NA, earned_N = campaign_log(table, campaign)
        model_NA = expected_rewards(log)
        ours = _ours(log, policy_NA, model_NA)
        earned = NormalEstimate.normal(float(earned_N.mean()), float(earned_N.std(ddof=1)) / len(earned_N) ** 0.5)
        for method, estimate in {"on-policy": earned, **ours}.items():
            values = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
            rows += [Row(f"off-policy-{campaign}", method, metric, value) for metric, value in values.items()]
        for method, value in _theirs(log, policy_NA, model_NA).items():
            differences.setdefault(method, []).append(abs(value - ours[method].value))
    if not differences:
        print("obp is not installed (make bench-data), so its estimators are not compared", flush=True)
    return [*rows, *(Row("off-policy", m, "largest_difference_to_obp", max(d)) for m, d in differences.items())]


def campaign_log(table: pa.Table, campaign: str) -> tuple[ImpressionLog, FloatArray, FloatArray]:
    """The random log of a campaign, the sampler's probabilities [N, A] there, and what the sampler earned."""
    own = table.filter(pc.equal(table["campaign"], campaign))
    random, sampler = (own.filter(pc.equal(own["policy"], name)) for name in ("random", "bts"))
    n_items, n_places = pc.max(own["item_id"]).as_py() + 1, pc.max(own["position"]).as_py()
    shown_KA = np.zeros((n_places, n_items))
    np.add.at(shown_KA, (sampler["position"].to_numpy() - 1, sampler["item_id"].to_numpy()), 1)
    place_N = random["position"].to_numpy() - 1
    log = ImpressionLog(
        tuple(map(str, range(n_items))),
        n_places,
        random["item_id"].to_numpy(),
        place_N,
        random["click"].to_numpy().astype(np.float64),
        random["propensity_score"].to_numpy(),
    )
    policy_KA = shown_KA / shown_KA.sum(axis=1, keepdims=True)
    return log, policy_KA[place_N], sampler["click"].to_numpy().astype(np.float64)


def _ours(log: ImpressionLog, policy_NA: FloatArray, model_NA: FloatArray) -> dict[str, NormalEstimate]:
    return {
        "ips": ips(log, policy_NA).estimate,
        f"ips-clip-{CLIP:g}": ips(log, policy_NA, CLIP).estimate,
        "snips": snips(log, policy_NA).estimate,
        "direct-method": direct_method(policy_NA, model_NA),
        "doubly-robust": doubly_robust(log, policy_NA, model_NA).estimate,
        "self-normalised-doubly-robust": doubly_robust(log, policy_NA, model_NA, self_normalised=True).estimate,
    }


def _theirs(log: ImpressionLog, policy_NA: FloatArray, model_NA: FloatArray) -> Mapping[str, float]:
    obp = obp_estimators()
    if obp is None:
        return {}
    feedback: dict[str, Any] = {
        "reward": log.reward_N,
        "action": log.item_N,
        "pscore": log.propensity_N,
        "action_dist": policy_NA[:, :, None],
        "position": np.zeros(len(log), dtype=int),
    }
    modelled = {**feedback, "estimated_rewards_by_reg_model": model_NA[:, :, None]}
    return {
        "ips": obp.InverseProbabilityWeighting().estimate_policy_value(**feedback),
        "snips": obp.SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**feedback),
        "direct-method": obp.DirectMethod().estimate_policy_value(**modelled),
        "doubly-robust": obp.DoublyRobust().estimate_policy_value(**modelled),
        "self-normalised-doubly-robust": obp.SelfNormalizedDoublyRobust().estimate_policy_value(**modelled),
    }


def obp_estimators() -> ModuleType | None:
    """The module of obp's estimators; its package is not imported, because that asks for plotting libraries."""
    if "obp" not in sys.modules:
        spec = importlib.util.find_spec("obp")
        if spec is None or not spec.submodule_search_locations:
            return None
        root = Path(spec.submodule_search_locations[0])
        for name, path in (("obp", root), ("obp.ope", root / "ope")):
            sys.modules[name] = ModuleType(name)
            sys.modules[name].__path__ = [str(path)]
    return importlib.import_module("obp.ope.estimators")


OFF_POLICY = Part(PROTOCOL, measure)
