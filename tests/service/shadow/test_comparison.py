import orjson
import pytest

from service.shadow.comparison import Comparison, compare


def answer(*results: dict[str, float], grouped: bool = False) -> bytes:
    hits = [[{"item_id": item_id, "score": score} for item_id, score in result.items()] for result in results]
    if grouped:
        return orjson.dumps({"results": [{"groups": [{"hits": one[:1]}, {"hits": one[1:]}]} for one in hits]})
    return orjson.dumps({"results": [{"hits": one} for one in hits]})


@pytest.mark.parametrize("grouped", [False, True])
def test_two_answers_are_held_against_each_other(grouped: bool) -> None:
    served = answer({"x": 9.0}, {"a": 0.9, "b": 0.8, "c": 0.7}, grouped=grouped)
    found = compare(served, 1, answer({"b": 0.75, "a": 0.7, "z": 0.1, "y": 0.0}, grouped=grouped))
    assert found.overlap == 0.5  # two of the four of the longer one
    assert found.first_changed
    assert found.differences == pytest.approx((-0.2, -0.05))


def test_searches_without_hits_agree_and_one_with_hits_does_not() -> None:
    assert compare(answer({}), 0, answer({})) == Comparison(1.0, False, ())
    assert compare(answer({}), 0, answer({"a": 1.0})) == Comparison(0.0, True, ())


def test_a_first_hit_that_ties_with_another_has_not_changed() -> None:
    served = answer({"a": 0.9, "b": 0.9})
    assert not compare(served, 0, answer({"b": 0.9, "a": 0.9})).first_changed
    assert compare(served, 0, answer({"b": 0.9, "a": 0.89})).first_changed
    assert compare(served, 0, answer({"b": 0.9})).first_changed
