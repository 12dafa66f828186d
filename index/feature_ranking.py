"""The bundle's feature ranker over the items of one version. B queries, M rows of a call, H history, D embedding."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from bundle.errors import InvalidRecord
from bundle.featurize import Record
from bundle.quantizer import SemanticIdCodec
from bundle.rerankers.feature_ranker import FeatureRanker
from bundle.rerankers.pair_features import AskingQuery, ItemSide
from index.ids import ItemIds
from index.ranking import FloatArray, IntArray
from index.reranked import finite, guarded


@dataclass(frozen=True, eq=False)
class CorpusRanker:
    """The feature ranker over the items of one version.

    Whatever it does that is not the caller's fault raises RerankerFailed, as for `ItemReranker`.
    """

    ranker: FeatureRanker
    items: ItemSide
    ids: ItemIds
    codec: SemanticIdCodec | None

    def asking(self, vectors_BD: FloatArray, records: Sequence[Record] | None) -> list[AskingQuery]:
        """The queries as the ranker reads them; a query without a record has no history that it knows of.

        Items of a history that the corpus does not hold are left out. Raises InvalidRecord for a history that is no
        list of ids, and RerankerFailed.
        """
        n_queries = len(vectors_BD)
        code_BL = np.empty((n_queries, 0), dtype=np.int64)
        if self.ranker.spec.levels and self.codec is not None:
            code_BL = guarded(partial(self.codec.encode, vectors_BD))
        given = [{}] * n_queries if records is None else records
        histories = [self._history(b, record) for b, record in enumerate(given)]
        return [AskingQuery(*one) for one in zip(vectors_BD, code_BL, histories, strict=True)]

    def score(self, query: AskingQuery, rows_M: IntArray) -> FloatArray:
        """Scores float32 [M] of rows, larger is better; ranks are those among them. Raises RerankerFailed."""
        return finite(guarded(lambda: self.ranker.score(query, self.items, rows_M)))

    def _history(self, position: int, record: Record) -> IntArray:
        spec = self.ranker.spec
        item_ids = None if spec.history_field is None else record.get(spec.history_field)
        if item_ids is None:
            return np.empty(0, dtype=np.int64)
        if not isinstance(item_ids, list | tuple):
            raise InvalidRecord(
                f"record {position}, feature '{spec.history_field}': must be a list, but is {type(item_ids).__name__}",
                position=position,
                feature=spec.history_field,
            )
        return self.ids.rows_of_known([str(item_id) for item_id in item_ids[-spec.history_length :]])
