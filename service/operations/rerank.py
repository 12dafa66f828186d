"""One query against given items, scored exactly. M items, D embedding width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bundle.errors import InvalidRecord
from bundle.featurize import Record
from index.searcher import check_queries
from service.batching import Outcome
from service.operations.cross_encoder import item_reranker
from service.operations.joined import FloatArray, OnLoaded, each
from service.stages import Stages


@dataclass(frozen=True)
class RerankPayload:
    """One rerank request: a query record or vector, item records or ids, and how many hits are wanted."""

    query: Record | None
    vector_1D: FloatArray | None
    items: Sequence[Record] | None
    item_ids: Sequence[str | None]
    k: int


@dataclass(frozen=True)
class Rerank(OnLoaded):
    """Scores each request's items by the inner product of the towers' embeddings."""

    def scores(self, payload: RerankPayload) -> FloatArray:
        """Scores float32 [M] of the items of one request."""
        loaded = self.loaded
        if payload.query is not None:
            loaded.bundle.query.featurizer.check_request([payload.query])
            query_1D = loaded.bundle.query.embed([payload.query])
        else:
            query_1D = np.asarray(payload.vector_1D)
        query_1D = check_queries(query_1D, loaded.version.dimension, loaded.version.manifest.metric)
        scores_M: FloatArray = self._items(payload) @ query_1D[0]
        return scores_M

    def run(self, payloads: Sequence[RerankPayload], stages: Stages) -> list[Outcome]:
        """The answer to every request."""
        answers: list[Outcome] = [*each(payloads, self._answer)]
        stages.mark("rescore")
        return answers

    def _answer(self, payload: RerankPayload) -> bytes:
        scores_M = self.scores(payload)
        order = np.argsort(-scores_M, kind="stable")[: payload.k].tolist()
        hits: list[dict[str, Any]] = [
            {"index": i, "item_id": payload.item_ids[i], "score": float(scores_M[i])} for i in order
        ]
        return self.answer(hits=hits)

    def _items(self, payload: RerankPayload) -> FloatArray:
        if payload.items is None:
            return self.loaded.version.vectors([item_id for item_id in payload.item_ids if item_id is not None])
        item_tower = self.loaded.bundle.item
        item_tower.featurizer.check_request(payload.items)
        return item_tower.embed(payload.items)


@dataclass(frozen=True)
class RerankByText(Rerank):
    """Scores each request's items by the bundle's reranker, which reads each with the query.

    There is no first stage to fall back to: a reranker that fails is an error.
    """

    def scores(self, payload: RerankPayload) -> FloatArray:
        """Scores float32 [M] of the items of one request; raises InvalidRecord or RerankerFailed."""
        loaded, items = self.loaded, item_reranker(self.loaded)
        query = payload.query or {}
        loaded.bundle.query.featurizer.check_request([query])
        if payload.items is None:
            return items.score(query, loaded.version.ids.rows([one for one in payload.item_ids if one is not None]))
        self._check(payload.items, items.reranker.item_columns)
        return items.score_records(query, payload.items)

    def _check(self, items: Sequence[Record], columns: Sequence[str]) -> None:
        known = {*columns, *self.loaded.bundle.item.featurizer.names}
        for position, item in enumerate(items):
            unknown = item.keys() - known
            if unknown:
                raise InvalidRecord(
                    f"record {position} has unknown fields {', '.join(sorted(map(repr, unknown)))}; the cross-encoder "
                    f"reads: {', '.join(columns)}",
                    position=position,
                )
            if all(item.get(name) in (None, "") for name in columns):
                raise InvalidRecord(
                    f"record {position} has nothing to read; give at least one of: {', '.join(columns)}",
                    position=position,
                )
