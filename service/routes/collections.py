"""GET collections: what is served."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from index.manifest import IndexManifest
from service.call import SCOPE_KEY, Call
from service.loaded import Loaded
from service.schemas.collections import (
    CollectionInfo,
    CollectionList,
    CrossEncoderInfo,
    FeatureRankerInfo,
    LexicalInfo,
    LoadFailure,
)
from service.serving import Serving
from service.slots import Slot

CollectionName = Annotated[str, Path(description="Name of the collection.", examples=["online-retail"])]


def collections_router(serving: Serving, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """The routes that tell what is served."""
    router = APIRouter(tags=["collections"])

    @router.get("/v1/collections", operation_id="list_collections", summary="List collections")
    async def list_collections(request: Request) -> CollectionList:
        """Every collection that the key opens, with what it serves."""
        call = _name_route(request, "list_collections")
        may_read = serving.access.may_read
        return CollectionList(collections=[_info(slot) for slot in serving.slots if may_read(call, slot.name)])

    @router.get(
        "/v1/collections/{collection}",
        operation_id="get_collection",
        summary="Describe a collection",
        responses=responses,
    )
    async def get_collection(collection: CollectionName, request: Request) -> CollectionInfo:
        """What one collection serves: bundle, version, counts, kind, measured index recall, fingerprints."""
        call = _name_route(request, "get_collection")
        serving.access.check(call, collection)
        slot = serving.slots.get(collection)
        call.collection = slot.name
        return _info(slot)

    return router


def _name_route(request: Request, name: str) -> Call:
    call: Call = request.scope[SCOPE_KEY]
    call.route = name
    return call


def _info(slot: Slot) -> CollectionInfo:
    loaded, failure = slot.loaded, slot.failure
    manifest = loaded.version.manifest if loaded else None
    roles = manifest.roles if manifest else {}
    features = loaded.bundle.manifest.features if loaded else None
    codebooks = loaded.bundle.manifest.semantic_id_codebooks if loaded else None
    return CollectionInfo(
        collection=slot.name,
        ready=loaded is not None,
        bundle_id=loaded.bundle_id if loaded else None,
        index_version=loaded.index_version if loaded else None,
        active_version=slot.active_version,
        load_failure=LoadFailure(
            index_version=failure.index_version,
            code=failure.error.code,
            detail=failure.error.message,
            attempts=failure.attempts,
        )
        if failure
        else None,
        count=manifest.count if manifest else None,
        dimension=manifest.dimension if manifest else None,
        metric=manifest.metric if manifest else None,
        kind=manifest.kind.kind if manifest else None,
        index_recall=manifest.recall.recall if manifest else None,
        queries_are=loaded.bundle.manifest.queries_are if loaded else None,
        relations={relation: role.recall.recall for relation, role in roles.items()},
        query_features=[feature.model_dump() for feature in features.query] if features else [],
        item_features=[feature.model_dump() for feature in features.item] if features else [],
        lexical=_lexical(manifest) if manifest else None,
        cross_encoder=_cross_encoder(loaded) if loaded else None,
        feature_ranker=_feature_ranker(loaded) if loaded else None,
        semantic_id_codebooks=list(codebooks) if codebooks else None,
        fingerprints={name: entry.sha256 for name, entry in manifest.files.items()} if manifest else {},
        loaded_at=loaded.loaded_at if loaded else None,
    )


def _cross_encoder(loaded: Loaded) -> CrossEncoderInfo | None:
    reranker, built = loaded.bundle.rerankers.cross_encoder, loaded.version.manifest.cross_encoder_search
    if reranker is None:
        return None
    return CrossEncoderInfo(
        query_fields=list(reranker.query_columns),
        item_fields=list(reranker.item_columns),
        search=built.kind.kind if built else None,
    )


def _feature_ranker(loaded: Loaded) -> FeatureRankerInfo | None:
    ranker = loaded.bundle.rerankers.feature_ranker
    if ranker is None:
        return None
    spec = ranker.spec
    return FeatureRankerInfo(
        depth=spec.depth, history_field=spec.history_field, item_fields=[feature.name for feature in spec.item]
    )


def _lexical(manifest: IndexManifest) -> LexicalInfo | None:
    words = manifest.lexical
    if words is None:
        return None
    return LexicalInfo(
        fields=list(words.fields),
        query_fields=list(words.query_fields),
        n_words=words.n_words,
        dense_weight=manifest.fusion.dense_weight if manifest.fusion else None,
    )
