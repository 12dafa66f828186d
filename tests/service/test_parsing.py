import pytest

from bundle.errors import BatchTooLarge
from index.errors import InvalidFilter
from index.filters.filter import Filter
from service.errors import InvalidRequest
from service.parsing import check_filter, check_hits, check_limit, check_size, exactly_one, parse_body
from service.schemas.search import SearchRequest
from service.settings import LimitSettings


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b'{"k": NaN}', "not JSON"),
        (b'{"vectors": [[1e999]]}', "not JSON"),
        (b"[]", "body: must be a JSON object"),
        (b'{"k": "10"}', "k: Input should be a valid integer"),
        (b'{"k": 1.5}', "k: "),
        (b'{"k": true}', "k: "),
        (b'{"k": 0}', "k: Input should be greater"),
        (b'{"queries": {}}', "queries: "),
        (b'{"queries": []}', "queries: "),
        (b'{"queries": [{}, 3]}', r"queries\[1\]: "),
        (b'{"item_ids": ["a", ""]}', r"item_ids\[1\]: "),
        (b'{"nope": 1, "with": ["price"]}', r"nope: unknown field"),
        (b'{"with": ["price"]}', r"with\[0\]: "),
        (b'{"params": {"nprobe": "x"}}', "params.nprobe: "),
        (b'{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}', "and 2 more"),
    ],
)
def test_faults_name_field_and_position(body: bytes, named: str) -> None:
    with pytest.raises(InvalidRequest, match=named):
        parse_body(SearchRequest, body)


def test_exactly_one() -> None:
    names = ("queries", "vectors", "item_ids")
    assert exactly_one(parse_body(SearchRequest, b'{"item_ids": ["a"]}'), names) == "item_ids"
    with pytest.raises(InvalidRequest, match="none is given"):
        exactly_one(parse_body(SearchRequest, b"{}"), names)
    with pytest.raises(InvalidRequest, match="vectors and item_ids are all given"):
        exactly_one(parse_body(SearchRequest, b'{"item_ids": ["a"], "vectors": [[1]]}'), names)


def test_limits() -> None:
    assert check_size("records", 3, 3) == 3
    with pytest.raises(BatchTooLarge, match="records has 4 entries"):
        check_size("records", 4, 3)
    with pytest.raises(InvalidRequest, match="k is 11"):
        check_limit("k", 11, 10)
    check_hits(2, 5, 10)
    with pytest.raises(BatchTooLarge, match="3 queries x 5 hits or candidates are 15, at most 10"):
        check_hits(3, 5, 10)


@pytest.mark.parametrize("name", ["depth", "conditions", "values"])
def test_a_filter_is_held_to_the_limits(name: str) -> None:
    asked = Filter.model_validate({"must": [{"should": [{"has_id": ["a", "b"]}, {"has_id": ["c"]}]}]})
    check_filter(asked, LimitSettings(max_filter_depth=2, max_filter_conditions=2, max_filter_values=3))
    with pytest.raises(InvalidFilter, match=f"its {name} are"):
        check_filter(asked, LimitSettings.model_validate({f"max_filter_{name}": 1}))
