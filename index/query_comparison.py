"""Two index versions asked the same queries, each with the vectors of its own bundle.

They are searched by embeddings with the settings that they serve with: without words, filters or a correction of hubs.
Letters: Q queries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from bundle.errors import ConfigError, InvalidTable
from bundle.features import TextFeature, TokensFeature, text_columns
from bundle.store import Bundle, open_bundle
from bundle.tables import check_unique, read_table
from bundle.workspace import Collection
from evaluation.errors import NothingToMeasure
from evaluation.names import naming_column, shortened
from evaluation.rankings import Grades
from evaluation.side_by_side import ComparisonConfig, Names, Side, SideBySide, side_by_side
from index.fusion_weight import FusionConfig, read_answers
from index.queries import embed_rows, sample_rows
from index.version import IndexVersion, open_version


class StoredQueries(FusionConfig):
    """Queries whose answers are known, that both versions are asked; as in a table of training or of an evaluation."""

    n_queries: int = Field(default=2_000, ge=1, description="Queries asked, at most; drawn by the seed.")
    k: int = Field(default=10, ge=1, description="Hits of each query that count.")


@dataclass(frozen=True)
class Opened:
    """A version with the bundle that embeds its queries."""

    version: IndexVersion
    bundle: Bundle


def open_side(collection: Collection, version: str) -> Opened:
    """A version and the bundle that embedded it; raises what opening either raises."""
    opened = open_version(collection, version)
    return Opened(opened, open_bundle(collection, opened.bundle_id))


@dataclass(frozen=True)
class AskedQueries:
    """Q rows of a table of query records, and the grades of items for them; None where nobody graded anything."""

    path: Path
    table: pa.Table
    rows_Q: NDArray[np.int64]
    grades: Grades | None

    @property
    def query_ids(self) -> list[str]:
        """Ids of the queries, in the order of the rows."""
        ids: list[str] = self.table["query_id"].take(pa.array(self.rows_Q)).to_pylist()
        return ids


def judged_queries(stored: StoredQueries, base: Path, both: Sequence[Opened], seed: int) -> AskedQueries:
    """A seeded sample of the queries with an answer that both versions hold; of those answers alone is asked.

    Relative paths start at `base`. Raises InvalidTable, and NothingToMeasure where no answer is in both versions.
    """
    path = base / stored.queries
    table = _read_queries(path, both)
    first, *others = [one.version for one in both]
    grades_by_row = {}
    for row, grade_by_row in read_answers(stored, base, table["query_id"].to_pylist(), first.ids).grade_by_row.items():
        by_id = dict(zip(first.ids.at(grade_by_row), grade_by_row.values(), strict=True))
        known = {one: grade for one, grade in by_id.items() if all(version.contains(one) for version in others)}
        if any(grade > 0 for grade in known.values()):
            grades_by_row[row] = known
    if not grades_by_row:
        raise NothingToMeasure(
            f"no answer in {base / stored.interactions} is an item of both versions; they cannot be compared by them"
        )
    rows_Q = np.sort(np.random.default_rng(seed).permutation(sorted(grades_by_row))[: stored.n_queries])
    query_ids = table["query_id"].take(pa.array(rows_Q)).to_pylist()
    grades = {one: grades_by_row[row] for one, row in zip(query_ids, rows_Q.tolist(), strict=True)}
    return AskedQueries(path, table, rows_Q, grades)


def unjudged_queries(path: Path, both: Sequence[Opened], n_queries: int, seed: int) -> AskedQueries:
    """A seeded sample of a table's queries, without grades; raises InvalidTable."""
    table = _read_queries(path, both)
    if not table.num_rows:
        raise InvalidTable(f"{path} has no rows; give at least one query", path=str(path))
    return AskedQueries(path, table, sample_rows(table.num_rows, n_queries, seed), None)


def compare_versions(asked: AskedQueries, left: Opened, right: Opened, config: ComparisonConfig) -> SideBySide:
    """Ask both versions and hold their hits side by side.

    Raises ConfigError where both are the same version, and what `side_by_side` raises.
    """
    if left.version.version == right.version.version:
        raise ConfigError(
            f"both sides are index version '{left.version.version}', so every query would tie; name two versions"
        )
    names = Names(lambda ids: _item_names(ids, [right.version, left.version]), _query_names(asked, right.bundle))
    return side_by_side(_side(asked, left, config.k), _side(asked, right, config.k), asked.grades, names, config)


def _read_queries(path: Path, both: Sequence[Opened]) -> pa.Table:
    texts = {name for one in both for name in text_columns(one.bundle.query.featurizer.features)}
    table = read_table(path, {"query_id": "string"}, texts=texts)
    check_unique(table, "query_id", path)
    return table


def _side(asked: AskedQueries, one: Opened, k: int) -> Side:
    hits = one.version.search(embed_rows(one.bundle, asked.table, asked.rows_Q, asked.path), k)
    manifest = one.version.manifest
    detail = f"{manifest.count:,} items, {manifest.kind.kind}, bundle {manifest.bundle_id}"
    return Side(one.version.version, dict(zip(asked.query_ids, hits.ids, strict=True)), detail)


def _item_names(item_ids: Sequence[str], versions: Sequence[IndexVersion]) -> dict[str, str]:
    """Names of the items, of the first version that holds each."""
    names: dict[str, str] = {}
    for version in versions:
        column = naming_column(_texts(version.columns.schema))
        held = [one for one in item_ids if one not in names and version.contains(one)]
        if column is not None:
            named = zip(held, version.attributes(held), strict=True)
            names |= {one: shortened(attributes[column]) for one, attributes in named if attributes[column]}
    return names


def _query_names(asked: AskedQueries, bundle: Bundle) -> Mapping[str, str]:
    texts = [name for name in _texts(asked.table.schema) if name != "query_id"]
    features = bundle.query.featurizer.features
    read = [one.name for one in features if isinstance(one, TextFeature | TokensFeature) and one.name in texts]
    column = naming_column(texts) or next(iter(read), None)
    if column is None:
        return {}
    values = asked.table[column].take(pa.array(asked.rows_Q)).to_pylist()
    return {one: shortened(value) for one, value in zip(asked.query_ids, values, strict=True) if value}


def _texts(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
