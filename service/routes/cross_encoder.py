"""What a search request asks of a cross-encoder that searches by itself."""

from service.errors import InvalidRequest
from service.loaded import Loaded
from service.operations.cross_encoder import CrossEncoderUse, item_reranker, served_search
from service.operations.search import Source
from service.schemas.search import SearchRequest

DEFAULT_BUDGET = 100


def cross_encoder_use(request: SearchRequest, source: Source, loaded: Loaded) -> CrossEncoderUse | None:
    """The part that the cross-encoder takes in the search, None but in its own mode.

    Raises InvalidRequest or RerankerNotServed.
    """
    if request.mode != "cross_encoder":
        if request.budget is not None:
            raise InvalidRequest('budget is given without "mode": "cross_encoder"; add it or leave budget out')
        return None
    if source != "queries":
        raise InvalidRequest(f"a cross-encoder reads the records of queries; give queries in place of {source}")
    if request.diversify is not None or request.group_by is not None:
        raise InvalidRequest(
            "diversify and group_by go as deep as they must, which a cross-encoder's calls do not allow; leave them out"
        )
    item_reranker(loaded)
    if request.rerank is not None:
        raise InvalidRequest("mode 'cross_encoder' orders its hits by the cross-encoder already; leave rerank out")
    if request.hubness not in (None, "off"):
        raise InvalidRequest("hubness changes scores of vectors, which mode 'cross_encoder' does not give; leave it")
    return CrossEncoderUse(_budget(request, loaded))


def _budget(request: SearchRequest, loaded: Loaded) -> int:
    least = max(request.k, len(served_search(loaded).anchor_rows) + 1)
    budget = max(DEFAULT_BUDGET, least) if request.budget is None else request.budget
    if budget < least:
        raise InvalidRequest(f"budget is {budget}, but must be at least {least}: k, and more than the anchor items")
    return budget
