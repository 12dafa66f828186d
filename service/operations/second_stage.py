"""How a second stage takes part in a search, and what the answer says of it. B queries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from index.ranking import Ranker
from index.role import Role
from index.second_stages import SecondStageKind
from index.second_stages.contract import OnFailure, Report, Runtime
from index.second_stages.staged import Staged
from service.loaded import Loaded
from service.operations.cross_encoder import item_reranker


@dataclass(frozen=True)
class SecondStageUse:
    """It orders `depth` candidates a query; `on_degraded` hears the reason of every query that it could not."""

    kind: SecondStageKind
    depth: int
    on_failure: OnFailure
    on_degraded: Callable[[str], None] = field(compare=False)

    def staged(self, loaded: Loaded, first: Ranker, role: Role) -> Staged:
        """Both stages; raises RerankerNotServed."""
        items = item_reranker(loaded) if self.kind.reads_texts else None
        return Staged(first, self.kind.build(Runtime(role, items, self.on_failure)), self.depth)

    def count(self, reports: Sequence[Report]) -> None:
        """Tell of what was degraded."""
        for report in reports:
            if report.degraded is not None:
                self.on_degraded(report.degraded.reason)


def mark_scored(result: dict[str, Any], report: Report) -> None:
    """Write into a result how many candidates were scored, which hits that are, and why it is degraded, if it is."""
    result["scored"] = report.n_scored
    for place, hit in enumerate(result["hits"]):
        hit["reranked"] = place < report.n_scored
    if report.degraded is not None:
        result["degraded"] = {"reason": report.degraded.reason, "detail": report.degraded.detail}
