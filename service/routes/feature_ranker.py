"""What a request asks of the bundle's feature ranker."""

from service.errors import InvalidRequest
from service.loaded import Loaded
from service.operations.feature_ranker import corpus_ranker
from service.operations.search import Source
from service.schemas.rerank import RerankRequest


def check_source(source: Source, loaded: Loaded) -> None:
    """Raise InvalidRequest for a search by items or examples, RerankerNotServed without a feature ranker."""
    if source not in ("queries", "vectors"):
        raise InvalidRequest(f"the feature ranker reads queries; give queries or vectors in place of {source}")
    corpus_ranker(loaded)


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
