"""The routes of text-embeddings-inference: POST /embed (and /), POST /rerank, GET /info. B texts, W width.

There is no /embed_all: a tower gives one embedding a text and none for its tokens.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from fastapi import APIRouter, Request

from bundle.errors import BatchTooLarge
from service.call import SCOPE_KEY, Call
from service.errors import InvalidRequest
from service.operations.cut import width_of
from service.operations.embed_texts import EmbedTexts
from service.operations.joined import FloatArray
from service.parsing import check_size, parse_body
from service.problems import ErrorAnswer, Failure, json_error
from service.release import RELEASE
from service.routes.compat.text_models import both_towers, default_model, text_model
from service.routes.compat.text_rerank import relevance, rerank_texts
from service.routes.compat.texts import texts_of
from service.schemas.tei import TeiEmbedRequest, TeiInfo, TeiRerankRequest
from service.serving import Serving

_TYPES = {429: "overloaded", 504: "overloaded", 503: "unhealthy", 500: "backend"}
_PROMPTS = {"query": "query", "document": "item"}


def tei_error(failure: Failure) -> ErrorAnswer:
    """The flat error of text-embeddings-inference; a batch above the limit is 422 there, as what is invalid is."""
    body = {"error": failure.detail, "error_type": _TYPES.get(failure.status, "validation")}
    return json_error(failure, body, 422 if failure.code == BatchTooLarge.code else None)


@dataclass(frozen=True)
class TeiEmbeddings:
    """The answer of /embed: a bare array."""

    def write(self, embedding_BW: FloatArray, tokens: int) -> bytes:
        """One embedding a text, in order."""
        return orjson.dumps(np.ascontiguousarray(embedding_BW), option=orjson.OPT_SERIALIZE_NUMPY)


class TeiEmbedHandler:
    """Answers /embed and /, where clients that know only the address of the server post to."""

    def __init__(self, serving: Serving, name: str) -> None:
        self._serving = serving
        self.__name__ = name

    async def __call__(self, body: bytes, call: Call) -> bytes:
        """Embed texts with the default model, as text-embeddings-inference does.

        `prompt_name` chooses the tower. Every text is cut at `max_input_length` of /info.
        """
        request = parse_body(TeiEmbedRequest, body)
        _check_truncate(request.truncate)
        model = text_model(self._serving, self._model(request.prompt_name, call), call)
        texts = texts_of("inputs", request.inputs)
        call.records = check_size("inputs", len(texts), self._serving.settings.limits.max_batch)
        width = width_of(model.loaded.bundle.manifest, request.dimensions)
        operation = EmbedTexts(model.loaded, model.tower, model.feature.name, width, request.normalize, TeiEmbeddings())
        return await model.slot.batcher.submit(operation, texts, call.records, call)

    def _model(self, prompt_name: str | None, call: Call) -> str:
        name = default_model(self._serving, call)
        collection = name.partition("/")[0]
        return name if prompt_name is None else f"{collection}/{_PROMPTS[prompt_name]}"


class TeiRerankHandler:
    """Answers /rerank."""

    __name__ = "tei_rerank"

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def __call__(self, body: bytes, call: Call) -> bytes:
        """Order texts by their relevance for a query, as text-embeddings-inference does.

        Both towers of the default model's collection read their text.
        """
        request = parse_body(TeiRerankRequest, body)
        _check_truncate(request.truncate)
        collection = default_model(self._serving, call).partition("/")[0]
        towers = both_towers(self._serving, collection, call)
        ranked = await rerank_texts(self._serving, towers, request.query, request.texts, len(request.texts), call)
        metric = towers[0].loaded.bundle.manifest.metric
        results: list[dict[str, Any]] = []
        for one in ranked:
            score = one.score if request.raw_scores else relevance(one.score, metric)
            text = {"text": request.texts[one.index]} if request.return_text else {}
            results.append({"index": one.index, **text, "score": score})
        return orjson.dumps(results)


def tei_info_router(serving: Serving, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """The route that describes the default model."""
    router = APIRouter(tags=["compat"])

    @router.get("/info", operation_id="tei_info", summary="Describe the default model (TEI)", responses=responses)
    async def tei_info(request: Request) -> TeiInfo:
        """The default model and the limits of a request."""
        call: Call = request.scope[SCOPE_KEY]
        call.route = "tei_info"
        model = text_model(serving, default_model(serving, call), call)
        batching = serving.settings.batching
        return TeiInfo(
            model_id=model.name,
            model_sha=model.loaded.bundle_id,
            served_model_name=model.name,
            model_type={"embedding": {"pooling": "tower"}},
            max_concurrent_requests=batching.max_pending_records,
            max_input_length=model.max_length,
            max_batch_tokens=batching.max_tokens if model.reads_tokens else batching.max_records * model.max_length,
            max_batch_requests=batching.max_records,
            max_client_batch_size=serving.settings.limits.max_batch,
            tokenization_workers=batching.threads,
            version=RELEASE,
        )

    return router


def _check_truncate(truncate: bool | None) -> None:
    if truncate is False:
        raise InvalidRequest(
            "truncate is false, but long texts are always cut at max_input_length of /info; leave truncate out, and "
            "check lengths yourself where a cut text must not pass",
            param="truncate",
        )
