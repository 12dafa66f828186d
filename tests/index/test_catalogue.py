from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.errors import InvalidTable
from index.catalogue import read_catalogue


def test_rows_are_sorted_by_id_with_their_other_columns(tmp_path: Path) -> None:
    table = pa.table(
        {"item_id": ["b", "10", "é", "9", "Z"], "n": [1, 2, 3, 4, 5], "tags": [["x"], [], None, ["y"], []]}
    )
    pq.write_table(table, tmp_path / "items.parquet")
    items = read_catalogue(tmp_path / "items.parquet")
    assert items.item_ids == sorted(["b", "10", "é", "9", "Z"]) == ["10", "9", "Z", "b", "é"]
    assert items.table["n"].to_pylist() == [2, 4, 5, 1, 3]
    assert items.table["tags"].to_pylist() == [[], ["y"], [], ["x"], None]


def test_the_order_of_the_file_does_not_matter(tmp_path: Path) -> None:
    ids = [f"i{n}" for n in range(50)]
    for name, order in (("a", ids), ("b", ids[::-1])):
        (tmp_path / f"{name}.csv").write_text("item_id\n" + "\n".join(order) + "\n")
    assert read_catalogue(tmp_path / "a.csv").item_ids == read_catalogue(tmp_path / "b.csv").item_ids


@pytest.mark.parametrize("text", ["item_id,n\n", "name\nx\n", "item_id\na\na\n"], ids=["empty", "no id", "twice"])
def test_a_catalogue_without_usable_ids_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "items.csv").write_text(text)
    with pytest.raises(InvalidTable, match=r"items\.csv"):
        read_catalogue(tmp_path / "items.csv")
