"""Queries to hits of which few may share a prefix of their semantic IDs. B queries, D embedding width."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from index.limited_search import LimitedHits, LimitedSearch
from index.prefix_limit import PrefixLimit
from service.batching import Outcome
from service.operations.search import Search
from service.operations.semantic_ids import prefix_of
from service.stages import Stages


@dataclass(frozen=True)
class SearchWithLimit(Search):
    """A search whose k counts hits that `limit` allows, or groups of them; rescoring begins at `depth`."""

    limit: PrefixLimit = field(kw_only=True)

    def is_brief(self, records: int) -> bool:
        """No: nobody knows how deep it goes."""
        return False

    def run(self, payloads: Sequence[Any], stages: Stages) -> list[Outcome]:
        """The answer to every request."""
        parts = self.asked(payloads, stages)
        search = LimitedSearch(self.ranker(), prefix_of(self.loaded), self.k, self.limit, self.allowed())
        found = [part if isinstance(part, Exception) else search.run(part) for part in parts]
        stages.mark("search")
        answers: list[Outcome] = [
            part if isinstance(part, Exception) else self.answer(results=[self._result(one) for one in part])
            for part in found
        ]
        stages.mark("write")
        return answers

    def _result(self, found: LimitedHits) -> dict[str, Any]:
        hits = self.hits(found.scores_K, found.rows_K)
        if not self.limit.grouped:
            return {"hits": hits, "exhaustive": found.is_exhaustive}
        ends = accumulate(group.n_hits for group in found.groups)
        groups = [
            {"prefix": group.prefix, "hits": hits[end - group.n_hits : end]}
            for group, end in zip(found.groups, ends, strict=True)
        ]
        return {"groups": groups, "exhaustive": found.is_exhaustive}
