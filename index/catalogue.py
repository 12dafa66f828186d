"""The items of a catalogue in the row order of an index version: ascending by item id."""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bundle.items import Items, read_items


def read_catalogue(path: Path, texts: Collection[str] = ()) -> Items:
    """Read an items table and sort it by item id, in the order of the UTF-8 bytes; raises InvalidTable.

    The columns `texts` of a CSV are read as texts.
    """
    items = read_items(path, texts)
    # Taking rows of a text column over 2 GB needs 64-bit offsets.
    fields = [
        pa.field(f.name, pa.large_string(), f.nullable) if pa.types.is_string(f.type) else f for f in items.table.schema
    ]
    table = items.table.cast(pa.schema(fields))
    return Items(table.take(pc.sort_indices(table["item_id"])), items.source)
