"""Pairs that lie in a table already."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from bundle.errors import ConfigError, InvalidTable
from bundle.tables import read_table
from training.synthetic_queries.pairs import (
    GENERATOR,
    ITEM_ID,
    PROMPT_HASH,
    PROMPT_KIND,
    QUERY_TEXT,
    SCORE,
    hash_of,
    pairs_of,
)
from training.synthetic_queries.sources.contract import Made, SourceSettings, Surroundings
from training.synthetic_queries.texts import ItemTexts


class FileSource(SourceSettings):
    """A table of pairs; `generator`, `prompt_kind`, `prompt_hash` and `score` are kept where it has them."""

    kind: Literal["file"] = "file"
    path: Path = Field(description="Table (.parquet, .jsonl or .csv).")
    item_column: str = Field(default=ITEM_ID, description="Column of the item ids.")
    text_column: str = Field(default=QUERY_TEXT, description="Column of the query texts.")
    drop_unknown: bool = Field(
        default=False, description="Whether rows whose item is unknown or says nothing are dropped; else an error."
    )

    def make(self, items: ItemTexts, surroundings: Surroundings) -> Made:
        """Read the pairs; raises InvalidTable that names an empty text or an unknown item."""
        path = surroundings.base / self.path
        table = read_table(
            path,
            {self.item_column: "string", self.text_column: "string"},
            {GENERATOR: "string", PROMPT_KIND: "string", PROMPT_HASH: "string", SCORE: "float"},
            texts=[self.text_column],
        )
        renamed = {self.item_column: ITEM_ID, self.text_column: QUERY_TEXT}
        names = [renamed.get(name, name) for name in table.column_names]
        if len(set(names)) < len(names):
            raise ConfigError(
                f"{path} has both '{ITEM_ID}' or '{QUERY_TEXT}' and the column named in its place; rename one"
            )
        settings = self.model_dump(mode="json", exclude={"path"})
        pairs = pairs_of(table.rename_columns(names), path.name, hash_of(settings))
        known = set(items.item_ids)
        for row, pair in enumerate(pairs, start=1):
            if pair.item_id not in known and not self.drop_unknown:
                raise InvalidTable(
                    f"{path} row {row}, column '{self.item_column}': '{pair.item_id}' is no item with a text; add it "
                    "to the items, or set source.drop_unknown = true to drop and count such rows",
                    path=str(path),
                    row=row,
                    column=self.item_column,
                )
        kept = [pair for pair in pairs if pair.item_id in known]
        return Made(kept, {"dropped_unknown_item": len(pairs) - len(kept)})
