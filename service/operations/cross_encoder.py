"""How the bundle's cross-encoder takes part in a search."""

from dataclasses import dataclass
from typing import Any

from index.cross_encoder_ranking import CrossEncoderSearch
from index.ranking import Ranker
from index.reranked import ItemReranker, Reranked
from service.errors import RerankerNotServed
from service.loaded import Loaded


@dataclass(frozen=True)
class CrossEncoderUse:
    """It scores `calls` items a query: those that were found, or with `searches` those that its scores lead to."""

    calls: int
    searches: bool

    def check(self, loaded: Loaded, records: Any) -> None:
        """Raise InvalidRecord for a query that it can read nothing of."""
        reranker = item_reranker(loaded).reranker
        for record in records:
            reranker.check_query(record)

    def ranker(self, loaded: Loaded, first: Ranker) -> Ranker:
        """What orders the corpus, given what orders it without."""
        items, search = item_reranker(loaded), loaded.version.cross_encoder_search
        if not self.searches or search is None:
            return Reranked(first, items, self.calls)
        return CrossEncoderSearch(first, items, search, loaded.version.count, self.calls)


def item_reranker(loaded: Loaded) -> ItemReranker:
    """The bundle's cross-encoder over the served items; raises RerankerNotServed."""
    reranker = loaded.bundle.rerankers.cross_encoder
    if reranker is None:
        raise RerankerNotServed(
            f"bundle '{loaded.bundle_id}' of collection '{loaded.collection}' has no cross-encoder; train one with a "
            "[rerankers.cross_encoder] section, or leave it out of the request"
        )
    return ItemReranker.of(reranker, loaded.version.columns)
