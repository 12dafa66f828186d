"""Records of queries and items through the one featurizer, in chunks; a bad value is named by file, row and column.

Letters: N query rows to encode.
"""

from itertools import pairwise

import numpy as np

from bundle.columns import EncodedRecords
from bundle.errors import ConfigError, InvalidRecord, InvalidTable
from bundle.features import SequenceFeature
from bundle.featurize import Featurizer
from training.dataset import Dataset
from training.ragged import IntArray, Ragged

RECORDS_A_CHUNK = 8192  # records exist as Python objects only this many at a time


def encode_queries(
    dataset: Dataset,
    query_N: IntArray,
    featurizer: Featurizer,
    history_feature: str | None,
    history: Ragged | None,
) -> EncodedRecords:
    """Encode one record for each given query row; `history` (item rows, oldest first) fills `history_feature`.

    Raises ConfigError when a feature has no source or a required history is empty, InvalidTable that names the query
    with a bad value.
    """
    check_query_features(dataset, featurizer.names, history_feature)
    own = [name for name in featurizer.names if name != history_feature]
    parts = []
    for start in range(0, max(len(query_N), 1), RECORDS_A_CHUNK):
        rows = query_N[start : start + RECORDS_A_CHUNK]
        records = dataset.queries.records(own, rows)
        if history_feature is not None and history is not None:
            past = _history_records(dataset, history_feature, history, start, len(rows))
            records = [{**record, **extra} for record, extra in zip(records, past, strict=True)]
        parts.append(_encode(featurizer, records, dataset.queries.source, rows, history_feature))
    return EncodedRecords.concatenate(parts)


def encode_histories(dataset: Dataset, featurizer: Featurizer, history_feature: str, history: Ragged) -> EncodedRecords:
    """Encode histories (item rows, oldest first) alone; `featurizer` has no feature but `history_feature`.

    Raises ConfigError when a required history is empty.
    """
    parts = []
    for start in range(0, max(len(history), 1), RECORDS_A_CHUNK):
        records = _history_records(dataset, history_feature, history, start, RECORDS_A_CHUNK)
        rows = np.arange(start, start + len(records), dtype=np.int64)
        parts.append(_encode(featurizer, records, dataset.queries.source, rows, history_feature))
    return EncodedRecords.concatenate(parts)


def _history_records(
    dataset: Dataset, history_feature: str, history: Ragged, start: int, count: int
) -> list[dict[str, object]]:
    """Records of the histories from `start` on that hold nothing else."""
    chunk = history.take(np.arange(start, min(start + count, len(history)), dtype=np.int64))
    item_ids = dataset.items.item_ids
    ids, bounds = [item_ids[row] for row in chunk.values_V.tolist()], chunk.offsets.tolist()
    return [{history_feature: ids[a:b]} for a, b in pairwise(bounds)]


def encode_items(dataset: Dataset, featurizer: Featurizer) -> EncodedRecords:
    """Encode the whole catalogue by item row; raises InvalidTable that names the row with a bad value."""
    parts = []
    for start in range(0, len(dataset.items), RECORDS_A_CHUNK):
        records = dataset.items.records(featurizer.names, start, start + RECORDS_A_CHUNK)
        rows = np.arange(start, start + len(records), dtype=np.int64)
        parts.append(_encode(featurizer, records, dataset.items.source, rows))
    return EncodedRecords.concatenate(parts)


def history_limit(featurizer: Featurizer, history_feature: str) -> int:
    """How many items of a history the feature reads; ConfigError unless it is a sequence feature."""
    for feature in featurizer.features:
        if feature.name == history_feature and isinstance(feature, SequenceFeature):
            return feature.max_length
    raise ConfigError(
        f"history_feature '{history_feature}' is no sequence feature of the query tower; "
        f"its features are: {', '.join(featurizer.names)}"
    )


def check_query_features(dataset: Dataset, names: tuple[str, ...], history_feature: str | None) -> None:
    """Raise ConfigError for a query feature that neither the queries table nor the history provides."""
    if history_feature is not None and history_feature not in names:
        raise ConfigError(
            f"history_feature '{history_feature}' is no feature of the query tower; it has: {', '.join(names)}"
        )
    known = dataset.queries.feature_names
    for name in names:
        if name != history_feature and name not in known:
            raise ConfigError(
                f"query feature '{name}' has no source: queries have the columns {', '.join(known)}; "
                "add it to the queries table, or name it as history_feature"
            )


def _encode(
    featurizer: Featurizer,
    records: list[dict[str, object]],
    source: str,
    rows: IntArray,
    history_feature: str | None = None,
) -> EncodedRecords:
    try:
        return featurizer.encode(records)
    except InvalidRecord as error:
        row = int(rows[int(str(error.context["position"]))]) + 1
        column = str(error.context["feature"])
        if column == history_feature:  # no table has it; item ids are never bad, so the history is empty
            raise ConfigError(
                f"the history feature '{column}' is required, but a query has no earlier interaction; set "
                "examples.min_history = 1 and evaluation.require_history = true, or required = false on the feature",
                feature=column,
            ) from error
        raise InvalidTable(
            f"{source} row {row}, column '{column}' {error.__cause__}", path=source, row=row, column=column
        ) from error
