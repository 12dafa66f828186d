"""What the items say: the texts that synthetic queries are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from bundle.errors import ConfigError
from bundle.items import Items
from training.errors import BadData


@dataclass(frozen=True)
class ItemTexts:
    """The items that have a text, in catalogue order: id, title ("" without one) and the whole text.

    `without_text` counts the items that were left out because they say nothing.
    """

    item_ids: list[str]
    titles: list[str]
    texts: list[str]
    without_text: int

    def __len__(self) -> int:
        return len(self.item_ids)


def item_texts(items: Items, columns: Sequence[str], title: str | None) -> ItemTexts:
    """Join the text columns of each item, in their order, a line each; `title` names the column of the titles.

    Raises ConfigError for a column that is not there or holds no text, BadData when no item has any text.
    """
    read = {name: _column(items, name) for name in dict.fromkeys([*columns, *([title] if title else [])])}
    titles = read[title] if title else [""] * len(items)
    texts = ["\n".join(part for part in row if part) for row in zip(*(read[name] for name in columns), strict=True)]
    kept = [row for row in range(len(items)) if texts[row] or titles[row]]
    if not kept:
        raise BadData(
            f"no item of {items.source} has a text in {', '.join(read)}; name the columns that say what an item is"
        )
    return ItemTexts(
        [items.item_ids[row] for row in kept],
        [titles[row] for row in kept],
        [texts[row] or titles[row] for row in kept],
        len(items) - len(kept),
    )


def _column(items: Items, name: str) -> list[str]:
    if name not in items.table.column_names:
        has = ", ".join(items.table.column_names)
        raise ConfigError(f"{items.source} has no column '{name}'; it has: {has}", path=items.source, column=name)
    values = items.table[name]
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        raise ConfigError(
            f"{items.source}, column '{name}' is {values.type}, but synthetic queries are made of texts",
            path=items.source,
            column=name,
        )
    return [(value or "").strip() for value in values.to_pylist()]
