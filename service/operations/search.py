"""Queries to hits. B queries of all joined requests, K hits, D embedding width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from index.manifest import Relation
from index.searcher import Hits
from service.batching import Outcome, Stages
from service.operations.joined import FloatArray, OnLoaded, each, embed_joined

Source = Literal["queries", "vectors", "item_ids"]


class FoundHits(NamedTuple):
    """Hits of one query, best first."""

    item_ids: list[str]
    scores: list[float]


@dataclass(frozen=True)
class Search(OnLoaded):
    """Searches for the queries of joined requests; payload: records, vectors [B, D] or item ids, as `source` says.

    `relation` is how hits are to be related to the queries. `depth` is the number of candidates rescored exactly, None
    without rescoring. A request whose source is `item_ids` never gets an item as a hit of itself.
    """

    source: Source
    relation: Relation
    k: int
    params: tuple[tuple[str, int], ...]
    depth: int | None
    extras: tuple[str, ...]

    def run(self, payloads: Sequence[Any], stages: Stages) -> list[Outcome]:
        """The answer to every request."""
        parts = self._query_vectors(payloads, stages)
        good = [part for part in parts if not isinstance(part, Exception)]
        if not good:
            return [part for part in parts if isinstance(part, Exception)]
        query_BD = good[0] if len(good) == 1 else np.concatenate(good)
        wanted = (self.depth or self.k) + (self.source == "item_ids")
        hits = self.loaded.version.search(query_BD, wanted, dict(self.params), self.relation)
        stages.mark("search")
        answers: list[Outcome] = []
        start = 0
        for payload, part in zip(payloads, parts, strict=True):
            if isinstance(part, Exception):
                answers.append(part)
            else:
                found = [self._found(hits, start + i, part[i], payload[i]) for i in range(len(part))]
                start += len(part)
                answers.append(self._answer(found))
        stages.mark("write")
        return answers

    def _query_vectors(self, payloads: Sequence[Any], stages: Stages) -> list[FloatArray | Exception]:
        if self.source == "queries":
            return embed_joined(self.loaded.bundle.query, payloads, stages)
        if self.source == "item_ids":
            return each(payloads, self.loaded.version.query_vectors)
        return list(payloads)

    def _found(self, hits: Hits, row: int, query_D: FloatArray, query: object) -> FoundHits:
        item_ids, scores_K = hits.ids[row], hits.scores_BK[row]
        if self.source == "item_ids":
            kept = [i for i, item_id in enumerate(item_ids) if item_id != query]
            item_ids, scores_K = [item_ids[i] for i in kept], scores_K[kept]
        if self.depth is not None:
            item_ids = item_ids[: self.depth]
            scores_K = self.loaded.version.scores(query_D, item_ids, self.relation)
            order = np.argsort(-scores_K, kind="stable")
            item_ids, scores_K = [item_ids[i] for i in order], scores_K[order]
        return FoundHits(item_ids[: self.k], scores_K[: self.k].tolist())

    def _answer(self, found: list[FoundHits]) -> bytes:
        available = self.loaded.version.count - (self.source == "item_ids")
        is_exhaustive = self.k >= available
        return self.answer(results=[{"hits": self._hits(one), "exhaustive": is_exhaustive} for one in found])

    def _hits(self, found: FoundHits) -> list[dict[str, Any]]:
        hits: list[dict[str, Any]] = [
            {"item_id": item_id, "score": score} for item_id, score in zip(found.item_ids, found.scores, strict=True)
        ]
        for name in self.extras:
            for hit, value in zip(hits, self._extra(name, found.item_ids), strict=True):
                hit[name] = value
        return hits

    def _extra(self, name: str, item_ids: list[str]) -> Sequence[Any]:
        version = self.loaded.version
        if name == "attributes":
            return version.attributes(item_ids)
        if name == "vector":
            return list(version.vectors(item_ids, self.relation))
        return [str(semantic_id) for semantic_id in version.semantic_ids(item_ids) or ()]
