import pytest

from evaluation.errors import NothingToMeasure, QueriesDiffer, UnknownMetric
from evaluation.side_by_side import ComparisonConfig, Names, Side, SideBySide, side_by_side

GRADES = {"lost": {"a": 1.0}, "won": {"b": 1.0, "z": 1.0}, "same": {"c": 1.0}, "moved": {"d": 1.0}, "dull": {"a": 0.0}}
OLD = Side("old", {"lost": ["a", "b"], "won": ["a", "c"], "same": ["c", "a"], "moved": ["d", "a"], "dull": ["a"]}, "v1")
NEW = Side("new", {"lost": ["b", "c"], "won": ["b", "a"], "same": ["c", "a"], "moved": ["d", "b"], "dull": ["a"]})
TWO = ComparisonConfig(k=2)


def compared(**changes: object) -> SideBySide:
    arguments: dict[str, object] = {"left": OLD, "right": NEW, "grades": GRADES, "config": TWO} | changes
    return side_by_side(**arguments)  # type: ignore[arg-type]


def test_wins_losses_and_the_queries_to_look_at() -> None:
    found = compared()
    first = found.results[0]
    assert (first.metric, first.wins, first.losses, first.ties) == ("ndcg@2", 1, 1, 3)
    assert [one.metric for one in found.results] == ["ndcg@2", "recall@2", "mrr@2", "hit_rate@2"]
    groups = [[one.name for one in group] for group in (found.worst, found.best, found.changed)]
    assert groups == [["lost"], ["won"], ["moved"]]
    assert (found.n_queries, found.n_without_answer) == (5, 1)
    assert found.outcome == "undecided"
    assert {one.query_id: one.overlap for one in found.queries} == {
        "lost": 0.5,
        "won": 0.5,
        "same": 1,
        "moved": 0.5,
        "dull": 1,
    }
    assert found.overlap.mean == pytest.approx(0.7)
    assert found.left.detail == "v1"
    assert found.left.judged == pytest.approx((0.5 + 0 + 0.5 + 0.5 + 1) / 5)


def test_lists_say_what_is_right_where_it_moved_and_what_is_missing() -> None:
    won = compared(names=Names(lambda ids: {one: one.upper() for one in ids}, {"won": "a red mug"})).best[0]
    assert won.name == "a red mug"
    assert [(one.item_id, one.name, one.grade, one.other_place) for one in won.left] == [
        ("a", "A", None, 2),
        ("c", "C", None, None),
    ]
    assert [(one.item_id, one.grade, one.other_place) for one in won.right] == [("b", 1.0, None), ("a", None, 1)]
    assert [one.name for one in won.missed] == ["Z"]


def test_the_outcome_needs_a_significant_test_and_an_interval_without_zero() -> None:
    grades = {f"q{n}": {"a": 1.0} for n in range(20)}
    good, bad = ({one: [item] for one in grades} for item in "ab")
    mixed = good | {"q0": ["b"]}
    assert compared(left=Side("l", bad), right=Side("r", mixed), grades=grades).outcome == "better"
    assert compared(left=Side("l", mixed), right=Side("r", bad), grades=grades).outcome == "worse"
    assert compared(left=Side("l", good), right=Side("r", mixed), grades=grades).outcome == "undecided"
    assert compared(left=Side("l", good), right=Side("r", bad), grades=grades).outcome == "worse"
    assert compared(left=Side("l", mixed), right=Side("r", mixed), grades=grades).outcome == "equal"
    few = {one: grades[one] for one in list(grades)[:5]}
    # Five of five lost: all differences are alike, and one of sixteen sign patterns is as large.
    assert compared(left=Side("l", good), right=Side("r", bad), grades=few).outcome == "undecided"
    one = {"q0": {"a": 1.0}}
    assert compared(left=Side("l", good), right=Side("r", mixed), grades=one).outcome == "unknown"


def test_without_grades_only_the_overlap_speaks() -> None:
    found = compared(grades=None)
    assert (found.results, found.outcome, found.left.judged) == ((), "unknown", None)
    assert [one.name for one in found.changed] == ["lost", "won", "moved"]
    assert (found.worst, found.best, found.queries[0].left) == ((), (), None)


def test_json_comes_back_equal() -> None:
    found = compared()
    assert SideBySide.model_validate_json(found.model_dump_json()) == found


def test_what_cannot_be_compared_says_why() -> None:
    with pytest.raises(QueriesDiffer, match="'old' ranked 5 queries and 'new' 1, 1 of them the same"):
        compared(right=Side("new", {"lost": ["a"]}), grades=None)
    with pytest.raises(NothingToMeasure, match="no query was ranked"):
        compared(left=Side("l", {}), right=Side("r", {}), grades=None)
    with pytest.raises(NothingToMeasure, match="no query has a grade"):
        compared(grades={})
    with pytest.raises(UnknownMetric, match="'ndgc@10'"):
        compared(config=ComparisonConfig(metrics=("ndgc@10",)))
