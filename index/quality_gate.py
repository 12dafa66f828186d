"""The gate that asks both versions stored queries: whether the new one is worse, and how sure that is."""

from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from evaluation.comparison_page import metric_name
from evaluation.side_by_side import ComparisonConfig, SideBySide
from evaluation.significance import SignificanceConfig, randomisation_test
from index.query_comparison import Opened, StoredQueries, compare_versions, judged_queries

_METRICS = ("ndcg", "recall", "mrr", "hit_rate")


class QualityGate(StoredQueries):
    """Stored queries that both versions are asked, and how much worse the new one may be."""

    max_drop: float | None = Field(
        default=0.02, ge=0, description="How far nDCG@k may fall below the active version's; null only reports it."
    )
    judged_by: Literal["mean", "interval", "test"] = Field(
        default="mean",
        description="'mean': the mean may fall by `max_drop`. 'interval': the whole interval of the drop must lie "
        "below `max_drop`, so few queries refuse. 'test': refused if significantly worse, so few queries pass.",
    )
    level: float = Field(
        default=0.95, gt=0.5, lt=1, description="Level of intervals and tests: 0.95 is wrong once in twenty times."
    )

    def compare(self, live: Opened, new: Opened, base: Path, seed: int) -> SideBySide:
        """Both versions on the stored queries, the new one on the right; relative paths start at `base`.

        Raises InvalidTable, and NothingToMeasure where no answer is in both versions.
        """
        config = ComparisonConfig(
            k=self.k,
            metrics=tuple(f"{kind}@{self.k}" for kind in _METRICS),
            gain="exponential",
            significance=SignificanceConfig(level=self.level, seed=seed),
        )
        return compare_versions(judged_queries(self, base, [new, live], seed), live, new, config)


class Finding(NamedTuple):
    """What was held against the limit, the limit, None if it is only to be reported, and a sentence for people."""

    value: float
    limit: float | None
    is_good: bool
    detail: str


def judge_quality(gate: QualityGate, comparison: SideBySide) -> Finding:
    """Whether the new version, on the right, is good enough by the first metric."""
    detail = _detail(comparison)
    if gate.judged_by == "interval":
        return _by_interval(gate, comparison, detail)
    if gate.judged_by == "test" and gate.max_drop is not None:
        differences = [[one.difference] for one in comparison.queries]
        (p_value,) = randomisation_test(differences, comparison.significance, alternative="less")
        limit = round(1 - gate.level, 6)
        return Finding(
            p_value,
            limit,
            p_value >= limit,
            f"{detail}; p = {p_value:.3g} by a one-sided test, refused below {limit:g}",
        )
    drop = -comparison.results[0].difference.mean
    return Finding(drop, gate.max_drop, gate.max_drop is None or drop <= gate.max_drop, detail)


def _by_interval(gate: QualityGate, comparison: SideBySide, detail: str) -> Finding:
    difference = comparison.results[0].difference
    if difference.n_queries == 1:
        return Finding(-difference.mean, gate.max_drop, False, f"{detail}; one query does not say how sure that is")
    worst = -difference.mean if difference.low is None else -difference.low  # all alike: nothing varies
    return Finding(worst, gate.max_drop, gate.max_drop is None or worst <= gate.max_drop, detail)


def _detail(comparison: SideBySide) -> str:
    first, second, *_ = comparison.results
    means = "; ".join(
        f"{metric_name(one.metric)} {one.left:.4f} before, {one.right:.4f} now" for one in (first, second)
    )
    return (
        f"{means}; difference {first.difference.mean:+z.4f} ({first.difference.interval(sign='+')}) over "
        f"{comparison.n_queries:,} queries, {first.wins:,} won, {first.losses:,} lost"
    )
