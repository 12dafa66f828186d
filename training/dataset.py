"""The data of one training run: its tables, joined by id into row numbers."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bundle.config import Config
from bundle.errors import ConfigError
from bundle.items import Items, read_items
from training.beir import read_beir_interactions, read_beir_items, read_beir_queries
from training.interactions import Interactions, join_interactions
from training.item_pairs import ItemPairsConfig, RelationPairsConfig
from training.preferences import Preferences, load_preferences
from training.queries import Queries
from training.ragged import FloatArray, IntArray
from training.rows import UNKNOWN, IdRows
from training.tables import (
    ITEM_ID,
    QUERY_ID,
    RELATED_ID,
    RELATION,
    SCORE,
    read_interactions,
    read_judgements,
    read_queries,
    read_relations,
)


class DataConfig(Config):
    """Where the tables lie; relative paths count from the folder of the config file."""

    items: Path | None = Field(default=None, description="Items table (.parquet, .jsonl or .csv).")
    interactions: Path | None = Field(default=None, description="Interactions table.")
    queries: Path | None = Field(default=None, description="Queries table, when queries have features.")
    relations: Path | None = Field(default=None, description="Relations table, for complementary items.")
    judgements: Path | None = Field(default=None, description="Judgements table: teacher, judge or gold scores.")
    preferences: Path | None = Field(
        default=None, description="Preferences table: of two items, which answers a query better."
    )
    beir: Path | None = Field(default=None, description="BEIR folder, instead of items, queries and interactions.")
    drop_unknown: bool = Field(
        default=False, description="Whether rows with an unknown id are dropped and counted; else they are an error."
    )
    positive_above: float = Field(
        default=0.0, description="Interactions with a grade at or below this are no positives; dropped and counted."
    )

    pairs: ItemPairsConfig | None = Field(
        default=None,
        description="Pairs of items to learn from, with items as queries; interactions as they are if unset.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> "DataConfig":
        if self.pairs is not None:
            return self._one_source_of_pairs()
        tables = (self.items, self.interactions, self.queries)
        if self.beir is not None and any(path is not None for path in tables):
            raise ValueError("give either beir, or items, interactions and queries")
        if self.beir is None and (self.items is None or self.interactions is None):
            raise ValueError("items and interactions are needed (or beir)")
        return self

    def _one_source_of_pairs(self) -> "DataConfig":
        stated = isinstance(self.pairs, RelationPairsConfig)
        needed, other = ("relations", "interactions") if stated else ("interactions", "relations")
        if self.items is None or getattr(self, needed) is None:
            raise ValueError(f"pairs of source '{'relations' if stated else 'baskets'}' need items and {needed}")
        unused = [
            name for name in ("beir", "queries", "judgements", "preferences", other) if getattr(self, name) is not None
        ]
        if unused:
            raise ValueError(f"pairs make the items the queries, so {', '.join(unused)} would not be read; remove it")
        return self


@dataclass(frozen=True)
class Relations:
    """Related items, by item row; `relation` names how."""

    item_N: IntArray
    related_N: IntArray
    relation_N: NDArray[np.object_]


@dataclass(frozen=True)
class Judgements:
    """Scores given to pairs, by query and item row."""

    query_N: IntArray
    item_N: IntArray
    score_N: FloatArray
    table: pa.Table


@dataclass(frozen=True)
class DatasetReport:
    """What was read and what was dropped, in rows; `item_pairs`: what became of pairs of items, by name."""

    items: int
    queries: int
    interactions_read: int
    interactions: int
    dropped_unknown_query: int
    dropped_unknown_item: int
    dropped_not_positive: int
    dropped_relations: int = 0
    dropped_judgements: int = 0
    dropped_preferences: int = 0
    contradicting_preferences: int = 0
    item_pairs: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        counts = asdict(self)
        of_pairs: dict[str, int] = counts.pop("item_pairs")
        return counts | of_pairs


@dataclass(frozen=True)
class Dataset:
    """Items, queries, interactions and what else is known of them in one run; ids are replaced by row numbers.

    With `queries_are` "items" the queries are the items in their row order, and interactions are pairs of items.
    """

    items: Items
    queries: Queries
    interactions: Interactions
    relations: Relations | None
    judgements: Judgements | None
    report: DatasetReport
    queries_are: Literal["queries", "items"] = "queries"
    preferences: Preferences | None = None

    @property
    def query_ids(self) -> list[str]:
        """Query ids by query row."""
        return self.queries.query_ids


def load_dataset(config: DataConfig, base: Path, texts: Collection[str] = ()) -> Dataset:
    """Read and join the tables; raises InvalidTable that names file, row and column of the first fault.

    The columns `texts` of a CSV are read as texts (see bundle.features.text_columns). Without a queries table the
    queries are the distinct `query_id` of the interactions, in order of appearance.
    """
    sources = _read(config, base, texts)
    items, query_ids = sources.items, _query_ids(sources)
    query_rows = IdRows.of(query_ids, sources.query_source)
    item_rows = IdRows.of(items.item_ids, items.source)
    joined = join_interactions(
        sources.interactions,
        query_rows,
        item_rows,
        drop_unknown=config.drop_unknown,
        positive_above=config.positive_above,
    )
    relations, lost_relations = _relations(config, base, item_rows)
    judgements, lost_judgements = _judgements(config, base, query_rows, item_rows)
    preferences, lost_preferences = _preferences(config, base, query_rows, item_rows)
    report = DatasetReport(
        items=len(items),
        queries=len(query_ids),
        interactions_read=sum(table.num_rows for _, table in sources.interactions),
        interactions=len(joined.interactions),
        dropped_unknown_query=joined.unknown_query,
        dropped_unknown_item=joined.unknown_item,
        dropped_not_positive=joined.not_positive,
        dropped_relations=lost_relations,
        dropped_judgements=lost_judgements,
        dropped_preferences=lost_preferences,
        contradicting_preferences=preferences.contradictions if preferences else 0,
    )
    queries = Queries(query_ids, sources.queries, sources.query_source)
    return Dataset(items, queries, joined.interactions, relations, judgements, report, preferences=preferences)


@dataclass(frozen=True)
class _Sources:
    items: Items
    queries: pa.Table | None
    query_source: str
    interactions: list[tuple[Path, pa.Table]]


def _read(config: DataConfig, base: Path, texts: Collection[str]) -> _Sources:
    if config.beir is not None:
        folder = base / config.beir
        queries = read_beir_queries(folder)
        found = str(folder / "queries.jsonl")
        return _Sources(read_beir_items(folder), queries, found, read_beir_interactions(folder))
    if config.items is None or config.interactions is None:
        raise ConfigError("data needs items and interactions, or beir")
    items, path = read_items(base / config.items, texts), base / config.interactions
    table = None if config.queries is None else read_queries(base / config.queries, texts)
    return _Sources(
        items, table, str(base / (config.queries or config.interactions)), [(path, read_interactions(path))]
    )


def _query_ids(sources: _Sources) -> list[str]:
    if sources.queries is not None:
        ids: list[str] = sources.queries[QUERY_ID].to_pylist()
        return ids
    chunks = [chunk for _, table in sources.interactions for chunk in table[QUERY_ID].chunks]
    distinct: list[str] = pc.unique(pa.chunked_array(chunks, pa.string())).to_pylist()
    return distinct


def _relations(config: DataConfig, base: Path, items: IdRows) -> tuple[Relations | None, int]:
    if config.relations is None:
        return None, 0
    path = base / config.relations
    table = read_relations(path)
    item_N = items.find(table, ITEM_ID, path, drop_unknown=config.drop_unknown)
    related_N = items.find(table, RELATED_ID, path, drop_unknown=config.drop_unknown)
    keep_N = (item_N != UNKNOWN) & (related_N != UNKNOWN)
    names = np.array(table[RELATION].to_pylist(), dtype=object)
    return Relations(item_N[keep_N], related_N[keep_N], names[keep_N]), int((~keep_N).sum())


def _judgements(config: DataConfig, base: Path, queries: IdRows, items: IdRows) -> tuple[Judgements | None, int]:
    if config.judgements is None:
        return None, 0
    path = base / config.judgements
    table = read_judgements(path)
    query_N = queries.find(table, QUERY_ID, path, drop_unknown=config.drop_unknown)
    item_N = items.find(table, ITEM_ID, path, drop_unknown=config.drop_unknown)
    keep_N = (query_N != UNKNOWN) & (item_N != UNKNOWN)
    table = table.filter(pa.array(keep_N))
    score_N = table[SCORE].to_numpy().astype(np.float32)
    return Judgements(query_N[keep_N], item_N[keep_N], score_N, table), int((~keep_N).sum())


def _preferences(config: DataConfig, base: Path, queries: IdRows, items: IdRows) -> tuple[Preferences | None, int]:
    if config.preferences is None:
        return None, 0
    return load_preferences(base / config.preferences, queries, items, drop_unknown=config.drop_unknown)
