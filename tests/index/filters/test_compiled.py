from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from index.filters.compiled import BYTES_A_VALUE, Filters
from index.filters.filter import Filter
from tests.index.filters.naive import SCALARS, fields_of

N_ITEMS = 40
RECORDS = [{name: row if key == "stock" and name == key else None for key in SCALARS for name in (key, f"{key}s")}
           for row in range(N_ITEMS)]  # fmt: skip


def stock(**bounds: Any) -> Filter:
    return Filter.model_validate({"must": {"key": "stock", "range": bounds}})


@pytest.fixture
def filters() -> Filters:
    return Filters(fields_of(RECORDS))


def test_the_rows_are_counted(filters: Filters) -> None:
    allowed = filters.rows(filters.bind(stock(gte=7, lt=10)))
    assert allowed.rows().tolist() == [7, 8, 9]
    assert allowed.count == 3


def test_an_equal_filter_is_evaluated_once(filters: Filters) -> None:
    first = filters.rows(filters.bind(stock(gte=7)))
    assert filters.rows(filters.bind(stock(gte=7))) is first
    assert filters.rows(filters.bind(stock(gte=8))) is not first


def test_what_was_used_least_recently_leaves_first() -> None:
    one = 5 + 8 * 1 + 2 * BYTES_A_VALUE  # five bytes of bits, one kept row, one value
    filters = Filters(fields_of(RECORDS), most_cached_bytes=2 * one)
    bound = [
        filters.bind(Filter.model_validate({"must": {"key": "stock", "match": {"value": row}}})) for row in range(3)
    ]
    first, second = filters.rows(bound[0]), filters.rows(bound[1])
    assert filters.rows(bound[0]) is first
    filters.rows(bound[2])
    assert filters.rows(bound[0]) is first
    assert filters.rows(bound[1]) is not second


def test_a_filter_larger_than_the_cache_is_answered_all_the_same() -> None:
    filters = Filters(fields_of(RECORDS), most_cached_bytes=1)
    bound = filters.bind(stock(lt=2))
    assert [filters.rows(bound).rows().tolist() for _ in range(2)] == [[0, 1]] * 2


def test_eight_threads_find_the_rows_of_one(filters: Filters) -> None:
    wanted = [stock(gte=row % 13, lt=20) for row in range(400)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(lambda asked: filters.rows(filters.bind(asked)).rows().tolist(), wanted))
    assert found == [list(range(row % 13, 20)) for row in range(400)]
