"""GET versions: the index versions that could be served."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from bundle.errors import RetrievalError
from bundle.workspace import Collection, Workspace
from index.store import current, list_versions, read_version
from service.call import SCOPE_KEY, Call
from service.routes.collections import CollectionName
from service.schemas.versions import VersionInfo, VersionList
from service.serving import Serving


def versions_router(serving: Serving, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """The route that lists what may be activated."""
    router = APIRouter(tags=["collections"])

    @router.get(
        "/v1/collections/{collection}/versions",
        operation_id="list_versions",
        summary="List index versions",
        responses=responses,
    )
    async def list_index_versions(collection: CollectionName, request: Request) -> VersionList:
        """Every index version in the workspace, newest first; activate takes one by name."""
        call: Call = request.scope[SCOPE_KEY]
        call.route = "list_versions"
        serving.access.check(call, collection)
        slot = serving.slots.get(collection)
        call.collection = slot.name
        folder = Workspace(serving.settings.workspace).collection(slot.name)
        served = slot.loaded.index_version if slot.loaded else None
        return VersionList(collection=slot.name, versions=await asyncio.to_thread(_versions, folder, served))

    return router


def _versions(folder: Collection, served: str | None) -> list[VersionInfo]:
    active = current(folder)
    return [_info(folder, name, active, served) for name in reversed(list_versions(folder))]


def _info(folder: Collection, name: str, active: str | None, served: str | None) -> VersionInfo:
    info = VersionInfo(index_version=name, is_active=name == active, is_served=name == served)
    try:
        manifest = read_version(folder, name)
    except RetrievalError as error:
        return info.model_copy(update={"fault": error.message})
    return info.model_copy(
        update={
            "bundle_id": manifest.bundle_id,
            "created_at": manifest.created_at,
            "count": manifest.count,
            "kind": manifest.kind.kind,
            "index_recall": manifest.recall.recall,
            "target_recall": manifest.recall.target,
        }
    )
