from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from bundle.errors import ConfigError, InvalidTable
from bundle.items import Items
from index.attributes import AttributeColumns, attribute_table


def items(**columns: Any) -> Items:
    count = len(next(iter(columns.values())))
    return Items(pa.table({"item_id": [str(row) for row in range(count)], **columns}), "items.parquet")


def stored(source: Items, names: list[str] | None = None) -> AttributeColumns:
    table = attribute_table(source, names).combine_chunks()
    return AttributeColumns((table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)])[0])


def rows(*numbers: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(numbers, dtype=np.int64)


CASES: list[tuple[Any, list[Any]]] = [
    (pa.array(["a", None]), ["a", None]),
    (pa.array(["x", "x"]).dictionary_encode(), ["x", "x"]),
    (pa.array([1, None], pa.int8()), [1, None]),
    (pa.array([2**63, 1], pa.uint64()), [2**63, 1]),
    (pa.array([True, None]), [True, None]),
    (pa.array([1.5, float("nan")]), [1.5, None]),
    (pa.array([float("inf"), -float("inf")], pa.float32()), [None, None]),
    (pa.array([Decimal("2.55"), None]), [2.55, None]),
    (pa.array([None, None]), [None, None]),
    (pa.array([date(2024, 2, 29), None]), ["2024-02-29", None]),
    (pa.array([datetime(2024, 2, 29, 1, 2, 3), None]), ["2024-02-29T01:02:03+00:00", None]),
    (
        pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("s", "Asia/Tokyo")),
        ["2024-01-01T00:00:00+00:00"] * 2,
    ),
    (pa.array([1, 1_000_000_001], pa.timestamp("ns")), ["1970-01-01T00:00:00+00:00", "1970-01-01T00:00:01+00:00"]),
]


@pytest.mark.parametrize(("column", "expected"), CASES, ids=lambda value: str(getattr(value, "type", "")))
def test_every_type_becomes_a_json_value(column: Any, expected: list[Any]) -> None:
    answer = stored(items(value=column)).at(rows(0, 1))
    assert [record["value"] for record in answer] == expected
    assert orjson.loads(orjson.dumps(answer)) == answer


def test_lists_are_left_out_unless_asked_for() -> None:
    source = items(name=["a", "b"], tags=[["x", "y"], None], sizes=[[1.0, float("nan")], []])
    assert stored(source).at(rows(0)) == [{"name": "a"}]
    assert stored(source, ["tags", "sizes"]).at(rows(1, 0)) == [
        {"tags": None, "sizes": []},
        {"tags": ["x", "y"], "sizes": [1.0, None]},
    ]


def test_a_time_that_no_calendar_holds_is_refused_naming_the_column() -> None:
    with pytest.raises(InvalidTable, match="column 'seen'.*check its unit"):
        attribute_table(items(seen=pa.array([0, 10**12], pa.timestamp("s"))), None)
    assert stored(items(seen=pa.array([None, None], pa.timestamp("ms")))).at(rows(0)) == [{"seen": None}]


def test_lists_of_times_become_lists_of_texts() -> None:
    source = items(seen=[[datetime(2024, 1, 1, tzinfo=UTC), None], None], days=[[date(2024, 1, 1)], []])
    assert stored(source, ["seen", "days"]).at(rows(0, 1)) == [
        {"seen": ["2024-01-01T00:00:00+00:00", None], "days": ["2024-01-01"]},
        {"seen": None, "days": []},
    ]


def test_rows_come_in_the_order_asked_for_and_may_repeat() -> None:
    assert [r["n"] for r in stored(items(n=[10, 11, 12])).at(rows(2, 0, 2))] == [12, 10, 12]


def test_an_item_id_is_no_attribute_and_no_columns_are_no_error() -> None:
    source = items(vector=[[1.0], [2.0]])
    assert stored(source).at(rows(0, 1)) == [{}, {}]
    assert attribute_table(source, None).column_names == []


def test_an_attribute_that_is_no_column_is_a_config_error_naming_it() -> None:
    with pytest.raises(ConfigError, match="colour.*it has: size"):
        attribute_table(items(size=[1]), ["colour"])


@pytest.mark.parametrize("column", [pa.array([b"x"]), pa.array([{"a": 1}]), pa.array([5], pa.duration("s"))])
def test_a_type_that_json_cannot_show_is_refused_naming_the_column(column: Any) -> None:
    with pytest.raises(InvalidTable, match=r"items\.parquet, column 'odd'"):
        attribute_table(items(odd=column), None)
