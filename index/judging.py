"""What the active version finds for queries, scored by the reranker of its bundle: judgements to train from.

Q queries, R found items of a query.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from bundle.config import Config
from bundle.errors import ConfigError, InvalidRecord, InvalidTable
from bundle.features import text_columns
from bundle.featurize import Record
from bundle.items import Items
from bundle.progress import Progress
from bundle.rerankers.contract import Reranker
from bundle.store import Bundle, open_bundle
from bundle.tables import check_unique, read_table
from bundle.workspace import Collection
from index.fusion import Fusion
from index.hybrid import HybridRanker
from index.lexical.query_text import QueryText
from index.lexical.ranker import LexicalRanker
from index.queries import BATCH_SIZE, embed_rows, sample_rows
from index.ranking import DenseRanker, FloatArray, IntArray, Queries, Ranker
from index.reranked import ItemReranker
from index.version import IndexVersion, open_current

QUERY_ID = "query_id"
_SCHEMA = pa.schema([(QUERY_ID, pa.string()), ("item_id", pa.string()), ("score", pa.float32())])


class JudgeConfig(Config):
    """Which pairs of queries and items a reranker judges."""

    queries: Path = Field(description="Table of query records with `query_id`, relative to the config file.")
    interactions: Path | None = Field(
        default=None,
        description="Table with `query_id` and `item_id` whose items are judged too, found or not, so that a teacher "
        "says something of them; relative to the config file.",
    )
    first_stage: Literal["dense", "lexical", "hybrid"] = Field(
        default="dense", description="What finds the items: embeddings, words, or both."
    )
    depth: int = Field(default=20, ge=1, description="Items found for each query.")
    n_queries: int = Field(default=2_000, ge=1, description="Queries, at most; drawn by the seed.")
    seed: int = Field(default=0, ge=0, description="Seed of the draw.")


@dataclass(frozen=True)
class Judged:
    """The judgements, a table with `query_id`, `item_id`, `score` and `source`, and what gave them."""

    table: pa.Table
    version: str
    bundle_id: str
    n_queries: int


def judge_found(collection: Collection, config: JudgeConfig, base: Path, progress: Progress) -> Judged:
    """Search the active version and score what it finds; relative paths start at `base`.

    Raises NoActiveVersion and what opening raises, InvalidTable, LexicalNotServed where words are asked for, and
    ConfigError where the bundle has no reranker or the version not the columns that it reads.
    """
    version = open_current(collection)
    bundle = open_bundle(collection, version.bundle_id)
    items = ItemReranker.of(_reranker(bundle), version.columns)
    path = base / config.queries
    table = read_table(path, {QUERY_ID: "string"}, texts=text_columns(bundle.query.featurizer.features))
    check_unique(table, QUERY_ID, path)
    rows_Q = sample_rows(table.num_rows, config.n_queries, config.seed)
    positives = _positives(base / config.interactions, version) if config.interactions else {}
    parts = []
    progress.start("judge", len(rows_Q))
    for row, (record, row_R) in zip(rows_Q.tolist(), _found(version, bundle, config, table, rows_Q, path), strict=True):
        query_id = table[QUERY_ID][row].as_py()
        row_R = np.union1d(row_R, positives.get(query_id, ())).astype(np.int64)
        score_R = _scores(items, record, row_R, path, row)
        item_ids = version.ids.at(row_R.tolist())
        parts.append(pa.table({QUERY_ID: [query_id] * len(row_R), "item_id": item_ids, "score": score_R}, _SCHEMA))
        progress.advance()
    progress.finish()
    judged = pa.concat_tables(parts)
    source = pa.array([bundle.bundle_id] * judged.num_rows, pa.string())
    return Judged(judged.append_column("source", source), version.version, bundle.bundle_id, len(rows_Q))


def _reranker(bundle: Bundle) -> Reranker:
    if bundle.rerankers.cross_encoder is None or bundle.manifest.queries_are == "items":
        why = "has no cross-encoder" if bundle.rerankers.cross_encoder is None else "takes items as queries"
        raise ConfigError(
            f"nobody can judge: bundle '{bundle.bundle_id}' {why}; train one on query records with a "
            "[rerankers.cross_encoder] section"
        )
    return bundle.rerankers.cross_encoder


def _found(
    version: IndexVersion, bundle: Bundle, config: JudgeConfig, table: pa.Table, rows_Q: IntArray, path: Path
) -> Iterator[tuple[Record, IntArray]]:
    """Each query's record, and the rows that the first stage finds for it."""
    ranker, fields = _ranker(version, bundle, config)
    names = [name for name in {*bundle.query.featurizer.names, *fields} if name in table.column_names]
    for rows_B in np.array_split(rows_Q, -(-len(rows_Q) // BATCH_SIZE)):
        vectors_BD = embed_rows(bundle, table, rows_B, path)
        records: Sequence[Record] = list(Items(table.take(pa.array(rows_B)), str(path)).records(names))
        ranking = ranker.rank(Queries(vectors_BD, records), config.depth)
        for b, record in enumerate(records):
            yield record, ranking.of(b, config.depth)[1]


def _ranker(version: IndexVersion, bundle: Bundle, config: JudgeConfig) -> tuple[Ranker, Sequence[str]]:
    """What finds, and the fields of a query that its words come from."""
    dense = DenseRanker(version.role())
    if config.first_stage == "dense":
        return dense, ()
    bm25 = version.words()
    fields = version.manifest.lexical.query_fields if version.manifest.lexical else ()
    lexical = LexicalRanker(bm25, QueryText(fields, bundle.query.featurizer.names))
    return lexical if config.first_stage == "lexical" else HybridRanker(
        dense, lexical, version.role(), Fusion()
    ), fields


def _positives(path: Path, version: IndexVersion) -> Mapping[str, Sequence[int]]:
    """Item rows of the version by query id; items that it lacks are left out."""
    table = read_table(path, {QUERY_ID: "string", "item_id": "string"})
    rows: dict[str, list[int]] = defaultdict(list)
    found = version.ids.find(table["item_id"].to_pylist())
    for query_id, row in zip(table[QUERY_ID].to_pylist(), found, strict=True):
        if row >= 0:
            rows[query_id].append(row)
    return rows


def _scores(items: ItemReranker, record: Record, row_R: IntArray, path: Path, row: int) -> FloatArray:
    if not len(row_R):
        return np.empty(0, dtype=np.float32)
    try:
        return items.score(record, row_R)
    except InvalidRecord as error:
        raise InvalidTable(f"{path} row {row + 1}: {error}", path=str(path), row=row + 1) from error
