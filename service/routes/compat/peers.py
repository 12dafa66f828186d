"""All routes that speak the language of another service, and the shape of every failure at their paths."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from service.hot_route import BodyHandler, HotRoute
from service.openapi import error_responses
from service.problems import ErrorShape, problem_of
from service.routes.compat.cohere import CohereRerankHandler, cohere_error
from service.routes.compat.openai import OpenAiEmbeddingsHandler, openai_error, openai_models_router
from service.routes.compat.tei import TeiEmbedHandler, TeiRerankHandler, tei_error, tei_info_router
from service.schemas.cohere import CohereError, CohereRerankAnswer, CohereRerankRequest
from service.schemas.openai import OpenAiEmbeddingsAnswer, OpenAiEmbeddingsRequest, OpenAiError
from service.schemas.tei import TeiEmbedAnswer, TeiEmbedRequest, TeiError, TeiRerankAnswer, TeiRerankRequest
from service.serving import Serving

_SHAPES: dict[str, ErrorShape] = {
    "/v1/embeddings": openai_error,
    "/v1/models": openai_error,
    "/v1/rerank": cohere_error,
    "/v2/rerank": cohere_error,
    "/": tei_error,
    "/embed": tei_error,
    "/rerank": tei_error,
    "/info": tei_error,
}
_STATUSES: dict[type[BaseModel], tuple[int, ...]] = {
    OpenAiError: (400, 401, 403, 404, 413, 429, 500, 503, 504),
    CohereError: (401, 403, 404, 413, 422, 429, 500, 503, 504),
    TeiError: (401, 403, 404, 413, 422, 429, 500, 503, 504),
}


def error_shape_at(path: str) -> ErrorShape:
    """The shape of the failures at `path`: the peer's own at its paths, a problem elsewhere."""
    if path.startswith("/v1/models/"):
        return openai_error
    return _SHAPES.get(path, problem_of)


def compat_hot_routes(serving: Serving) -> list[HotRoute]:
    """The routes that embed and rerank."""

    def route(path: str, handler: BodyHandler, request: Any, answer: Any, error: Any, summary: str) -> HotRoute:
        return HotRoute(
            path,
            handler,
            max_body_bytes=lambda: serving.settings.limits.max_body_bytes,
            request_model=request,
            answer_model=answer,
            name=handler.__name__,
            summary=summary,
            tags=["compat"],
            responses=error_responses(error, *_STATUSES[error]),
        )

    embeddings = (OpenAiEmbeddingsRequest, OpenAiEmbeddingsAnswer, OpenAiError, "Embed texts (OpenAI)")
    rerank = (CohereRerankRequest, CohereRerankAnswer, CohereError, "Rerank texts (Cohere, Jina)")
    embed = (TeiEmbedRequest, TeiEmbedAnswer, TeiError, "Embed texts (TEI)")
    ranks = (TeiRerankRequest, TeiRerankAnswer, TeiError, "Rerank texts (TEI)")
    return [
        route("/v1/embeddings", OpenAiEmbeddingsHandler(serving), *embeddings),
        route("/v1/rerank", CohereRerankHandler(serving, 1), *rerank),
        route("/v2/rerank", CohereRerankHandler(serving, 2), *rerank),
        route("/embed", TeiEmbedHandler(serving, "tei_embed"), *embed),
        route("/", TeiEmbedHandler(serving, "tei_root"), *embed),
        route("/rerank", TeiRerankHandler(serving), *ranks),
    ]


def compat_router(serving: Serving) -> APIRouter:
    """The routes that describe models."""
    router = APIRouter()
    router.include_router(openai_models_router(serving, error_responses(OpenAiError, 400, 401, 403, 404, 503)))
    router.include_router(tei_info_router(serving, error_responses(TeiError, 401, 403, 404, 422, 503)))
    return router
