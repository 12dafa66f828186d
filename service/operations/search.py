"""Queries to hits. B queries of all joined requests, K hits, D embedding width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bundle.featurize import Record
from index.allowed_rows import AllowedRows
from index.example_ranking import ExampleRanker
from index.filters.compiled import BoundFilter
from index.hub_correction import HubCorrected
from index.hubness.config import HubnessMethod
from index.manifest import Relation
from index.ranking import DenseRanker, IntArray, Queries, Ranker, Ranking, Rescored
from index.role import Role
from index.searcher import check_queries
from index.second_stages.contract import Ordered
from service.batching import Outcome
from service.live_recall import Searched
from service.operations.cross_encoder import CrossEncoderUse, check_readable
from service.operations.examples import ask_by_examples
from service.operations.joined import FloatArray, OnLoaded, all_or_each, each, embed_joined
from service.operations.second_stage import SecondStageUse, mark_scored
from service.operations.words import Words
from service.stages import Stages

BRIEF_K = 32
Source = Literal["queries", "vectors", "item_ids", "examples"]


@dataclass(frozen=True)
class Search(OnLoaded):
    """Searches for the queries of joined requests; payload: records, vectors [B, D], item ids or examples, as
    `source` says.

    `relation` is how hits are to be related to the queries. `depth` is the number of candidates rescored exactly, None
    without rescoring. A request whose source is `item_ids` or `examples` never gets an item that it names as a hit.
    Where `words` or `cross_encoder` is None it takes no part; records are the only source that either reads. `hubness`
    is how hubs are held back in scores of vectors, None where they are not. `filter` says which items may be hits, all
    where it is None. `second` orders the candidates again, not where it is None.
    """

    source: Source
    relation: Relation
    k: int
    params: tuple[tuple[str, int], ...]
    depth: int | None
    extras: tuple[str, ...]
    words: Words | None = None
    hubness: HubnessMethod | None = None
    filter: BoundFilter | None = None
    cross_encoder: CrossEncoderUse | None = None
    second: SecondStageUse | None = None

    def tokens(self, payload: Any, records: int) -> int:
        """What the query tower is to read of records, about; 1 for any other query."""
        return self.loaded.bundle.query.guess_tokens(payload) if self.source == "queries" else records

    def is_brief(self, records: int) -> bool:
        """Whether this is a search like those that the version's speed was measured by, of few enough vectors."""
        is_plain = self.source == "vectors" and self.k <= BRIEF_K and self.depth is None and not self.params
        return is_plain and self._is_by_vectors_alone() and records <= self.loaded.brief_records

    def run(self, payloads: Sequence[Any], stages: Stages) -> list[Outcome]:
        """The answer to every request."""
        parts = self.asked(payloads, stages)
        good = [part for part in parts if not isinstance(part, Exception)]
        if not good:
            return [part for part in parts if isinstance(part, Exception)]
        queries = Queries.joined(good)
        found = self._find(queries, stages)
        self._have_checked(queries, found.ranking)
        answers: list[Outcome] = []
        start = 0
        for part in parts:
            if isinstance(part, Exception):
                answers.append(part)
            else:
                answers.append(self._answer(found, start, start + len(part)))
                start += len(part)
        stages.mark("write")
        return answers

    def asked(self, payloads: Sequence[Any], stages: Stages) -> list[Queries | Exception]:
        """The queries of every payload; a payload at fault has its error in their place."""
        version, words = self.loaded.version, self.words
        if self.source == "item_ids":
            return each(payloads, self._asked_by_items)
        if self.source == "examples":
            return ask_by_examples(self.loaded, payloads, stages)
        if words is not None and words.fusion is None and not self._reads_vectors():
            return each(payloads, self._asked_by_words)
        tower = self.loaded.bundle.query
        is_embedded = self.source == "queries"
        parts = embed_joined(tower, payloads, stages, self._read) if is_embedded else payloads
        checked = all_or_each(parts, lambda part: check_queries(part, version.dimension, version.manifest.metric))
        return [
            part if isinstance(part, Exception) else Queries(part, payload if is_embedded else None)
            for part, payload in zip(checked, payloads, strict=True)
        ]

    def ranker(self) -> Ranker:
        """What orders the corpus for this request, before a second stage."""
        role = self.loaded.version.role(self.relation)
        first = self._first_stage(role)
        return first if self.cross_encoder is None else self.cross_encoder.ranker(self.loaded, first)

    def _find(self, queries: Queries, stages: Stages) -> Ordered:
        if self.second is None:
            ranking = self.ranker().rank(queries, self.k)
            stages.mark("search")
            return Ordered(ranking)
        staged = self.second.staged(self.loaded, self.ranker(), self.loaded.version.role(self.relation))
        found = staged.ordered(queries, self.k, lambda: stages.mark("search"))
        stages.mark("rescore")
        self.second.count(found.reports or ())
        return found

    def _reads_vectors(self) -> bool:
        return self.depth is not None or (self.second is not None and self.second.kind.reads_vectors)

    def _first_stage(self, role: Role) -> Ranker:
        allowed = self.allowed()
        dense: Ranker = DenseRanker(role, dict(self.params), allowed)
        if self.source == "examples":
            return self._without_hubs(ExampleRanker(dense, role, self.depth, allowed))
        if self.depth is not None:
            first = dense if self.words is None else self.words.ranker(self.loaded, dense, role, allowed)
            return self._without_hubs(Rescored(first, role, self.depth))
        dense = self._without_hubs(dense)
        return dense if self.words is None else self.words.ranker(self.loaded, dense, role, allowed)

    def _without_hubs(self, ranker: Ranker) -> Ranker:
        """The same with hubs held back, if the request is for that."""
        if self.hubness is None:
            return ranker
        return HubCorrected(ranker, self.loaded.version.role(self.relation).bias(), self.hubness)

    def allowed(self) -> AllowedRows | None:
        """The rows that may be hits; None where all may."""
        return None if self.filter is None else self.loaded.version.filters.rows(self.filter)

    def hits(self, score_K: FloatArray, row_K: IntArray) -> list[dict[str, Any]]:
        """Hits as an answer shows them, best first."""
        item_ids = self.loaded.version.ids.at(row_K.tolist())
        hits: list[dict[str, Any]] = [
            {"item_id": item_id, "score": score} for item_id, score in zip(item_ids, score_K.tolist(), strict=True)
        ]
        for name in self.extras:
            for hit, value in zip(hits, self._extra(name, item_ids), strict=True):
                hit[name] = value
        return hits

    def _read(self, records: Sequence[Record]) -> Sequence[Record]:
        """What the tower reads of records that the rest of the search can read; raises InvalidRecord."""
        if self.cross_encoder is not None or (self.second is not None and self.second.kind.reads_texts):
            check_readable(self.loaded, records)
        return records if self.words is None else self.words.for_tower(self.loaded, records)

    def _asked_by_words(self, records: Sequence[Record]) -> Queries:
        self._read(records)
        return Queries(records=records)

    def _have_checked(self, queries: Queries, ranking: Ranking) -> None:
        """Offer the first search for a check; only the best of all vectors are the exact answer to compare."""
        live, vectors_BD = self.loaded.live_recall, queries.vectors_BD
        if live is None or vectors_BD is None or not live.takes_one or not self._is_by_vectors_alone():
            return
        own_row = None if queries.own_rows_B is None else int(queries.own_rows_B[0])
        role = self.loaded.version.role(self.relation)
        _, row_K = ranking.of(0, self.k)
        live.offer(
            Searched(self.loaded.collection, self.loaded.index_version, role.vectors_ND, vectors_BD[0], row_K, own_row)
        )

    def _is_by_vectors_alone(self) -> bool:
        others = (self.words, self.hubness, self.filter, self.cross_encoder, self.second)
        return all(part is None for part in others)

    def _asked_by_items(self, item_ids: Sequence[str]) -> Queries:
        version = self.loaded.version
        return Queries(version.query_vectors(item_ids), own_rows_B=version.ids.rows(item_ids))

    def _answer(self, found: Ordered, start: int, stop: int) -> bytes:
        ranking = found.ranking
        results: list[dict[str, Any]] = [
            {"hits": self.hits(*ranking.of(b, self.k)), "exhaustive": self.k >= int(ranking.total_B[b])}
            for b in range(start, stop)
        ]
        if found.reports is not None:
            for result, report in zip(results, found.reports[start:stop], strict=True):
                mark_scored(result, report)
        return self.answer(results=results)

    def _extra(self, name: str, item_ids: list[str]) -> Sequence[Any]:
        version = self.loaded.version
        if name == "attributes":
            return version.attributes(item_ids)
        if name == "vector":
            return list(version.vectors(item_ids, self.relation))
        return [str(semantic_id) for semantic_id in version.semantic_ids(item_ids) or ()]
