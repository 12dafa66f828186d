import pyarrow as pa
import pytest

from bundle.errors import ConfigError
from bundle.items import Items
from training.errors import BadData
from training.synthetic_queries.texts import item_texts

ITEMS = Items(
    pa.table(
        {
            "item_id": ["a", "b", "c", "d"],
            "name": ["Lamp", " ", None, "Pan"],
            "about": ["bright", None, "", None],
            "price": [1.0, 2.0, 3.0, 4.0],
        }
    ),
    "items.csv",
)


def test_columns_are_joined_and_items_that_say_nothing_are_counted() -> None:
    texts = item_texts(ITEMS, ["about", "name"], "name")
    assert texts.item_ids == ["a", "d"]
    assert texts.titles == ["Lamp", "Pan"]
    assert texts.texts == ["bright\nLamp", "Pan"]
    assert (len(texts), texts.without_text) == (2, 2)


def test_a_title_alone_is_a_text() -> None:
    texts = item_texts(ITEMS, ["about"], "name")
    assert texts.texts == ["bright", "Pan"]
    assert item_texts(ITEMS, ["about"], None).titles == [""]


@pytest.mark.parametrize(
    ("columns", "title", "says"),
    [(["abuot"], None, "no column 'abuot'; it has: item_id, name"), (["name"], "price", "'price' is double")],
)
def test_a_wrong_column_is_named(columns: list[str], title: str | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        item_texts(ITEMS, columns, title)


def test_a_catalogue_without_texts_is_refused() -> None:
    with pytest.raises(BadData, match=r"no item of items\.csv has a text in about"):
        item_texts(Items(ITEMS.table.slice(1, 2), "items.csv"), ["about"], None)
