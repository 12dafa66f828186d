"""Cohere's and Jina's rerank route: POST /v1/rerank and /v2/rerank."""

from collections.abc import Sequence
from typing import Any

import orjson

from service.call import Call
from service.errors import InvalidRequest
from service.parsing import parse_body
from service.problems import ErrorAnswer, Failure, json_error
from service.routes.compat.text_models import TextModel, both_towers, default_model
from service.routes.compat.text_rerank import RankedText, relevance, rerank_texts
from service.schemas.cohere import CohereRerankRequest
from service.serving import Serving


def cohere_error(failure: Failure) -> ErrorAnswer:
    """The flat error of Cohere; Jina's clients read the same sentence from `detail`."""
    body = {"id": failure.request_id, "message": failure.detail, "detail": failure.detail, "code": failure.code}
    return json_error(failure, body)


class CohereRerankHandler:
    """Answers /v1/rerank and /v2/rerank, which differ in the `meta` of the answer only."""

    def __init__(self, serving: Serving, version: int) -> None:
        self._serving = serving
        self._version = version
        self.__name__ = f"cohere_rerank_v{version}"

    async def __call__(self, body: bytes, call: Call) -> bytes:
        """Order texts by their relevance for a query, as Cohere's and Jina's route does.

        Both towers of the collection that `model` names read their text; the order is that of their score.
        """
        request = parse_body(CohereRerankRequest, body)
        towers = both_towers(self._serving, request.model or default_model(self._serving, call), call)
        _check_cut(request, towers[1])
        documents = [_document(document, position) for position, document in enumerate(request.documents)]
        texts = [document["text"] for document in documents]
        k = request.top_n or len(texts)
        ranked = await rerank_texts(self._serving, towers, request.query, texts, k, call)
        metric = towers[0].loaded.bundle.manifest.metric
        answer = {
            "id": call.request_id,
            "model": towers[0].name,
            "results": [self._result(one, relevance(one.score, metric), documents, request) for one in ranked],
            "meta": {"api_version": {"version": str(self._version)}},
        }
        return orjson.dumps(answer)

    def _result(
        self, ranked: RankedText, score: float, documents: Sequence[dict[str, Any]], request: CohereRerankRequest
    ) -> dict[str, Any]:
        result: dict[str, Any] = {"index": ranked.index, "relevance_score": score}
        if request.return_documents:
            result["document"] = documents[ranked.index]
        return result


def _check_cut(request: CohereRerankRequest, item: TextModel) -> None:
    wish = request.max_tokens_per_doc
    if wish is not None and wish < item.max_length:
        raise InvalidRequest(
            f"max_tokens_per_doc is {wish}, but the item tower always reads {item.max_length}; cut the documents "
            "yourself or leave it out",
            param="max_tokens_per_doc",
        )


def _document(document: Any, position: int) -> dict[str, Any]:
    if isinstance(document, str):
        return {"text": document}
    if isinstance(document, dict) and isinstance(document.get("text"), str):
        return document
    raise InvalidRequest(
        f"documents[{position}] must be text, or an object whose `text` is text", param=f"documents[{position}]"
    )
