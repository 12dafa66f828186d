from collections.abc import Mapping
from typing import Any

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import AP, RR, Judged, P, R, Success, nDCG

from evaluation.errors import InvalidJudgements, UnknownMetric
from evaluation.metrics import DEFAULT_METRICS, Metric, Relevance, measure
from evaluation.rankings import Grades, Run, judge
from training.metrics import query_metrics

IDS = st.sampled_from([f"d{n}" for n in range(12)] + ["D1", "é", "d"])
QUERIES = st.sampled_from(["q1", "q2", "q10", "Q"])
# Few different scores make ties; the last two are equal as 32-bit floats and not as 64-bit ones.
SCORES = st.sampled_from([0.0, -1.5, 0.1, 2.0, 7.25, 1.0, 1.0 + 1e-12])
RUNS = st.dictionaries(QUERIES, st.dictionaries(IDS, SCORES, min_size=1, max_size=14), min_size=1)
QRELS = st.dictionaries(QUERIES, st.dictionaries(IDS, st.integers(0, 4), min_size=1, max_size=10), min_size=1)
THEIRS = {
    "ndcg": nDCG,
    "ndcg@3": nDCG @ 3,
    "ndcg@10": nDCG @ 10,
    "map": AP,
    "map@3": AP @ 3,
    "mrr": RR,
    "recall@3": R @ 3,
    "recall@10": R @ 10,
    "precision@3": P @ 3,
    "precision@10": P @ 10,
    "hit_rate@3": Success @ 3,
}


def values(scores: Mapping[str, Mapping[str, float]], grades: Grades, names: list[str], **relevance: object) -> object:
    judged = judge(Run("r", scores).rankings(), grades)
    found = measure(judged, [Metric.parse(name) for name in names], Relevance(**relevance))  # type: ignore[arg-type]
    return {name: dict(zip(judged.query_ids, found[name].tolist(), strict=True)) for name in names}


def theirs(measures: Mapping[str, Any], grades: Mapping[str, Mapping[str, int]], scores: object) -> object:
    found: dict[str, dict[str, float]] = {name: {} for name in measures}
    name_of = {str(one): name for name, one in measures.items()}
    for metric in ir_measures.iter_calc(measures.values(), grades, scores):
        found[name_of[str(metric.measure)]][metric.query_id] = metric.value
    return {name: {query_id: by_query.get(query_id, 0.0) for query_id in grades} for name, by_query in found.items()}


def assert_equal(ours: object, others: object) -> None:
    assert isinstance(ours, dict) and isinstance(others, dict)
    assert ours.keys() == others.keys()
    for name in ours:
        assert ours[name] == pytest.approx(others[name], abs=1e-9), name


@settings(max_examples=150, deadline=None)
@given(RUNS, QRELS)
def test_values_are_those_of_trec_eval(scores: dict[str, dict[str, float]], grades: dict[str, dict[str, int]]) -> None:
    if not set(scores) & set(grades):
        return
    assert_equal(values(scores, grades, list(THEIRS)), theirs(THEIRS, grades, scores))


@settings(max_examples=60, deadline=None)
@given(RUNS, QRELS)
def test_a_stricter_grade_and_the_exponential_gain_are_those_of_trec_eval(
    scores: dict[str, dict[str, float]], grades: dict[str, dict[str, int]]
) -> None:
    if not set(scores) & set(grades):
        return
    strict = {"map": AP(rel=2), "recall@3": R(rel=2) @ 3, "precision@3": P(rel=2) @ 3, "mrr": RR(rel=2)}
    assert_equal(values(scores, grades, list(strict), above=1), theirs(strict, grades, scores))
    worth = {query_id: {one: 2**grade - 1 for one, grade in known.items()} for query_id, known in grades.items()}
    ours = values(scores, grades, ["ndcg@5"], gain="exponential")
    assert_equal(ours, theirs({"ndcg@5": nDCG @ 5}, worth, scores))


def test_the_judged_share_is_that_of_ir_measures() -> None:
    scores = {"q": {"a": 3.0, "b": 2.0, "c": 1.0}, "r": {"a": 1.0}}
    grades = {"q": {"a": 0, "c": 2}, "r": {"a": 1}}
    assert_equal(values(scores, grades, ["judged@2"]), theirs({"judged@2": Judged @ 2}, grades, scores))
    assert values(scores, grades, ["judged@2", "judged"]) == {
        "judged@2": {"q": 0.5, "r": 1.0},
        "judged": {"q": 2 / 3, "r": 1.0},
    }


def test_by_hand() -> None:
    scores = {"q": {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0}, "nothing right": {"a": 1.0}}
    grades = {"q": {"b": 2.0, "d": 1.0, "gone": 1.0}, "not asked": {"a": 1.0}, "nothing right": {"a": 0.0}}
    found = values(scores, grades, ["ndcg@3", "map", "mrr", "mrr@1", "recall@3", "precision@3", "precision"])
    ideal = 2 + 1 / np.log2(3) + 0.5
    assert isinstance(found, dict)
    assert {name: by_query["q"] for name, by_query in found.items()} == pytest.approx(
        {
            "ndcg@3": 2 / np.log2(3) / ideal,
            "map": (1 / 2 + 2 / 4) / 3,
            "mrr": 1 / 2,
            "mrr@1": 0,
            "recall@3": 1 / 3,
            "precision@3": 1 / 3,
            "precision": 1 / 2,
        }
    )
    for by_query in found.values():
        assert by_query["not asked"] == by_query["nothing right"] == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.integers(0, 29), min_size=1, max_size=6), min_size=1, max_size=4), st.integers(0, 9))
def test_without_equal_scores_these_are_the_metrics_of_training(relevant: list[set[int]], seed: int) -> None:
    """Training knows ranks, this package rankings: one number where no two scores are equal."""
    order = [np.random.default_rng([seed, row]).permutation(30) for row in range(len(relevant))]
    rankings = {f"q{row}": [f"i{item}" for item in order[row]] for row in range(len(relevant))}
    grades = {f"q{row}": {f"i{item}": 1.0 for item in items} for row, items in enumerate(relevant)}
    names = ["mrr", *(f"{kind}@{k}" for kind in ("recall", "hit_rate", "ndcg", "mrr") for k in (1, 5, 20))]
    ours = measure(judge(rankings, grades), [Metric.parse(name) for name in names])
    ranks = [float(np.flatnonzero(order[row] == item)[0] + 1) for row, items in enumerate(relevant) for item in items]
    rows = np.repeat(np.arange(len(relevant)), [len(items) for items in relevant])
    trained = query_metrics(np.array(ranks), rows, len(relevant), (1, 5, 20))
    assert set(trained) == set(names)
    for name in names:
        assert ours[name] == pytest.approx(trained[name], abs=1e-12), name


def test_a_metric_is_read_and_written_by_its_name() -> None:
    assert [str(Metric.parse(name)) for name in DEFAULT_METRICS] == list(DEFAULT_METRICS)
    for name in ("ndgc@10", "ndcg@0", "ndcg@", "ndcg@x", "ndcg@-1", ""):
        with pytest.raises(UnknownMetric, match="take one of ndcg, map"):
            Metric.parse(name)


def test_grades_that_are_no_number_or_too_large_are_refused() -> None:
    rankings = {"q": ["a"]}
    with pytest.raises(InvalidJudgements, match="not a finite number"):
        measure(judge(rankings, {"q": {"a": float("nan")}}), [Metric("map")])
    with pytest.raises(InvalidJudgements, match="a grade is 31"):
        measure(judge(rankings, {"q": {"a": 31}}), [Metric("ndcg")], Relevance(gain="exponential"))
