"""Synthetic pairs in a training run: new query rows with a text, and training interactions of these rows.

They are rows behind the real ones, so every row number of the real data stays true. Nothing else of the run may see
them: histories and known positives are kept by query row, and a synthetic row has only its own; baselines and measures
are to be taken on the dataset and split that came in.

Letters: S synthetic pairs, N real interactions, T training interactions, Q real queries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from bundle.config import Config
from bundle.encoders import build_encoder
from bundle.errors import ConfigError
from bundle.features import Feature, TextFeature, TokensFeature
from bundle.tokens import TextTokenizer
from training.dataset import Dataset
from training.errors import BadData
from training.interactions import Interactions
from training.queries import Queries
from training.ragged import BoolArray, IntArray
from training.rows import UNKNOWN, IdRows
from training.splits import Split
from training.synthetic_queries.leaks import Leaks, find_leaks, query_texts
from training.synthetic_queries.pairs import ITEM_ID, Pair, normalise, read_pairs
from training.tables import GRADE, QUERY_ID, SPLIT, TIMESTAMP, WEIGHT

ID_PREFIX = "synthetic-query-"
_NEARLY = 0.95


class MixConfig(Config):
    """Synthetic pairs that a run trains on beside its own."""

    path: Path = Field(description="Table that `tandem synthetic-queries` wrote; counts from the config's folder.")
    ratio: float | None = Field(
        default=None,
        gt=0,
        description="Synthetic pairs for each real training pair, at most; every item has one before any has two. All "
        "if unset.",
    )
    feature: str | None = Field(
        default=None, description="Text feature of the queries that receives them; the only one if unset."
    )

    def check(self, features: Sequence[Feature], min_history: int) -> None:
        """Raise ValueError, with the reason, where synthetic queries cannot be examples of such a query tower."""
        try:
            name = text_feature(features, self.feature)
        except ConfigError as error:
            raise ValueError(error.message) from error
        needed = [feature.name for feature in features if feature.required and feature.name != name]
        if needed:
            raise ValueError(
                f"synthetic_queries have no more than a text, but the query tower requires {', '.join(needed)} too; "
                "set required = false there"
            )
        if min_history > 0:
            raise ValueError(
                f"examples.min_history = {min_history} leaves out every one of synthetic_queries, as none has a history"
            )


def text_feature(features: Sequence[Feature], name: str | None = None) -> str:
    """The query feature that synthetic texts are for: `name`, or the only text feature; else ConfigError."""
    texts = [feature.name for feature in features if isinstance(feature, TextFeature | TokensFeature)]
    if name is None and len(texts) == 1:
        return texts[0]
    if name is not None and name in texts:
        return name
    has = ", ".join(texts) or "none"
    asked = "name one in synthetic_queries.feature" if name is None else f"'{name}' is none of them"
    raise ConfigError(f"synthetic queries need a text feature of the query tower (it has: {has}); {asked}")


@dataclass(frozen=True)
class MixReport:
    """What became of the pairs of a table; `pairs` were added, as `queries` query rows."""

    read: int
    unknown_item: int
    no_word: int
    leak_text: int
    leak_pair: int
    repeats: int
    beyond_ratio: int
    pairs: int
    queries: int

    def summary(self) -> str:
        """The counts as a line."""
        return (
            f"{self.pairs:,} of {self.read:,} synthetic pairs as {self.queries:,} queries; dropped: "
            f"{self.unknown_item:,} of unknown items, {self.no_word:,} without a word, "
            f"{self.leak_text + self.leak_pair:,} leaks, {self.repeats:,} repeats, "
            f"{self.beyond_ratio:,} beyond the ratio"
        )


@dataclass(frozen=True)
class Mixed:
    """The dataset and split to learn from, and what became of the pairs."""

    dataset: Dataset
    split: Split
    report: MixReport


def mix(
    config: MixConfig,
    base: Path,
    dataset: Dataset,
    split: Split,
    features: Sequence[Feature],
    *,
    with_history: bool,
    drop_unknown: bool,
    seed: int,
    tokenizers: Mapping[str, TextTokenizer] = MappingProxyType({}),
) -> Mixed:
    """Read the table and add its pairs; see `add_pairs`. An unknown item is an InvalidTable unless `drop_unknown`.

    Texts in which the query feature finds no word are dropped and counted. `tokenizers`: by model, for such a feature.
    """
    path = base / config.path
    pairs = read_pairs(path)
    ids = pa.table({ITEM_ID: pa.array([pair.item_id for pair in pairs], pa.string())})
    item_S = IdRows.of(dataset.items.item_ids, dataset.items.source).find(ids, ITEM_ID, path, drop_unknown=drop_unknown)
    known = [pair for pair, item in zip(pairs, item_S.tolist(), strict=True) if item != UNKNOWN]
    name = text_feature(features, config.feature)
    said = pairs_with_words(known, next(feature for feature in features if feature.name == name), tokenizers)
    if not said:
        raise BadData(f"{path} has no text that the query feature '{name}' can read; make others")
    mixed = add_pairs(dataset, split, said, name, ratio=config.ratio, merge=not with_history, seed=seed)
    unknown, no_word = len(pairs) - len(known), len(known) - len(said)
    report = replace(mixed.report, read=len(pairs), unknown_item=unknown, no_word=no_word)
    return replace(mixed, report=report)


def pairs_with_words(
    pairs: Sequence[Pair], feature: Feature, tokenizers: Mapping[str, TextTokenizer] = MappingProxyType({})
) -> list[Pair]:
    """The pairs whose text the feature encodes to something."""
    optional = feature.model_copy(update={"required": False})  # a text without a word is no fault of a query's record
    column = build_encoder(optional, {}, {}, tokenizers)([pair.query_text for pair in pairs])
    first_ST = column.batch(None).reshape(len(pairs), -1)[:, :1]
    return [pair for pair, first in zip(pairs, first_ST, strict=True) if first.any()]


def add_pairs(
    dataset: Dataset,
    split: Split,
    pairs: Sequence[Pair],
    feature: str,
    *,
    ratio: float | None = None,
    merge: bool = True,
    seed: int = 0,
) -> Mixed:
    """A dataset with the pairs behind the real rows, and a split that has them in train alone; nothing is changed.

    Pairs that leak are dropped and counted, whatever made the table. With `merge`, equal texts are one query with
    several positives; without, each pair is a query of its own, so that no pair stands in another's history. Columns
    that a pair cannot fill are null; its timestamp is the earliest of train, its weight the mean and its grade the
    middle one of train, so that it counts like a real pair. Raises BadData when no pair is left or an id is taken,
    KeyError for an item that is not in the dataset.
    """
    rows = {item_id: row for row, item_id in enumerate(dataset.items.item_ids)}
    item_S = np.array([rows[pair.item_id] for pair in pairs], dtype=np.int64)
    normal = [normalise(pair.query_text) for pair in pairs]
    leaks = find_leaks(pairs, item_S, dataset, split, feature, _NEARLY)
    clean_S = ~(leaks.text_S | leaks.pair_S)
    first_S = clean_S & _first(normal, item_S, clean_S)
    most = int(first_S.sum()) if ratio is None else int(ratio * len(split.train_N))
    chosen_S = _spread(np.flatnonzero(first_S), item_S, most, seed)
    query_S = _numbered([normal[row] if merge else str(row) for row in chosen_S.tolist()])
    report = _report(leaks, first_S, query_S)
    if report.pairs == 0:
        raise BadData(f"there is nothing to mix in: {report.summary()}; make others, or raise synthetic_queries.ratio")
    _, spelled = np.unique(query_S, return_index=True)
    queries = _with_queries(dataset, feature, [pairs[chosen_S[at]].query_text for at in spelled.tolist()])
    interactions = _with_interactions(dataset, split, queries, len(dataset.query_ids) + query_S, item_S[chosen_S])
    new_N = np.arange(len(dataset.interactions), len(interactions), dtype=np.int64)
    learning = replace(split, train_N=np.concatenate([split.train_N, new_N]))
    return Mixed(replace(dataset, queries=queries, interactions=interactions), learning, report)


def _report(leaks: Leaks, first_S: BoolArray, query_S: IntArray) -> MixReport:
    leaked, first = int((leaks.text_S | leaks.pair_S).sum()), int(first_S.sum())
    return MixReport(
        read=len(first_S),
        unknown_item=0,
        no_word=0,
        leak_text=int(leaks.text_S.sum()),
        leak_pair=int(leaks.pair_S.sum()),
        repeats=len(first_S) - leaked - first,
        beyond_ratio=first - len(query_S),
        pairs=len(query_S),
        queries=len(np.unique(query_S)),
    )


def _numbered(keys: Sequence[str]) -> IntArray:
    """The number of each key in order of first appearance."""
    number_of = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([number_of[key] for key in keys], dtype=np.int64)


def _first(normal: Sequence[str], item_S: IntArray, left_S: BoolArray) -> BoolArray:
    """True [S] for the first of the pairs with this text and item among those left."""
    seen: set[tuple[str, int]] = set()
    first_S = np.zeros(len(normal), dtype=np.bool_)
    for row in np.flatnonzero(left_S).tolist():
        key = normal[row], int(item_S[row])
        first_S[row] = key not in seen
        seen.add(key)
    return first_S


def _spread(rows_S: IntArray, item_S: IntArray, most: int, seed: int) -> IntArray:
    """`most` of the rows, ascending, drawn so that every item has one before any has two."""
    drawn_S = np.random.default_rng(seed).permutation(rows_S)
    order = np.argsort(item_S[drawn_S], kind="stable")
    sorted_S = item_S[drawn_S][order]
    turn_S = np.empty(len(drawn_S), dtype=np.int64)
    turn_S[order] = np.arange(len(drawn_S)) - np.searchsorted(sorted_S, sorted_S)
    return np.sort(drawn_S[np.argsort(turn_S, kind="stable")][:most])


def _with_queries(dataset: Dataset, feature: str, texts: list[str]) -> Queries:
    query_texts(dataset, feature)  # the column is there
    queries = dataset.queries
    ids = [f"{ID_PREFIX}{number}" for number in range(len(texts))]
    taken = set(queries.query_ids).intersection(ids)
    if taken:
        raise BadData(f"{queries.source} has a query '{min(taken)}', which is how synthetic ones are named; rename it")
    table = _append(queries.table, {QUERY_ID: ids, feature: texts})
    return Queries([*queries.query_ids, *ids], table, queries.source)


def _with_interactions(
    dataset: Dataset, split: Split, queries: Queries, query_S: IntArray, item_S: IntArray
) -> Interactions:
    data, train_N = dataset.interactions, split.train_N
    item_ids = dataset.items.item_ids
    columns: dict[str, list[Any]] = {
        QUERY_ID: [queries.query_ids[row] for row in query_S.tolist()],
        ITEM_ID: [item_ids[row] for row in item_S.tolist()],
    }
    for name, values_N, pick in (
        (TIMESTAMP, data.timestamp_N, np.min),
        (GRADE, data.grade_N, _middle),
        (WEIGHT, data.weight_N, np.mean),
    ):
        if values_N is not None:
            columns[name] = [pick(values_N[train_N]).item()] * len(query_S)
    if data.split_N is not None:
        columns[SPLIT] = ["train"] * len(query_S)
    table = _append(data.table, columns)
    return Interactions.from_table(
        table, np.concatenate([data.query_N, query_S]), np.concatenate([data.item_N, item_S])
    )


def _middle(values: NDArray[Any]) -> np.floating[Any]:
    """The median that is one of the values."""
    middle: np.floating[Any] = np.quantile(values, 0.5, method="lower")
    return middle


def _append(table: pa.Table, columns: dict[str, list[Any]]) -> pa.Table:
    """The table with rows of these columns behind it, in the types that it has; its other columns are null there."""
    rows = pa.table({name: pa.array(values).cast(table.schema.field(name).type) for name, values in columns.items()})
    return pa.concat_tables([table, rows], promote_options="default")
