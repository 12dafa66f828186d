"""How the bundle's reranker takes part in a search by itself, and over which items it reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from bundle.featurize import Record
from index.cross_encoder_ranking import CrossEncoderSearch
from index.cur.kinds import CurSearch
from index.ranking import Ranker
from index.reranked import ItemReranker
from service.errors import RerankerNotServed
from service.loaded import Loaded


@dataclass(frozen=True)
class CrossEncoderUse:
    """It scores `calls` items a query: those that its own scores lead to."""

    calls: int

    def ranker(self, loaded: Loaded, first: Ranker) -> Ranker:
        """What orders the corpus, given what orders it without; raises RerankerNotServed."""
        items, search = item_reranker(loaded), served_search(loaded)
        return CrossEncoderSearch(first, items, search, loaded.version.count, self.calls)


def item_reranker(loaded: Loaded) -> ItemReranker:
    """The bundle's reranker over the served items; raises RerankerNotServed."""
    if loaded.bundle.reranker is None:
        raise RerankerNotServed(
            f"bundle '{loaded.bundle_id}' of collection '{loaded.collection}' has no cross-encoder; train one with a "
            "[reranker] section, or leave it out of the request"
        )
    return ItemReranker.of(loaded.bundle.reranker, loaded.version.columns)


def served_search(loaded: Loaded) -> CurSearch:
    """What the version was built with for search by the cross-encoder; raises RerankerNotServed."""
    search = loaded.version.cross_encoder_search
    if search is None:
        raise RerankerNotServed(
            f"index version '{loaded.index_version}' was built without search by the cross-encoder; build one with a "
            '[cross_encoder_search] section, or ask for "rerank": "cross_encoder"'
        )
    return search


def check_readable(loaded: Loaded, records: Sequence[Record]) -> None:
    """Raise InvalidRecord for a query that the reranker can read nothing of, RerankerNotServed where there is none."""
    reranker = item_reranker(loaded).reranker
    for record in records:
        reranker.check_query(record)
