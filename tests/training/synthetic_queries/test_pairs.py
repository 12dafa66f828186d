from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.errors import InvalidTable
from training.synthetic_queries.pairs import REPORT_KEY, Pair, hash_of, normalise, read_pairs, write_pairs

PAIRS = [
    Pair("i1", "red lamp", "extract", "title", "ab" * 32, 0.5),
    Pair("0042", "größe M, blau?", "model-x", "question", "cd" * 32),
]


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_pairs(tmp_path / "a.parquet", PAIRS, {"kept": 2})
    assert read_pairs(tmp_path / "a.parquet") == PAIRS
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == ["item_id", "query_text", "generator", "prompt_kind", "score", "prompt_hash"]
    assert table.schema.metadata[REPORT_KEY] == b'{"kept":2}'
    write_pairs(tmp_path / "b.parquet", PAIRS, {"kept": 2})
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_two_columns_are_enough_and_numbers_stay_texts(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("item_id,query_text\n007,2024\n")
    assert read_pairs(path) == [Pair("007", "2024", "pairs.csv", "file", "")]
    path.write_text("item_id,query_text\n007,\n")
    with pytest.raises(InvalidTable, match="row 1, column 'query_text' is missing"):
        read_pairs(path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Red  Lamp?", "red lamp"),
        ("«Straße»", "STRASSE"),
        ("\uff21 b", "a b"),
        ("is it (red), or blue", "is it red or blue"),
    ],
)
def test_the_same_query_has_one_normal_form(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_signs_that_mean_something_stay() -> None:
    assert len({normalise(text) for text in ("c", "c++", "c#", "-c", "?")}) == 5


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_the_hash_knows_values_but_not_their_order() -> None:
    assert hash_of({"a": 1, "b": "x"}) == hash_of({"b": "x", "a": 1})
    assert hash_of({"a": 1}) != hash_of({"a": 2})
    assert len(hash_of({})) == 64
