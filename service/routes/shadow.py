"""POST, GET and DELETE shadow: try a candidate version on real searches, see what it changes, end the trial."""

import asyncio
from dataclasses import asdict
from typing import Any

import orjson
from fastapi import APIRouter, Request

from bundle.workspace import Collection, Workspace
from index.shadow import Shadow, read_shadow
from index.store import end_shadow, start_shadow
from service.call import SCOPE_KEY, Call
from service.errors import ActivationSuperseded, DeadlineExceeded
from service.keys import Scope
from service.loaded import Failure
from service.parsing import parse_body
from service.routes.collections import CollectionName
from service.schemas.collections import LoadFailure
from service.schemas.shadow import ShadowInfo, ShadowRequest, ShadowSearches
from service.serving import Serving
from service.slots import Slot

_LOOK_AGAIN_S = 0.25
PATH = "/v1/collections/{collection}/shadow"


class ShadowHandler:
    """Answers requests that start a trial."""

    __name__ = "start_shadow"

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def __call__(self, collection: str, body: bytes, call: Call) -> bytes:
        """Repeat a share of the real searches on another index version, in the background.

        Needs a key with the scope admin. The candidate is loaded, verified and warmed beside the served version; the
        answer comes when it is. Nobody's answer is changed by it. The trial ends when it is deleted, when another one
        is started, or when the candidate is activated.
        """
        self._serving.access.check(call, collection, "admin")
        slot = self._serving.slots.get(collection)
        request = parse_body(ShadowRequest, body)
        call.collection = slot.name
        slot.serving()
        folder = Workspace(self._serving.settings.workspace).collection(collection)
        shadow = await asyncio.to_thread(start_shadow, folder, request.version, request.share)
        await self._tried(slot, folder, shadow)
        return orjson.dumps(_info(self._serving, slot, shadow).model_dump())

    async def _tried(self, slot: Slot, folder: Collection, shadow: Shadow) -> None:
        """Wait until the candidate is loaded; raises what its load raised, or that the trial was ended meanwhile."""
        _look(self._serving)
        limit = self._serving.settings.reload.activate_timeout_s
        try:
            async with asyncio.timeout(limit):
                while True:
                    changed = slot.changed()  # taken before the checks, so that no change falls between them and it
                    try:
                        if await _is_tried(slot, folder, shadow):
                            return
                        await asyncio.wait([changed], timeout=_LOOK_AGAIN_S)
                    finally:
                        changed.cancel()
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"'{shadow.version}' is not loaded after {limit:g} s; it is tried once it is"
            ) from error


def shadow_router(serving: Serving, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """The routes that tell of a trial and end it."""
    router = APIRouter(tags=["collections"])

    @router.get(PATH, operation_id="get_shadow", summary="See a trial", responses=responses)
    async def get_shadow(collection: CollectionName, request: Request) -> ShadowInfo:
        """What the trial of a candidate has shown so far, over all processes of this server."""
        slot, folder = _found(serving, collection, request, "get_shadow", "read")
        shadow = await asyncio.to_thread(read_shadow, folder)
        return await asyncio.to_thread(_info, serving, slot, shadow)

    @router.delete(
        PATH,
        operation_id="end_shadow",
        summary="End a trial",
        responses=responses,
        openapi_extra={"security": [{"api_key": []}]},
    )
    async def delete_shadow(collection: CollectionName, request: Request) -> ShadowInfo:
        """Try nothing any more, and free the candidate. Needs a key with the scope admin."""
        slot, folder = _found(serving, collection, request, "end_shadow", "admin")
        await asyncio.to_thread(end_shadow, folder)
        _look(serving)
        return await asyncio.to_thread(_info, serving, slot, None)

    return router


def _found(serving: Serving, name: str, request: Request, route: str, scope: Scope) -> tuple[Slot, Collection]:
    call: Call = request.scope[SCOPE_KEY]
    call.route = route
    serving.access.check(call, name, scope)
    slot = serving.slots.get(name)
    call.collection = slot.name
    return slot, Workspace(serving.settings.workspace).collection(slot.name)


def _look(serving: Serving) -> None:
    if serving.watcher is not None:
        serving.watcher.look_now()


async def _is_tried(slot: Slot, folder: Collection, shadow: Shadow) -> bool:
    candidate = slot.candidate
    if candidate is not None and candidate.shadow == shadow:
        if candidate.failure is not None:
            raise candidate.failure.error
        return True
    if await asyncio.to_thread(read_shadow, folder) != shadow:
        raise ActivationSuperseded(f"the trial of '{shadow.version}' was ended, or another one started, meanwhile")
    return False


def _info(serving: Serving, slot: Slot, shadow: Shadow | None) -> ShadowInfo:
    """What there is to say of the trial that SHADOW asks for."""
    loaded, candidate = slot.loaded, slot.candidate
    version = loaded.index_version if loaded else None
    if shadow is None:
        return ShadowInfo(collection=slot.name, status="off", index_version=version, candidate_version=None)
    info = ShadowInfo(
        collection=slot.name,
        status="loading",
        index_version=version,
        candidate_version=shadow.version,
        share=shadow.share,
        started_at=shadow.started_at,
    )
    if candidate is None or candidate.shadow != shadow:
        return info
    if candidate.loaded is None:
        return info.model_copy(update={"status": "failing", "load_failure": _load_failure(candidate.failure)})
    report = serving.shadowing.report(candidate)
    counts = {name: report.counts.get(name, 0) for name in ShadowSearches.model_fields}  # type: ignore[call-overload]
    return ShadowInfo.model_validate(
        info.model_dump(exclude_unset=True)
        | {
            "status": "running",
            "same_bundle": loaded is not None and loaded.bundle_id == candidate.loaded.bundle_id,
            "searches": counts,
            "errors": report.errors,
        }
        | {
            name: asdict(value)
            for name in ("overlap", "first_changed", "score_difference")
            if (value := getattr(report, name)) is not None
        }
    )


def _load_failure(failure: Failure | None) -> LoadFailure | None:
    if failure is None:
        return None
    error = failure.error
    return LoadFailure(
        index_version=failure.index_version, code=error.code, detail=error.message, attempts=failure.attempts
    )
