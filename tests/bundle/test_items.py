from pathlib import Path

import pytest

from bundle.errors import InvalidTable
from bundle.items import read_items


def _csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "items.csv"
    path.write_text(text)
    return path


def test_records_hold_the_asked_columns_of_the_asked_rows(tmp_path: Path) -> None:
    items = read_items(_csv(tmp_path, "item_id,title,price\na,Red lamp,1\nb,Blue lamp,2\nc,Jug,3\n"))
    assert items.item_ids == ["a", "b", "c"]
    assert items.records(["title"], 1, 3) == [{"title": "Blue lamp"}, {"title": "Jug"}]


def test_the_id_may_be_a_feature_too(tmp_path: Path) -> None:
    items = read_items(_csv(tmp_path, "item_id,title\na,Red lamp\n"))
    assert items.records(["item_id", "title"]) == [{"item_id": "a", "title": "Red lamp"}]


def test_a_feature_without_a_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="no column 'brand', which the feature spec asks for"):
        read_items(_csv(tmp_path, "item_id,title\na,Red lamp\n")).records(["brand"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("item_id,title\n", "no rows"),
        ("item_id,title\na,x\na,y\n", "row 2, column 'item_id': 'a' stands in row 1"),
        ("item_id,title\na,x\n,y\n", "row 2, column 'item_id' is missing"),
        ("id,title\na,x\n", "no column 'item_id'"),
    ],
)
def test_a_bad_catalogue_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidTable, match=says):
        read_items(_csv(tmp_path, text))
