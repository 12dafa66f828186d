"""Texts reranked by the native operation, for every service whose rerank route reads a query and texts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from service.call import Call
from service.errors import InvalidRequest
from service.operations.rerank import Rerank, RerankPayload
from service.parsing import check_size
from service.routes.compat.text_models import TextModel
from service.serving import Serving


@dataclass(frozen=True)
class RankedText:
    """A text by its position in the request; `score` is the score of the native route."""

    index: int
    score: float


async def rerank_texts(
    serving: Serving,
    towers: tuple[TextModel, TextModel],
    query: str,
    texts: Sequence[str],
    k: int,
    call: Call,
) -> list[RankedText]:
    """The k best of `texts` for `query`, best first."""
    query_model, item_model = towers
    n_texts = check_size("documents", len(texts), serving.settings.limits.max_rerank_items)
    if not n_texts:
        raise InvalidRequest("there are no documents; give one at least", param="documents")
    call.records, call.k = n_texts + 1, k
    payload = RerankPayload(
        query={query_model.feature.name: query},
        vector_1D=None,
        items=[{item_model.feature.name: text} for text in texts],
        item_ids=[None] * n_texts,
        k=k,
    )
    answer = await query_model.slot.batcher.submit(Rerank(query_model.loaded), payload, call.records, call)
    return [RankedText(hit["index"], hit["score"]) for hit in orjson.loads(answer)["hits"]]


def relevance(score: float, metric: Literal["cosine", "dot"]) -> float:
    """The score between 0 and 1, in the same order: (1 + cosine) / 2, or the logistic function of an inner product.

    0.5 says that query and text have nothing to do with each other; it is no probability.
    """
    if metric == "cosine":
        return min(1.0, max(0.0, (1 + score) / 2))
    return 1 / (1 + math.exp(-score)) if score >= 0 else math.exp(score) / (1 + math.exp(score))
