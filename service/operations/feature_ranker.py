"""The bundle's feature ranker over the served items, and how it orders given ones. M items of one query."""

from dataclasses import dataclass

from index.feature_ranking import CorpusRanker
from service.errors import RerankerNotServed
from service.loaded import Loaded
from service.operations.joined import FloatArray
from service.operations.rerank import Rerank, RerankPayload


@dataclass(frozen=True)
class RerankByFeatures(Rerank):
    """Scores each request's items by the bundle's feature ranker; ranks among candidates are those in the request.

    There is no first stage to fall back to: a feature ranker that fails is an error.
    """

    def scores(self, payload: RerankPayload) -> FloatArray:
        """Scores float32 [M] of the items of one request; raises InvalidRecord or RerankerFailed."""
        ranker = corpus_ranker(self.loaded)
        rows_M = self.loaded.version.ids.rows([item_id for item_id in payload.item_ids if item_id is not None])
        records = None if payload.query is None else [payload.query]
        return ranker.score(ranker.asking(self.query(payload), records)[0], rows_M)


def corpus_ranker(loaded: Loaded) -> CorpusRanker:
    """The bundle's feature ranker over the served items; raises RerankerNotServed."""
    ranker, version = loaded.bundle.rerankers.feature_ranker, loaded.version
    if ranker is None or version.feature_rows is None:
        raise RerankerNotServed(
            f"bundle '{loaded.bundle_id}' of collection '{loaded.collection}' has no feature ranker; train one with a "
            "[rerankers.feature_ranker] section, or leave it out of the request"
        )
    items = version.feature_rows.side(len(ranker.spec.categories), version.role().vectors_ND)
    return CorpusRanker(ranker, items, version.ids, loaded.bundle.semantic_ids)
