from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from index.content import row_digests, table_digest

COLUMNS: dict[str, list[Any]] = {
    "text": ["ab", "c", "", None, "ü"],
    "number": [1.5, 0.0, -0.0, None, 2.0],
    "count": [1, 0, 2, None, 3],
    "flag": [True, False, True, None, False],
    "when": [datetime(2024, 1, day, tzinfo=UTC) for day in range(1, 6)],
    "words": [["ab", "c"], ["a", "bc"], [], None, ["x", None]],
    "vector": [[1.0, 2.0], [1.0], [2.0, 1.0], None, []],
    "struct": [{"a": 1}, {"a": 2}, {"a": None}, None, {"a": 3}],
}


def column(name: str) -> pa.Table:
    return pa.table({name: COLUMNS[name]})


def digests(table: pa.Table) -> list[bytes]:
    return [row.tobytes() for row in row_digests(table, table.column_names)]


@pytest.mark.parametrize("name", COLUMNS)
def test_different_values_have_different_digests_and_equal_ones_equal(name: str) -> None:
    assert len(set(digests(column(name)))) == len(set(map(str, COLUMNS[name])))
    twice = pa.concat_tables([column(name), column(name)])
    assert digests(twice) == digests(column(name)) * 2


@pytest.mark.parametrize("name", COLUMNS)
def test_a_row_has_its_digest_wherever_it_stands(name: str) -> None:
    expected = digests(column(name))
    assert digests(column(name).slice(2, 2)) == expected[2:4]
    assert digests(column(name).take(pa.array([4, 0, 3]))) == [expected[4], expected[0], expected[3]]


def test_values_do_not_run_into_each_other() -> None:
    texts = pa.table({"a": ["xy", "x"], "b": ["z", "yz"]})
    assert len(set(digests(texts))) == 2
    lists = pa.table({"a": [["x"], ["x", "y"]], "b": [["y", "z"], ["z"]]})
    assert len(set(digests(lists))) == 2


def test_a_missing_value_is_not_an_empty_one() -> None:
    assert len(set(digests(pa.table({"a": ["", None]})))) == 2
    assert len(set(digests(pa.table({"a": pa.array([[], None], pa.list_(pa.string()))})))) == 2
    assert len(set(digests(pa.table({"a": pa.array([0, None])})))) == 2


def test_names_and_types_count_and_their_order_does_not() -> None:
    table = pa.table({"a": ["1", "2"], "b": ["1", "2"]})
    assert (row_digests(table, ["a", "b"]) == row_digests(table, ["b", "a"])).all()
    assert (row_digests(table, ["a"]) != row_digests(table, ["b"])).any()
    numbers = pa.table({"a": [1, 2]})
    assert (row_digests(numbers, ["a"]) != row_digests(numbers.cast(pa.schema([("a", pa.float64())])), ["a"])).any()


def test_a_dictionary_is_read_by_its_values() -> None:
    encoded = pa.table({"a": pa.array(["red", "blue", "red"]).dictionary_encode()})
    first, second, third = digests(encoded)
    assert first == third != second


def test_a_fixed_size_list_is_read_by_its_values() -> None:
    table = pa.table({"v": pa.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]], pa.list_(pa.float32(), 2))})
    one, two, three = digests(table)
    assert one == three != two
    assert digests(table.slice(1)) == [two, three]


def test_no_rows_have_no_digests_and_the_table_has_one_of_its_own() -> None:
    empty = pa.table({"a": pa.array([], pa.string())})
    assert row_digests(empty, ["a"]).shape == (0, 16)
    tables = [empty, pa.table({"a": ["x", "y"]}), pa.table({"a": ["y", "x"]})]
    assert len({table_digest(table) for table in tables}) == 3


def test_many_rows_have_the_digests_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"a": [f"text {n}" for n in range(100)], "b": np.arange(100)})
    expected = row_digests(table, ["a", "b"])
    monkeypatch.setattr("index.content._ROWS_AT_ONCE", 7)
    assert (row_digests(table, ["a", "b"]) == expected).all()
