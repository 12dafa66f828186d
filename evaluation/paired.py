"""Two systems on the same queries, metric by metric: difference, interval, test, and which is better how often.

Letters: Q queries, M metrics.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from bundle.config import Config
from evaluation.errors import QueriesDiffer
from evaluation.rankings import FloatArray
from evaluation.significance import (
    DEFAULT_SIGNIFICANCE,
    Estimate,
    SignificanceConfig,
    estimates,
    holm,
    randomisation_test,
)

TIE = 1e-9


class PairedResult(Config):
    """One metric of two systems on the same queries; a difference is right less left."""

    metric: str = Field(description="The metric.")
    left: float = Field(description="Mean of the left system.")
    right: float = Field(description="Mean of the right system.")
    difference: Estimate = Field(description="Mean difference, right less left, with its interval.")
    p_value: float = Field(ge=0, le=1, description="Two-sided p value of a paired randomisation test.")
    p_holm: float = Field(ge=0, le=1, description="The same, corrected for all tests made together.")
    wins: int = Field(ge=0, description="Queries on which the right system is better.")
    losses: int = Field(ge=0, description="Queries on which the left system is better.")
    ties: int = Field(ge=0, description="Queries on which they are equal.")


def compare_paired(
    left: Mapping[str, FloatArray],
    right: Mapping[str, FloatArray],
    config: SignificanceConfig = DEFAULT_SIGNIFICANCE,
) -> list[PairedResult]:
    """Every metric of `left`, whose values [Q] of both systems stand in the order of the same queries.

    p values are corrected over these metrics. Raises QueriesDiffer where the values are not of the same queries.
    """
    names = list(left)
    left_QM, right_QM = _columns(left, names), _columns(right, names)
    if left_QM.shape != right_QM.shape:
        raise QueriesDiffer(f"{len(left_QM):,} queries on the left and {len(right_QM):,} on the right cannot be paired")
    difference_QM = right_QM - left_QM
    difference_QM[abs(difference_QM) < TIE] = 0
    p_values = randomisation_test(difference_QM, config)
    columns = zip(names, estimates(difference_QM, config), p_values, holm(p_values), strict=True)
    return [
        PairedResult(
            metric=name,
            left=float(left_QM[:, m].mean()),
            right=float(right_QM[:, m].mean()),
            difference=difference,
            p_value=p_value,
            p_holm=corrected,
            wins=int((difference_QM[:, m] > 0).sum()),
            losses=int((difference_QM[:, m] < 0).sum()),
            ties=int((difference_QM[:, m] == 0).sum()),
        )
        for m, (name, difference, p_value, corrected) in enumerate(columns)
    ]


def corrected_together(groups: Sequence[Sequence[PairedResult]]) -> list[list[PairedResult]]:
    """The same results with Holm's correction over all groups at once, as several systems are held against one."""
    flat = holm([result.p_value for group in groups for result in group])
    found = iter(flat)
    return [[result.model_copy(update={"p_holm": next(found)}) for result in group] for group in groups]


def _columns(values: Mapping[str, FloatArray], names: Sequence[str]) -> FloatArray:
    return np.stack([values[name] for name in names], axis=1)
