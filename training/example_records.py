"""The query records of training examples: what a query always is, encoded once a query; its history, once an example.

Letters: N examples, Q distinct queries, B rows of a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bundle.columns import Array, EncodedRecords
from bundle.featurize import Featurizer
from training.dataset import Dataset
from training.ragged import IntArray, Ragged
from training.records import check_query_features, encode_histories, encode_queries


@dataclass(frozen=True)
class ExampleRecords:
    """Query records of N examples; `names` is the order of the tower's features.

    `queries`: the features of the Q distinct queries but the history. `query_N`: which of them an example has.
    `histories`: the history of each example, None without one.
    """

    names: Sequence[str]
    queries: EncodedRecords
    query_N: IntArray
    histories: EncodedRecords | None

    def __len__(self) -> int:
        return len(self.query_N)

    def batch(self, rows: IntArray | None = None) -> dict[str, Array]:
        """Padded arrays of the given examples (all when None), in feature order."""
        arrays = self.queries.batch(self.query_N if rows is None else self.query_N[rows])
        if self.histories is not None:
            arrays |= self.histories.batch(rows)
        return {name: arrays[name] for name in self.names}


def encode_examples(
    dataset: Dataset,
    query_rows_N: IntArray,
    featurizer: Featurizer,
    history_feature: str | None,
    history: Ragged | None,
) -> ExampleRecords:
    """Encode one example for each given query row; `history` (item rows, oldest first) fills `history_feature`.

    Raises ConfigError when a feature has no source or a required history is empty, InvalidTable that names the query
    with a bad value.
    """
    check_query_features(dataset, featurizer.names, history_feature)
    query_rows_Q, query_N = np.unique(query_rows_N, return_inverse=True)
    histories = None
    if history_feature is not None and history is not None:
        histories = encode_histories(dataset, featurizer.only([history_feature]), history_feature, history)
    own = featurizer.only([name for name in featurizer.names if histories is None or name != history_feature])
    queries = encode_queries(dataset, query_rows_Q, own, None, None)
    return ExampleRecords(featurizer.names, queries, query_N.astype(np.int64), histories)
