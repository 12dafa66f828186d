from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from index.errors import InvalidFilter
from index.filters.filter import Filter
from tests.index.filters.naive import SCALARS, Record, catalogues, fields_of, filters, holds

NOTHING: Record = {name: None for key in SCALARS for name in (key, f"{key}s")}
ITEMS: list[Record] = [
    NOTHING | {"colour": "red", "stock": 2, "price": 2.5, "sold": True, "seen": "2024-01-01T12:30:00+00:00"},
    NOTHING | {"colour": "blue", "stock": 5, "colours": ["red", None], "stocks": [1, 9], "day": "2024-01-01"},
    NOTHING | {"colours": []},
]


@settings(max_examples=400, deadline=None)
@given(catalogues(), filters())
def test_the_rows_are_those_that_meet_the_filter_one_by_one(records: list[Record], asked: Record) -> None:
    fields = fields_of(records)
    mask_N = Filter.model_validate(asked).bind(fields).mask(fields)
    assert mask_N.tolist() == [holds(asked, str(row), record) for row, record in enumerate(records)]


def rows(asked: dict[str, Any]) -> list[int]:
    fields = fields_of(ITEMS)
    return [int(row) for row in Filter.model_validate(asked).bind(fields).mask(fields).nonzero()[0]]


def field(key: str, **test: Any) -> dict[str, Any]:
    return {"key": key, **test}


RED, BLUE = (field("colour", match={"value": colour}) for colour in ("red", "blue"))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [0, 1, 2]),
        ({"must": [], "should": [], "must_not": []}, [0, 1, 2]),
        ({"must": RED}, [0]),
        ({"must": [RED, BLUE]}, []),
        ({"should": [RED, BLUE]}, [0, 1]),
        ({"must_not": [RED]}, [1, 2]),
        ({"must": [field("stock", range={"gte": 2})], "should": [BLUE], "must_not": [RED]}, [1]),
        ({"min_should": {"conditions": [RED, field("stock", range={"lt": 3}), BLUE], "min_count": 2}}, [0]),
        ({"min_should": {"conditions": [], "min_count": 1}}, []),
        ({"must": [{"should": [RED, {"must_not": [{"has_id": ["0", "1"]}]}]}]}, [0, 2]),
    ],
)
def test_clauses_join_as_in_qdrant(asked: dict[str, Any], expected: list[int]) -> None:
    assert rows(asked) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (field("stock", match={"value": 2}), [0]),
        (field("sold", match={"value": True}), [0]),
        (field("price", match={"any": [2, 3]}), []),
        (field("colour", match={"any": []}), []),
        (field("colour", match={"except": []}), [0, 1]),
        (field("colour", match={"except": ["red"]}), [1]),
        (field("colour", match={"text": "e"}), [0, 1]),
        (field("colour", match={"text": "E"}), []),
        (field("colours", match={"value": "red"}), [1]),
        (field("stocks", range={"gt": 1, "lt": 5}), []),
        (field("stocks", range={"gt": 8}), [1]),
        (field("stock", range={"gt": 1.5, "lte": 2.0}), [0]),
        (field("price", range={"gt": 2, "lt": None}), [0]),
        (field("seen", range={"gte": "2024-01-01T13:30:00+01:00"}), [0]),
        (field("seen", range={"gt": "2024-01-01T12:30:00Z"}), []),
        (field("seen", range={"gt": "2024-01-01", "lt": "2024-01-02"}), [0]),
        (field("day", match={"value": "2024-01-01"}), [1]),
        ({"has_id": ["2", "7"]}, [2]),
        ({"is_null": {"key": "stock"}}, [2]),
        ({"is_null": {"key": "colours"}}, [0, 1]),
        ({"is_empty": {"key": "colours"}}, [0, 2]),
    ],
)
def test_conditions_hold_as_in_qdrant(condition: dict[str, Any], expected: list[int]) -> None:
    assert rows({"must": [condition]}) == expected


@pytest.mark.parametrize(
    "condition",
    [
        field("stock", match={"value": 2}),
        field("colour", match={"except": ["green"]}),
        field("colour", match={"text": "r"}),
        field("price", range={"lt": 10**6}),
        field("seen", range={"gt": "0001-01-01"}),
    ],
)
def test_a_missing_value_matches_nothing_and_passes_must_not(condition: dict[str, Any]) -> None:
    assert 2 not in rows({"must": [condition]})
    assert 2 in rows({"must_not": [condition]})


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        (field("color", match={"value": "red"}), "'color': no such attribute.*has: colour, stock, price"),
        (field("price", match={"value": "red"}), "'price': its values are of the kind number, but 'red' is not"),
        (field("colour", match={"any": ["red", 3]}), "'colour': .*kind text, but 3 is not"),
        (field("sold", match={"value": 1}), "'sold': .*truth value, but 1 is not"),
        (field("stock", match={"value": True}), "'stock': .*whole number, but True is not"),
        (field("stock", range={"gt": "2"}), "'stock'.*'2' is not"),
        (field("seen", range={"gt": 5}), "'seen'.*time, written as an ISO 8601 text, but 5"),
        (field("seen", range={"gt": "yesterday"}), "'seen': 'yesterday' is no ISO 8601 time"),
        (field("colour", range={"gt": 1}), "'colour': range is for numbers and times.*text; use match"),
        (field("stock", match={"text": "2"}), "'stock': match.text is for texts"),
        ({"is_null": {"key": "color"}}, "'color': no such attribute"),
        ({"is_empty": {"key": "color"}}, "'color': no such attribute"),
        ({"should": [field("color", match={"text": "r"})]}, "'color': no such attribute"),
    ],
)
def test_a_field_that_is_not_there_or_of_another_kind_is_named(condition: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidFilter, match=named):
        rows({"must_not": [condition]})


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"mst": []}, "Extra inputs"),
        ({"must": [{"key": "a"}]}, "one of match, range, has_id"),
        ({"must": [{"key": "a", "range": {"gt": 1}, "match": {"value": 1}}]}, "one of match, range, has_id"),
        ({"must": [{}]}, "one of match, range, has_id"),
        ({"must": "x"}, "one of match, range, has_id"),
        ({"must": [[]]}, "one of match, range, has_id"),
        ({"must": [field("a", match={"value": 1.5})]}, "valid integer"),
        ({"must": [field("a", match={"phrase": "x"})]}, "one of value, any, except, text"),
        ({"must": [field("a", match={"text": ""})]}, "at least 1 character"),
        ({"must": [field("a", range={})]}, "at least one of gt, gte, lt, lte"),
        ({"must": [field("a", range={"gt": True})]}, "valid number"),
        ({"must": [field("a", range={"from": 1})]}, "Extra inputs"),
        ({"must": [{"has_id": [1]}]}, "valid string"),
        ({"min_should": {"conditions": [], "min_count": 0}}, "greater than or equal to 1"),
    ],
)
def test_what_is_not_in_the_grammar_is_refused(asked: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Filter.model_validate(asked)


def test_equal_filters_are_equal_keys() -> None:
    asked = {"must": RED, "min_should": {"conditions": [field("stock", match={"any": [1, 2]})], "min_count": 1}}
    listed = asked | {"must": [RED]}
    assert hash(Filter.model_validate(asked)) == hash(Filter.model_validate(listed))
    assert Filter.model_validate(asked) == Filter.model_validate(listed)
    assert Filter.model_validate(asked) != Filter.model_validate({"must": BLUE})


def test_a_filter_survives_json() -> None:
    asked = {"must": [RED, field("colour", match={"except": ["blue"]})], "should": [{"must_not": [{"has_id": ["1"]}]}]}
    dumped = Filter.model_validate(asked).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert dumped == asked
