"""What people call the items and queries of a run: a title where the table has one, the id where not.

Letters: N items.
"""

from collections.abc import Sequence

import pyarrow as pa

from bundle.features import CategoriesFeature, CategoryFeature, Feature, TextFeature, TokensFeature
from evaluation.names import naming_column, shortened
from training.outcome import Outcome


def name_column(table: pa.Table | None, features: Sequence[Feature], id_column: str) -> str | None:
    """The column that names a row: one of the usual names, else the first text feature; None when there is neither."""
    if table is None:
        return None
    texts = [field.name for field in table.schema if _is_text(field.type) and field.name != id_column]
    usual = naming_column(texts)
    if usual is not None:
        return usual
    read = [feature.name for feature in features if isinstance(feature, TextFeature | TokensFeature)]
    return next((name for name in read if name in table.column_names), None)


class ItemNames:
    """Names of the items by row; an item without a name is called by its id."""

    def __init__(self, outcome: Outcome) -> None:
        self._items = outcome.dataset.items
        self.column = name_column(self._items.table, outcome.config.features.item, "item_id")

    def __getitem__(self, row: int) -> str:
        name = None if self.column is None else self._items.table[self.column][row].as_py()
        return shortened(str(name)) if name else self._items.table["item_id"][row].as_py()


def query_name(outcome: Outcome, row: int) -> str:
    """The query's text or name, or its id."""
    queries = outcome.dataset.queries
    column = name_column(queries.table, outcome.config.features.query, "query_id")
    name = None if column is None or queries.table is None else queries.table[column][row].as_py()
    return shortened(str(name)) if name else queries.query_ids[row]


def attribute(outcome: Outcome) -> tuple[str, list[str]] | None:
    """The first item category that is no id, and each item's value of it; None when there is none."""
    table = outcome.dataset.items.table
    for feature in outcome.config.features.item:
        if not isinstance(feature, CategoryFeature | CategoriesFeature) or feature.name == "item_id":
            continue
        values = table[feature.name].to_pylist()
        firsts = [(value[0] if value else None) if isinstance(value, list) else value for value in values]
        return feature.name, ["none" if value is None else str(value) for value in firsts]
    return None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
