"""POST rerank: parse, queue, answer."""

from collections.abc import Mapping
from typing import Any

from service.call import Call
from service.errors import InvalidRequest
from service.loaded import Loaded
from service.operations.cross_encoder import item_reranker
from service.operations.feature_ranker import RerankByFeatures
from service.operations.rerank import Rerank, RerankByText, RerankPayload
from service.parsing import check_pairs, check_size, exactly_one, parse_body
from service.routes.feature_ranker import check_given_items
from service.schemas.rerank import RerankRequest
from service.serving import Serving
from service.vectors import read_vectors

ITEM_ID = "item_id"


class RerankHandler:
    """Answers rerank requests."""

    __name__ = "rerank"

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def __call__(self, collection: str, body: bytes, call: Call) -> bytes:
        """Order given items, records or items of the corpus, by their score for one query.

        The score is the inner product of the towers' embeddings, or that of the bundle's cross-encoder or feature
        ranker.
        """
        slot, loaded = self._serving.capture(collection, call)
        request = parse_body(RerankRequest, body)
        exactly_one(request, ("query", "vector"))
        items_field = exactly_one(request, ("items", "item_ids"))
        limit = self._serving.settings.limits.max_rerank_items
        n_items = check_size(items_field, len(getattr(request, items_field)), limit)
        call.records, call.k = n_items + 1, request.k
        payload = _payload(request, loaded, n_items)
        operation = Rerank(loaded)
        if request.reranker == "cross_encoder":
            item_reranker(loaded)
            if request.query is None:
                raise InvalidRequest("a cross-encoder reads the record of a query; give query in place of vector")
            check_pairs(1, n_items, self._serving.settings.limits.max_reranked_pairs)
            operation = RerankByText(loaded)
        elif request.reranker == "feature_ranker":
            check_given_items(request, loaded)
            operation = RerankByFeatures(loaded)
        return await slot.batcher.submit(operation, payload, call.records, call)


def _payload(request: RerankRequest, loaded: Loaded, n_items: int) -> RerankPayload:
    vector_1D = None
    if request.vector is not None:
        vector_1D = read_vectors("vector", [request.vector], loaded.version.dimension)
    k = request.k or n_items
    if request.items is None:
        return RerankPayload(request.query, vector_1D, None, request.item_ids or [], k)
    reranker = loaded.bundle.rerankers.cross_encoder if request.reranker == "cross_encoder" else None
    features = loaded.bundle.item.featurizer.names if reranker is None else reranker.item_columns
    item_ids = [_given_id(item, position) for position, item in enumerate(request.items)]
    items = [
        {name: value for name, value in item.items() if name != ITEM_ID or name in features} for item in request.items
    ]
    return RerankPayload(request.query, vector_1D, items, item_ids, k)


def _given_id(item: Mapping[str, Any], position: int) -> str | None:
    item_id = item.get(ITEM_ID)
    if item_id is not None and not isinstance(item_id, str):
        raise InvalidRequest(f"items[{position}].item_id must be text")
    return item_id
