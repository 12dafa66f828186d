"""What a search request asks of the bundle's cross-encoder."""

from service.errors import InvalidRequest, RerankerNotServed
from service.loaded import Loaded
from service.operations.cross_encoder import CrossEncoderUse, item_reranker
from service.operations.search import Source
from service.schemas.search import SearchRequest

DEFAULT_BUDGET = 100


def cross_encoder_use(
    request: SearchRequest, source: Source, depth: int | None, loaded: Loaded
) -> CrossEncoderUse | None:
    """The part that the cross-encoder takes in the search; raises InvalidRequest or RerankerNotServed."""
    searches = request.mode == "cross_encoder"
    if request.budget is not None and not searches:
        raise InvalidRequest('budget is given without "mode": "cross_encoder"; add it or leave budget out')
    if not searches and request.rerank != "cross_encoder":
        return None
    if source != "queries":
        raise InvalidRequest(f"a cross-encoder reads the records of queries; give queries in place of {source}")
    if request.diversify is not None or request.group_by is not None:
        raise InvalidRequest(
            "diversify and group_by go as deep as they must, which a cross-encoder's calls do not allow; leave them out"
        )
    item_reranker(loaded)
    if not searches:
        return CrossEncoderUse(depth or request.k, searches=False)
    if request.rerank is not None:
        raise InvalidRequest("mode 'cross_encoder' orders its hits by the cross-encoder already; leave rerank out")
    if request.hubness not in (None, "off"):
        raise InvalidRequest("hubness changes scores of vectors, which mode 'cross_encoder' does not give; leave it")
    return CrossEncoderUse(_budget(request, loaded), searches=True)


def _budget(request: SearchRequest, loaded: Loaded) -> int:
    search = loaded.version.cross_encoder_search
    if search is None:
        raise RerankerNotServed(
            f"index version '{loaded.index_version}' was built without search by the cross-encoder; build one with a "
            '[cross_encoder_search] section, or ask for "rerank": "cross_encoder"'
        )
    least = max(request.k, len(search.anchor_rows) + 1)
    budget = max(DEFAULT_BUDGET, least) if request.budget is None else request.budget
    if budget < least:
        raise InvalidRequest(f"budget is {budget}, but must be at least {least}: k, and more than the anchor items")
    return budget
