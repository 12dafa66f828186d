"""How often intervals hold the truth and the rules of the quality gate decide wrongly, where the truth is known.

python -m benchmarks.certainty [--seeds 3] [--worlds 400]

Letters: Q queries, W simulated query sets.
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Row, write_benchmark
from evaluation.significance import Estimate, SignificanceConfig, estimates, randomisation_test

_PREAMBLE = """
Simulated query sets, so that the truth is known. Each query has one relevant item at a rank drawn from a geometric
distribution (success 0.15), and its value is nDCG@10. A new version answers 70 % of the queries as the old one; the
others are drawn anew, with success 0.15 where both versions are equally good, with 0.105 where the new one is worse, by
0.027 in the mean.

`coverage`: share of 95 % intervals of a mean that hold the true mean. `gate`: share of new versions that each rule of
`[gates.quality]` refuses, with max_drop 0.02 and level 0.95; right is 0 for equal versions and 1 for worse ones. `mean`
decides by luck on few queries; `interval` refuses until many queries show that the new version is good; `test` refuses
one equal version in twenty, and a worse one only when there are queries enough to show it.
"""
_SUCCESS, _WORSE, _UNCHANGED = 0.15, 0.105, 0.7
_MAX_DROP = 0.02
Values = NDArray[np.float64]


def run(seeds: int, worlds: int) -> None:
    """Simulate and write docs/benchmarks/certainty.*."""
    rows = [
        row for method in ("bca", "percentile") for n in (20, 50, 200) for row in _coverage(method, n, seeds, worlds)
    ]
    for n_queries in (50, 200, 1_000):
        rows += _gate(n_queries, seeds, worlds)
    write_benchmark("certainty", rows, _PREAMBLE)


def _coverage(method: str, n_queries: int, seeds: int, worlds: int) -> list[Row]:
    place = np.arange(1, 11)
    truth = float((_SUCCESS * (1 - _SUCCESS) ** (place - 1) / np.log2(place + 1)).sum())
    held = []
    for seed in range(seeds):
        config = SignificanceConfig.model_validate({"method": method, "resamples": 2_000, "seed": seed})
        found = estimates(_values(np.random.default_rng(seed), _SUCCESS, n_queries, worlds), config)
        held.append(float(np.mean([one.low is not None and one.low <= truth <= (one.high or 0) for one in found])))
    return [Row.of("coverage", method, f"{n_queries}_queries", held)]


def _gate(n_queries: int, seeds: int, worlds: int) -> list[Row]:
    rules: dict[str, Callable[[Values, SignificanceConfig], Values]] = {
        "mean": lambda difference_QW, _: (difference_QW.mean(axis=0) < -_MAX_DROP).astype(np.float64),
        "interval": lambda difference_QW, config: np.array(
            [_low(one) < -_MAX_DROP for one in estimates(difference_QW, config)], dtype=np.float64
        ),
        "test": lambda difference_QW, config: (
            np.array(randomisation_test(difference_QW, config, "less")) < 1 - config.level
        ).astype(np.float64),
    }
    refused: dict[tuple[str, str], list[float]] = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        config = SignificanceConfig(resamples=2_000, permutations=2_000, seed=seed)
        for truth, success in (("equal", _SUCCESS), ("worse", _WORSE)):
            old_QW = _values(rng, _SUCCESS, n_queries, worlds)
            is_same_QW = rng.random(old_QW.shape) < _UNCHANGED
            difference_QW = np.where(is_same_QW, 0, _values(rng, success, n_queries, worlds) - old_QW)
            for rule, refuses in rules.items():
                refused.setdefault((rule, truth), []).append(float(refuses(difference_QW, config).mean()))
    return [Row.of(f"gate-{n_queries}", rule, f"refuses_{truth}", shares) for (rule, truth), shares in refused.items()]


def _low(estimate: Estimate) -> float:
    return estimate.mean if estimate.low is None else estimate.low


def _values(rng: np.random.Generator, success: float, n_queries: int, worlds: int) -> Values:
    rank_QW = rng.geometric(success, size=(n_queries, worlds))
    return np.where(rank_QW <= 10, 1 / np.log2(rank_QW + 1), 0.0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="Seeds, each with worlds of its own.")
    parser.add_argument("--worlds", type=int, default=400, help="Query sets a seed.")
    asked = parser.parse_args()
    run(asked.seeds, asked.worlds)
