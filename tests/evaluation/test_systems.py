import numpy as np
import pytest

from evaluation.errors import NothingToMeasure
from evaluation.metrics import Metric
from evaluation.side_by_side import Side
from evaluation.significance import SignificanceConfig
from evaluation.systems import by_query, compare_systems, estimate_all

GRADES = {f"q{n}": {"a": 1.0} for n in range(20)}
GOOD = Side("good", {one: ["a", "b"] for one in GRADES})
SECOND = Side("second", {one: ["b", "a"] for one in GRADES})
HALF = Side("half", {one: ["a"] for one in list(GRADES)[:10]})
METRICS = [Metric("mrr", 10), Metric("hit_rate", 1), Metric("judged", 10)]


def test_every_system_is_measured_and_held_against_the_first() -> None:
    good, second, half = compare_systems([GOOD, SECOND, HALF], GRADES, METRICS)
    assert [one.n_ranked for one in (good, second, half)] == [20, 20, 10]
    assert [one.n_unjudged for one in (good, second, half)] == [0, 0, 0]
    (wide,) = compare_systems([Side("wide", {**GOOD.rankings, "r": ["a"], "s": []})], GRADES, METRICS)
    assert (wide.n_ranked, wide.n_unjudged, wide.metrics) == (20, 2, good.metrics)
    assert (good.metrics["mrr@10"].mean, second.metrics["mrr@10"].mean) == (1, 0.5)
    assert good.against_first == ()
    assert [one.metric for one in half.against_first] == ["mrr@10", "hit_rate@1"]  # judged hits are no quality
    assert (half.against_first[0].losses, half.against_first[0].ties) == (10, 10)
    assert half.metrics["mrr@10"].low is not None
    assert second.queries["q3"] == {"mrr@10": 0.5, "hit_rate@1": 0, "judged@10": 0.5}


def test_p_values_are_corrected_over_all_systems() -> None:
    _, _, half = compare_systems([GOOD, SECOND, HALF], GRADES, METRICS)
    alone = compare_systems([GOOD, HALF], GRADES, METRICS)[1]
    assert half.against_first[0].p_value == alone.against_first[0].p_value == 2 / 2**10
    assert (alone.against_first[0].p_holm, half.against_first[0].p_holm) == (2 * 2 / 2**10, 2 * 2 / 2**10)
    four = sorted(one.p_holm for one in compare_systems([GOOD, HALF, HALF], GRADES, METRICS)[1].against_first)
    assert four == [4 * 2 / 2**10] * 2


def test_a_system_that_ranked_no_judged_query_is_told() -> None:
    with pytest.raises(NothingToMeasure, match="none of the 1 queries that were ranked"):
        compare_systems([GOOD, Side("stranger", {"other": ["a"]})], GRADES, METRICS)


def test_judged_hits_alone_are_measured_and_not_tested() -> None:
    found = compare_systems([GOOD, SECOND], GRADES, [Metric("judged", 10)])
    assert found[1].against_first == ()


def test_values_by_query_and_their_estimates() -> None:
    values = {"a": np.array([0.0, 1.0]), "b": np.array([1.0, 1.0])}
    assert by_query(["x", "y"], values) == {"x": {"a": 0, "b": 1}, "y": {"a": 1, "b": 1}}
    found = estimate_all(values, SignificanceConfig(resamples=200))
    assert (found["a"].mean, found["b"].why_none) == (0.5, "all values are equal")
