"""What a request asks of the bundle's feature ranker."""

from service.errors import InvalidRequest
from service.loaded import Loaded
from service.operations.feature_ranker import FeatureUse, corpus_ranker
from service.operations.search import Source
from service.schemas.rerank import RerankRequest
from service.schemas.search import SearchRequest


def feature_use(request: SearchRequest, source: Source, depth: int | None, loaded: Loaded) -> FeatureUse | None:
    """The part that the feature ranker takes in the search; raises InvalidRequest or RerankerNotServed."""
    if request.rerank != "feature_ranker":
        return None
    if source not in ("queries", "vectors"):
        raise InvalidRequest(f"the feature ranker reads queries; give queries or vectors in place of {source}")
    if request.mode not in ("dense", "hybrid"):
        raise InvalidRequest(
            f"the feature ranker reads the embedding of a query, which mode '{request.mode}' does not make; ask with "
            "mode 'dense' or 'hybrid'"
        )
    if request.diversify is not None or request.group_by is not None:
        raise InvalidRequest(
            "diversify and group_by go as deep as they must, but the feature ranker orders depth items; leave them out"
        )
    corpus_ranker(loaded)
    return FeatureUse(depth or request.k)


def trained_depth(loaded: Loaded) -> int:
    """Items of a query that the bundle's feature ranker learnt to order; raises RerankerNotServed."""
    return corpus_ranker(loaded).ranker.spec.depth


def check_given_items(request: RerankRequest, loaded: Loaded) -> None:
    """Raise InvalidRequest for records of items, RerankerNotServed where the bundle has no feature ranker."""
    corpus_ranker(loaded)
    if request.items is not None:
        raise InvalidRequest(
            "the feature ranker reads counts, ages and semantic IDs that only items of the corpus have; give item_ids "
            "in place of items"
        )
