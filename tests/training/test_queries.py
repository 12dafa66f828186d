import pyarrow as pa

from tests.training.small_data import ints
from training.queries import Queries


def test_records_hold_the_named_columns_in_the_order_asked() -> None:
    table = pa.table({"query_id": ["a", "b"], "country": ["UK", None], "age": [3, 4]})
    queries = Queries(["a", "b"], table, "queries.csv")
    assert queries.records(["country", "history"], ints(1, 0, 1)) == [
        {"country": None},
        {"country": "UK"},
        {"country": None},
    ]


def test_without_a_table_there_is_only_the_id() -> None:
    queries = Queries(["a", "b"], None, "interactions.csv")
    assert queries.feature_names == ["query_id"]
    assert queries.records(["query_id", "country"], ints(1)) == [{"query_id": "b"}]
    assert queries.records(["country"], ints(1, 0)) == [{}, {}]
