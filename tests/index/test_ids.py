import pyarrow as pa
import pytest

from bundle.errors import UnknownItem
from index.ids import ItemIds, id_table


def open_ids(names: list[str]) -> ItemIds:
    return ItemIds(id_table(pa.chunked_array([pa.array(names, pa.string())])).combine_chunks().to_batches()[0])


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
    assert open_ids(["a"]).contains("a")


def test_a_repeated_request_gives_a_row_each() -> None:
    assert open_ids(["a", "b"]).rows(["b", "b", "a"]).tolist() == [1, 1, 0]


def test_rows_of_known_ids_leave_out_the_others() -> None:
    assert open_ids(["a", "b"]).rows_of_known(["x", "b", "a", "b"]).tolist() == [1, 0, 1]
    assert open_ids(["a"]).rows_of_known([]).tolist() == []
