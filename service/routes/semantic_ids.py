"""POST semantic-ids: parse, queue, answer."""

from typing import Any

from bundle.semantic_id import SemanticId
from service.batching import Operation
from service.call import Call
from service.errors import InvalidRequest
from service.loaded import Loaded
from service.operations.semantic_ids import (
    EncodeSemanticIds,
    ListSemanticIds,
    codec_of,
    prefix_of,
    read_semantic_id,
)
from service.parsing import check_hits, check_limit, check_size, exactly_one, parse_body
from service.schemas.semantic_ids import SemanticIdsRequest
from service.serving import Serving
from service.vectors import read_vectors

SOURCES = ("records", "item_ids", "vectors", "semantic_ids", "prefix")


class SemanticIdsHandler:
    """Answers semantic-ids requests."""

    __name__ = "semantic_ids"

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def __call__(self, collection: str, body: bytes, call: Call) -> bytes:
        """Encode records, items or vectors to semantic IDs, decode semantic IDs to items, or list below a prefix."""
        slot, loaded = self._serving.capture(collection, call)
        limits = self._serving.settings.limits
        request = parse_body(SemanticIdsRequest, body)
        source = exactly_one(request, SOURCES)
        value = getattr(request, source)
        call.records = 1 if source == "prefix" else check_size(source, len(value), limits.max_batch)
        check_limit("k", request.k, limits.max_list)
        if source == "semantic_ids":
            check_hits(call.records, request.k, limits.max_hits)
        operation, payload = _work(request, source, value, loaded)
        return await slot.batcher.submit(operation, payload, call.records, call)


def _work(request: SemanticIdsRequest, source: str, value: Any, loaded: Loaded) -> tuple[Operation, Any]:
    if source in ("records", "item_ids", "vectors"):
        codec_of(loaded)
        if source == "vectors":
            value = read_vectors("vectors", value, loaded.version.dimension)
        return EncodeSemanticIds(loaded, source, request.tower), value  # type: ignore[arg-type]
    levels = prefix_of(loaded).space.levels
    if source == "semantic_ids":
        value = [read_semantic_id(f"semantic_ids[{i}]", one, levels) for i, one in enumerate(value)]
        return ListSemanticIds(loaded, "semantic_ids", request.k, request.offset, bool(request.with_)), value
    codes = value
    if isinstance(value, str):
        parsed = SemanticId.parse(value) if value else SemanticId(())
        if parsed.suffix:
            raise InvalidRequest(f"prefix is '{value[:80]}', but a prefix has no suffix; ask for it as semantic_ids")
        codes = list(parsed.codes)
    return ListSemanticIds(loaded, "prefix", request.k, request.offset, bool(request.with_)), codes
