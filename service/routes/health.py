"""GET livez, readyz, health, metrics: what an operator's machinery asks."""

from typing import Any

from fastapi import APIRouter, Request, Response

from service.call import SCOPE_KEY, Call
from service.metrics import CONTENT_TYPE
from service.release import RELEASE
from service.schemas.health import Health, Liveness
from service.serving import Serving


def health_router(serving: Serving) -> APIRouter:
    """The routes that tell how the server is."""
    router = APIRouter(tags=["operations"])
    not_ready: dict[int | str, dict[str, Any]] = {503: {"model": Health, "description": "Not ready."}}

    @router.get("/livez", operation_id="livez", summary="Liveness")
    async def livez(request: Request) -> Liveness:
        """200 while the process answers at all."""
        request.scope[SCOPE_KEY].route = "livez"
        return Liveness(status="alive")

    @router.get("/readyz", operation_id="readyz", summary="Readiness", responses=not_ready)
    async def readyz(request: Request, response: Response) -> Health:
        """200 when every active collection is loaded and every thread runs; 503 while loading, failing or draining."""
        request.scope[SCOPE_KEY].route = "readyz"
        return _answered(serving, response)

    @router.get("/health", operation_id="health", summary="Health", responses=not_ready)
    async def health(request: Request, response: Response) -> Health:
        """The same as readyz, under the path that clients of text-embeddings-inference ask."""
        request.scope[SCOPE_KEY].route = "health"
        return _answered(serving, response)

    @router.get("/metrics", operation_id="metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        """Metrics in Prometheus text format; they tell of all collections, so the key must be for all."""
        call: Call = request.scope[SCOPE_KEY]
        call.route = "metrics"
        serving.access.check(call, None)
        return Response(serving.metrics.render(), media_type=CONTENT_TYPE)

    return router


def _answered(serving: Serving, response: Response) -> Health:
    status, detail = serving.state()
    response.status_code = 200 if status == "ready" else 503
    return Health.model_validate(
        {
            "status": status,
            "detail": detail,
            "collections": {slot.name: slot.loaded.index_version if slot.loaded else None for slot in serving.slots},
            "version": RELEASE,
        }
    )
