"""Several systems on the same judged queries: the values of each, and how the others differ from the first.

Letters: Q queries.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from bundle.config import Config
from evaluation.metrics import TREC_RELEVANCE, Metric, Relevance, measure
from evaluation.paired import PairedResult, compare_paired, corrected_together
from evaluation.rankings import FloatArray, Grades, JudgedRankings, judge
from evaluation.side_by_side import Side
from evaluation.significance import DEFAULT_SIGNIFICANCE, Estimate, SignificanceConfig, estimates

_NO_QUALITY = "judged"


class SystemResult(Config):
    """One system, and how it differs from the first."""

    name: str = Field(description="Name of the system.")
    n_ranked: int = Field(description="Judged queries that it ranked; the others count as 0.")
    n_unjudged: int = Field(description="Queries that it ranked and nobody judged; they are left out.")
    metrics: dict[str, Estimate] = Field(description="Mean and interval of every metric.")
    against_first: tuple[PairedResult, ...] = Field(
        default=(), description="Every metric against the first system; the share of judged hits is not tested."
    )
    queries: dict[str, dict[str, float]] = Field(description="The value of each metric by query.")


def compare_systems(
    sides: Sequence[Side],
    grades: Grades,
    metrics: Sequence[Metric],
    relevance: Relevance = TREC_RELEVANCE,
    significance: SignificanceConfig = DEFAULT_SIGNIFICANCE,
) -> list[SystemResult]:
    """Measure each system on all judged queries; p values are corrected over all tests made here.

    Raises NothingToMeasure where a system ranked none of them, and InvalidJudgements.
    """
    judged = [judge(side.rankings, grades) for side in sides]
    values = [measure(one, metrics, relevance) for one in judged]
    tested = [str(metric) for metric in metrics if metric.kind != _NO_QUALITY]
    first = {name: values[0][name] for name in tested}
    groups = [compare_paired(first, other, significance) if tested else [] for other in values[1:]]
    against = [[], *corrected_together(groups)]
    return [_result(*one, significance) for one in zip(sides, judged, values, against, strict=True)]


def by_query(query_ids: Sequence[str], values: Mapping[str, FloatArray]) -> dict[str, dict[str, float]]:
    """The value of each metric by query id, from values [Q] by metric."""
    columns = [value_Q.tolist() for value_Q in values.values()]
    return {
        one: dict(zip(values, row, strict=True)) for one, row in zip(query_ids, zip(*columns, strict=True), strict=True)
    }


def estimate_all(values: Mapping[str, FloatArray], significance: SignificanceConfig) -> dict[str, Estimate]:
    """Mean and interval of every metric, from values [Q] by metric."""
    return dict(zip(values, estimates(np.stack(list(values.values()), axis=1), significance), strict=True))


def _result(
    side: Side,
    judged: JudgedRankings,
    values: Mapping[str, FloatArray],
    against: Sequence[PairedResult],
    significance: SignificanceConfig,
) -> SystemResult:
    return SystemResult(
        name=side.name,
        n_ranked=int((judged.returned_Q > 0).sum()),
        n_unjudged=len(set(side.rankings) - set(judged.query_ids)),
        metrics=estimate_all(values, significance),
        against_first=tuple(against),
        queries=by_query(judged.query_ids, values),
    )
