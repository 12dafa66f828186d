import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.errors import UnknownItem
from index.ids import ItemIds, id_table


def open_ids(names: list[str]) -> ItemIds:
    return ItemIds(id_table(pa.chunked_array([pa.array(names, pa.string())])).combine_chunks().to_batches()[0])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=40, unique=True))
def test_ids_and_rows_are_inverse(names: list[str]) -> None:
    ids = open_ids(names)
    assert len(ids) == len(names)
    assert ids.rows(names).tolist() == list(range(len(names)))
    assert ids.at(range(len(names))) == names


def test_ids_with_one_checksum_are_told_apart() -> None:
    # Both pairs collide in CRC-32.
    names = ["codding", "gnu", "exhibiters", "schlager"]
    assert open_ids(names).rows(["gnu", "schlager", "exhibiters"]).tolist() == [1, 3, 2]
    assert not open_ids(["gnu"]).contains("codding")


def test_unknown_ids_are_named_and_the_many_are_counted() -> None:
    ids = open_ids(["a", "b"])
    with pytest.raises(UnknownItem, match="'x'") as caught:
        ids.rows(["a", "x", "b"])
    assert caught.value.context["item_ids"] == ["x"]
    with pytest.raises(UnknownItem, match="and 95 more"):
        ids.rows([f"z{n}" for n in range(100)])


@pytest.mark.parametrize("name", ["", "A", "aa", "\ud800"])
def test_what_is_not_there_is_not_contained(name: str) -> None:
    assert not open_ids(["a"]).contains(name)


def test_a_repeated_request_gives_a_row_each() -> None:
    assert open_ids(["a", "b"]).rows(["b", "b", "a"]).tolist() == [1, 1, 0]
