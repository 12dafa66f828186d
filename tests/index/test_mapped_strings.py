import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.mapped_strings import MappedStrings, string_table


def opened(texts: list[str]) -> MappedStrings:
    table = string_table(pa.chunked_array([pa.array(texts, pa.string())]), "word")
    return MappedStrings(table.combine_chunks().to_batches()[0])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=40, unique=True))
def test_strings_and_rows_are_inverse(texts: list[str]) -> None:
    strings = opened(texts)
    assert len(strings) == len(texts)
    assert strings.find(texts) == list(range(len(texts)))
    assert strings.at(range(len(texts))) == texts


def test_strings_with_one_checksum_are_told_apart() -> None:
    # Both pairs collide in CRC-32.
    strings = opened(["codding", "gnu", "exhibiters", "schlager"])
    assert strings.find(["gnu", "schlager", "exhibiters"]) == [1, 3, 2]
    assert opened(["gnu"]).find(["codding"]) == [-1]


@pytest.mark.parametrize("text", ["", "A", "aa", "\ud800"])
def test_what_is_not_there_is_not_found(text: str) -> None:
    assert opened(["a"]).find([text, "a"]) == [-1, 0]


def test_nothing_is_found_for_nothing() -> None:
    assert opened(["a"]).find([]) == []
