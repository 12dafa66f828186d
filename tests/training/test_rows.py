from pathlib import Path

import pyarrow as pa
import pytest

from bundle.errors import InvalidTable
from training.rows import UNKNOWN, IdRows

IDS = IdRows.of(["b", "a"], "items.csv")
TABLE = pa.table({"item_id": ["a", "b", "z", "a"]})


def test_ids_become_row_numbers() -> None:
    assert IDS.find(TABLE.slice(0, 2), "item_id", Path("t.csv"), drop_unknown=False).tolist() == [1, 0]


def test_an_unknown_id_is_named_or_marked() -> None:
    with pytest.raises(InvalidTable, match=r"t.csv row 3, column 'item_id': 'z' is not in items.csv.*drop_unknown"):
        IDS.find(TABLE, "item_id", Path("t.csv"), drop_unknown=False)
    assert IDS.find(TABLE, "item_id", Path("t.csv"), drop_unknown=True).tolist() == [1, 0, UNKNOWN, 1]
