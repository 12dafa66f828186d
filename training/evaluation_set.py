"""Evaluation queries: what each query had before, and what it should find.

Letters: Q evaluation queries.
"""

from dataclasses import dataclass

import numpy as np

from bundle.columns import EncodedRecords
from bundle.featurize import Featurizer
from training.dataset import Dataset
from training.errors import BadData
from training.histories import Timelines
from training.ragged import IntArray, Ragged
from training.records import encode_queries


@dataclass(frozen=True)
class EvaluationSet:
    """Q queries to rank the whole catalogue for.

    `relevant`: item rows to find, sorted and distinct. `history`: item rows before the held-out part, oldest first,
    with repeats. `seen`: the same, sorted and distinct. `encoded`: the query records, one a query. `barred`: item rows
    that are no candidates whatever else is: where queries are items, the query itself; None for none.
    """

    query_rows_Q: IntArray
    encoded: EncodedRecords
    relevant: Ragged
    seen: Ragged
    history: Ragged
    barred: Ragged | None = None

    def __len__(self) -> int:
        return len(self.query_rows_Q)


def evaluation_queries(
    dataset: Dataset,
    history_rows: IntArray,
    target_rows: IntArray,
    featurizer: Featurizer,
    *,
    history_feature: str | None = None,
    require_history: bool = False,
) -> EvaluationSet:
    """One evaluation query, in row order, for each query with a target row.

    History and seen items come from `history_rows`: for the test part these are train and validation together. Queries
    without any history row are kept unless `require_history`. Raises BadData when no query is left.
    """
    interactions, n_queries = dataset.interactions, len(dataset.query_ids)
    timelines = Timelines.of(interactions, history_rows, n_queries)
    relevant = Ragged.group_unique(interactions.query_N[target_rows], interactions.item_N[target_rows], n_queries)
    wanted_Q = relevant.lengths > 0
    if require_history:
        wanted_Q &= np.diff(timelines.start_Q) > 0
    query_Q = np.flatnonzero(wanted_Q).astype(np.int64)
    if len(query_Q) == 0:
        raise BadData(
            f"no query to evaluate: {len(target_rows)} held-out interactions, history required: {require_history}"
        )
    return _asking(dataset, timelines, query_Q, relevant.take(query_Q), featurizer, history_feature)


def queries_as_they_stood(
    dataset: Dataset, history_rows: IntArray, query_Q: IntArray, featurizer: Featurizer, history_feature: str | None
) -> EvaluationSet:
    """These query rows with the history that `history_rows` give them; nothing is known of what they should find."""
    timelines = Timelines.of(dataset.interactions, history_rows, len(dataset.query_ids))
    nothing = Ragged(np.zeros(len(query_Q) + 1, dtype=np.int64), np.empty(0, dtype=np.int64))
    return _asking(dataset, timelines, query_Q, nothing, featurizer, history_feature)


def _asking(
    dataset: Dataset,
    timelines: Timelines,
    query_Q: IntArray,
    relevant: Ragged,
    featurizer: Featurizer,
    history_feature: str | None,
) -> EvaluationSet:
    history = timelines.histories(query_Q, timelines.start_Q[query_Q + 1])
    seen = Ragged.group_unique(history.row_index_V, history.values_V, len(query_Q))
    encoded = encode_queries(dataset, query_Q, featurizer, history_feature, history)
    itself = Ragged(np.arange(len(query_Q) + 1, dtype=np.int64), query_Q)
    barred = itself if dataset.queries_are == "items" else None
    return EvaluationSet(query_Q, encoded, relevant, seen, history, barred)
