"""The acceptance experiments that take seconds, with one seed; all twelve are in benchmarks/acceptance.py."""

import pytest

from benchmarks.experiments.contract import Experiment, Summary
from benchmarks.experiments.many_positives import E2
from benchmarks.experiments.one_positive import E1
from benchmarks.experiments.teachers import E8


@pytest.mark.slow
@pytest.mark.parametrize("experiment", [E1, E2, E8], ids=lambda experiment: experiment.name)
def test_the_condition_holds_with_the_first_seed(experiment: Experiment) -> None:
    summary = Summary.of([experiment.run(0)])
    assert experiment.holds(summary), summary.mean


def test_a_summary_is_mean_and_deviation_over_the_runs() -> None:
    summary = Summary.of([{"a": {"x": 1.0}}, {"a": {"x": 3.0}}])
    assert summary.mean == {"a": {"x": 2.0}}
    assert summary.spread == {"a": {"x": 1.0}}
