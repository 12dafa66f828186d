import pytest

from index.errors import InvalidFilter
from index.filters.filter import Filter
from index.filters.size import FilterSize, check_filter_size, filter_size

ASKED = Filter.model_validate(
    {
        "must": [{"key": "a", "match": {"any": ["x", "y", "z"]}}, {"key": "a", "match": {"except": ["x", "y"]}}],
        "should": [{"must": [{"should": [{"has_id": ["1", "2"]}]}, {"is_null": {"key": "a"}}]}],
        "min_should": {"conditions": [{"key": "b", "range": {"gt": 1, "lt": 2}}], "min_count": 1},
    }
)


def test_the_size_counts_what_lies_within() -> None:
    assert filter_size(ASKED) == FilterSize(depth=3, conditions=5, values=9)
    assert filter_size(Filter()) == FilterSize(depth=1, conditions=0, values=0)


@pytest.mark.parametrize(
    ("most", "named"),
    [((2, 9, 9), "depth are 3, at most 2"), ((9, 4, 9), "conditions are 5, at most 4"), ((9, 9, 8), "values are 9")],
)
def test_a_filter_beyond_a_limit_is_refused_naming_it(most: tuple[int, int, int], named: str) -> None:
    with pytest.raises(InvalidFilter, match=named):
        check_filter_size(ASKED, FilterSize(*most))
    check_filter_size(ASKED, FilterSize(3, 5, 9))
