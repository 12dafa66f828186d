"""What a search request asks of a second stage."""

from collections.abc import Callable

from index.second_stages.contract import OnFailure
from service.errors import InvalidRequest
from service.loaded import Loaded
from service.operations.cross_encoder import item_reranker
from service.operations.search import Source
from service.operations.second_stage import SecondStageUse
from service.schemas.search import Exact, SearchRequest


def second_stage_use(
    request: SearchRequest,
    source: Source,
    depth: int | None,
    loaded: Loaded,
    on_failure: OnFailure,
    on_degraded: Callable[[str], None],
) -> SecondStageUse | None:
    """The second stage over `depth` candidates, None where none is asked for or exact scores are the first's own.

    Raises InvalidRequest or RerankerNotServed.
    """
    kind = request.rerank
    if kind is None or isinstance(kind, Exact) or depth is None:
        return None
    if request.diversify is not None or request.group_by is not None:
        raise InvalidRequest(
            f"diversify and group_by go as deep as they must, but rerank '{kind.kind}' orders depth candidates; leave "
            "them out, or leave rerank out"
        )
    if kind.reads_texts:
        if source != "queries":
            raise InvalidRequest(f"a cross-encoder reads the records of queries; give queries in place of {source}")
        item_reranker(loaded)
    if kind.reads_vectors and source == "examples":
        raise InvalidRequest(
            "a search by examples has no one vector to score exactly by, and its first stage is exact; leave the "
            "weight of exact out"
        )
    return SecondStageUse(kind, depth, on_failure, on_degraded)
