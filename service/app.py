"""The application: routes, boundary and lifespan put together; no logic."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as RouterException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from service.drain import notice_before_exit
from service.hot_route import HotRoute
from service.logs import RequestLog
from service.media_types import RAW
from service.middleware import RequestBoundary
from service.openapi import RAW_ANSWER, RAW_BODY, problem_responses
from service.release import RELEASE
from service.routes.activate import ActivateHandler
from service.routes.collections import collections_router
from service.routes.compat.peers import compat_hot_routes, compat_router, error_shape_at
from service.routes.console import console_router
from service.routes.embed import EmbedHandler
from service.routes.errors import errors_router
from service.routes.health import health_router
from service.routes.rerank import RerankHandler
from service.routes.search import SearchHandler
from service.routes.search_options import query_parameters
from service.routes.semantic_ids import SemanticIdsHandler
from service.routes.shadow import ShadowHandler, shadow_router
from service.routes.versions import versions_router
from service.schemas.collections import ActivateAnswer, ActivateRequest
from service.schemas.embed import EmbedAnswer, EmbedRequest
from service.schemas.rerank import RerankAnswer, RerankRequest
from service.schemas.search import SearchAnswer, SearchRequest
from service.schemas.semantic_ids import DecodeAnswer, EncodeAnswer, PrefixAnswer, SemanticIdsRequest
from service.schemas.shadow import ShadowInfo, ShadowRequest
from service.serving import Serving
from service.settings import Settings
from service.settings_file import SettingsFile
from service.short_way import ShortWayApp

PREFIX = "/v1/collections/{collection}"
_QUERY_PROBLEMS = (401, 403, 404, 409, 413, 415, 422, 429, 500, 503, 504)
ADMIN: dict[str, Any] = {"openapi_extra": {"security": [{"api_key": []}]}}
DESCRIPTION = (
    "Embedding, nearest-neighbour search, reranking and semantic IDs over one artefact that pins towers, index and "
    "ids. Every answer names the collection, bundle and index version that made it. Errors are RFC 9457 problems with "
    "a stable `code`; the routes that speak OpenAI's, Cohere's or text-embeddings-inference's language write theirs."
)


def create_app(
    settings: Settings,
    request_log: RequestLog | None = None,
    settings_file: SettingsFile | None = None,
    *,
    owns_process: bool = False,
) -> ShortWayApp:
    """The ASGI application over the workspace of `settings`; loading begins with its lifespan.

    `settings_file` is where the settings came from, if it is to be followed. `owns_process`: SIGTERM is the
    application's to answer, see `service.drain`.
    """
    serving = Serving(settings, request_log, settings_file)

    boundary = partial(
        RequestBoundary,
        authenticate=serving.access.authenticate,
        on_finished=serving.finished,
        shape_at=error_shape_at,
        is_draining=lambda: serving.slots.is_draining,
    )
    app = ShortWayApp(
        boundary,
        [*_hot_routes(serving), *compat_hot_routes(serving)],
        title="Tandem",
        version=RELEASE,
        description=DESCRIPTION,
        lifespan=partial(_lifespan, serving, owns_process),
        redoc_url=None,
        redirect_slashes=False,
        middleware=[Middleware(boundary)],
        exception_handlers={RouterException: _pass_on, HTTPException: _pass_on, RequestValidationError: _pass_on},
    )
    app.state.serving = serving
    _add_routes(app, serving)
    return app


def _add_routes(app: FastAPI, serving: Serving) -> None:
    app.include_router(collections_router(serving, problem_responses(401, 403, 404)))
    app.include_router(versions_router(serving, problem_responses(401, 403, 404)))
    app.include_router(shadow_router(serving, problem_responses(401, 403, 404, 503)))
    app.include_router(compat_router(serving))
    app.include_router(console_router())
    app.include_router(health_router(serving))
    app.include_router(errors_router())


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of the routes, whatever is served."""
    return create_app(Settings()).openapi()


@asynccontextmanager
async def _lifespan(serving: Serving, owns_process: bool, _: FastAPI) -> AsyncIterator[None]:
    notice_s = serving.settings.server.drain_notice_s
    with notice_before_exit(serving.slots, notice_s) if owns_process else nullcontext():
        await serving.start()
        if owns_process and serving.settings.server.workers > 1:
            await serving.first_look()
        yield
        await serving.stop()


async def _pass_on(_: Request, error: Exception) -> Response:
    """Leave the error to the request boundary, which writes every problem."""
    raise error


def _hot_routes(serving: Serving) -> list[HotRoute]:
    def route(path: str, handler: Any, request: Any, answer: Any, summary: str, **extra: Any) -> HotRoute:
        responses = problem_responses(*_QUERY_PROBLEMS) | extra.pop("responses", {})
        return HotRoute(
            PREFIX + path,
            handler,
            max_body_bytes=lambda: serving.settings.limits.max_body_bytes,
            request_model=request,
            answer_model=answer,
            name=handler.__name__,
            summary=summary,
            tags=["retrieval"],
            responses=responses,
            **{"takes": ()} | extra,
        )

    raw_queries = {"takes": (RAW,), "openapi_extra": RAW_BODY | {"parameters": query_parameters()}}
    semantic_ids = EncodeAnswer | DecodeAnswer | PrefixAnswer
    return [
        route("/search", SearchHandler(serving), SearchRequest, SearchAnswer, "Search", **raw_queries),
        route("/embed", EmbedHandler(serving), EmbedRequest, EmbedAnswer, "Embed", **RAW_ANSWER),
        route("/rerank", RerankHandler(serving), RerankRequest, RerankAnswer, "Rerank"),
        route("/semantic-ids", SemanticIdsHandler(serving), SemanticIdsRequest, semantic_ids, "Semantic IDs"),
        route("/activate", ActivateHandler(serving), ActivateRequest, ActivateAnswer, "Activate", **ADMIN),
        route("/shadow", ShadowHandler(serving), ShadowRequest, ShadowInfo, "Try a version", **ADMIN),
    ]
