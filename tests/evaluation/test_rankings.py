import numpy as np
import pytest

from evaluation.errors import NothingToMeasure
from evaluation.rankings import Run, judge


def test_equal_scores_go_by_falling_id_and_scores_are_compared_as_32_bits() -> None:
    scores = {"a": 1.0, "c": 1.0 + 1e-12, "b": 1.0, "d": 2.0, "B": 1.0}
    run = Run("r", {"q": scores})
    assert run.rankings() == {"q": ["d", "c", "b", "a", "B"]}
    assert run.rankings(2) == {"q": ["d", "c"]}


def test_judged_hits_and_judgements_are_told_apart() -> None:
    grades = {"q": {"a": 1.0, "x": 3.0}, "unranked": {"a": 2.0}}
    judged = judge({"q": ["b", "a"], "unjudged": ["a"]}, grades)
    assert judged.query_ids == ("q", "unranked")
    assert judged.returned_Q.tolist() == [2, 0]
    assert (judged.row_V.tolist(), judged.place_V.tolist(), judged.grade_V.tolist()) == ([0], [2], [1.0])
    assert (judged.row_J.tolist(), judged.grade_J.tolist()) == ([0, 0, 1], [3.0, 1.0, 2.0])


def test_hits_without_any_grade_are_no_fault() -> None:
    judged = judge({"q": ["b"]}, {"q": {"a": 1.0}})
    assert len(judged.row_V) == 0
    assert judged.grade_J.dtype == np.float64


def test_nothing_to_measure_says_why() -> None:
    with pytest.raises(NothingToMeasure, match="no query has a grade"):
        judge({"q": ["a"]}, {})
    with pytest.raises(NothingToMeasure, match="none of the 1 queries that were ranked is among the 1"):
        judge({"q": ["a"]}, {"r": {"a": 1.0}})
    with pytest.raises(NothingToMeasure, match="none of the 0"):
        judge({}, {"r": {"a": 1.0}})
