"""The items table: unique ids beside feature and attribute columns."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from bundle.errors import InvalidTable
from bundle.tables import check_unique, read_table


@dataclass(frozen=True)
class Items:
    """The catalogue as read: one row an item, `item_id` unique and never empty."""

    table: pa.Table
    source: str

    @cached_property
    def item_ids(self) -> list[str]:
        """Item ids by row."""
        ids: list[str] = self.table["item_id"].to_pylist()
        return ids

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def check_columns(self, names: Sequence[str]) -> None:
        """Raise InvalidTable unless the table has the columns `names`."""
        for name in names:
            if name not in self.table.column_names:
                has = ", ".join(self.table.column_names)
                raise InvalidTable(
                    f"{self.source} has no column '{name}', which the feature spec asks for; it has: {has}",
                    path=self.source,
                    column=name,
                )

    def records(self, names: Sequence[str], start: int = 0, stop: int | None = None) -> list[dict[str, object]]:
        """The columns `names` of the rows start..stop as records; raises InvalidTable for a missing column."""
        self.check_columns(names)
        part = self.table.select(list(dict.fromkeys(names))).slice(
            start, None if stop is None else max(0, stop - start)
        )
        records: list[dict[str, object]] = part.to_pylist()
        return records


def read_items(path: Path, texts: Collection[str] = ()) -> Items:
    """Read an items table, the columns `texts` of a CSV as texts.

    Raises InvalidTable for a missing, empty or repeated `item_id` and for no rows.
    """
    table = read_table(path, {"item_id": "string"}, texts=texts)
    if table.num_rows == 0:
        raise InvalidTable(f"{path} has no rows; a catalogue needs at least one item", path=str(path))
    check_unique(table, "item_id", path)
    return Items(table, str(path))
