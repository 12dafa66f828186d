"""What a second stage is: it orders the candidates that the first stage found."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import ConfigDict, Field

from bundle.config import Config
from index.ranking import Queries, Ranking
from index.reranked import FailureReason, ItemReranker
from index.role import Role

OnFailure = Literal["first_stage", "error"]


class SecondStageConfig(Config):
    """Base of what a request says of a second stage; JSON types are taken as they are."""

    model_config = ConfigDict(strict=True)


class RerankerConfig(SecondStageConfig):
    """What a request says of a second stage in which a cross-encoder reads."""

    budget_ms: float | None = Field(
        default=None,
        gt=0,
        description="Milliseconds that reading may take, all queries that are answered together. What is not read then "
        "keeps the order of the first stage, behind what was.",
    )
    on_failure: OnFailure | None = Field(
        default=None,
        description="What a failure, or a budget that does not suffice, leads to: the order of the first stage, named "
        "as `degraded`, or an error. By default the setting `rerank.on_failure`.",
    )


@dataclass(frozen=True)
class Runtime:
    """What a second stage is built around. `items`: the bundle's reranker, None where a stage does not read."""

    role: Role
    items: ItemReranker | None = None
    on_failure: OnFailure = "first_stage"
    clock: Callable[[], float] = time.perf_counter

    def reader(self) -> ItemReranker:
        """The reranker, where a stage cannot do without; ValueError where there is none."""
        if self.items is None:
            raise ValueError("this second stage reads texts, but has no reranker")
        return self.items


@dataclass(frozen=True)
class Degraded:
    """Why an answer is not what was asked for."""

    reason: FailureReason
    detail: str


@dataclass(frozen=True)
class Report:
    """What became of the candidates of one query: the first `n_scored` of the first stage lead the ranking.

    Their scores are the second stage's; those behind them have scores of the first stage, and the two do not compare.
    """

    n_scored: int
    degraded: Degraded | None = None


@dataclass(frozen=True, eq=False)
class Ordered:
    """Candidates in another order. `reports`: one a query, None where every score is the second stage's."""

    ranking: Ranking
    reports: Sequence[Report] | None = None


class SecondStage(Protocol):
    """Orders what another ranker found; safe to call from many threads at once."""

    def order(self, queries: Queries, found: Ranking, k: int) -> Ordered:
        """The k best of the rows of each query; no row comes in and none gets lost within k."""
