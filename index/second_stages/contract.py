"""What a second stage is: it orders the candidates that the first stage found. B queries, C candidates, S scored."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from pydantic import ConfigDict, Field

from bundle.config import Config
from index.ranking import FloatArray, IntArray, Queries, Ranking
from index.reranked import FailureReason, ItemReranker, padded
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


@dataclass(frozen=True, eq=False)
class Found:
    """The candidates of one query, best first by the first stage; `k` of them are wanted.

    `query` is a batch of this query alone. `until`: when scoring is to end, by the clock of the stage.
    """

    query: Queries
    score_C: FloatArray
    row_C: IntArray
    k: int
    until: float | None = None


class SecondStage(Protocol):
    """Orders what another ranker found; safe to call from many threads at once."""

    def order(self, queries: Queries, found: Ranking, k: int) -> Ordered:
        """The k best of the rows of each query; no row comes in and none gets lost within k."""


def in_order(found: Found, score_S: FloatArray) -> tuple[FloatArray, IntArray]:
    """The k best: the first S candidates by these scores, then the others as they were found.

    Equal scores keep the order of the first stage.
    """
    n_scored = len(score_S)
    order_S = np.argsort(-score_S, kind="stable")
    scores = np.concatenate([score_S[order_S], found.score_C[n_scored:]])[: found.k]
    rows = np.concatenate([found.row_C[:n_scored][order_S], found.row_C[n_scored:]])[: found.k]
    return scores, rows


def candidates(queries: Queries, found: Ranking, b: int, k: int, until: float | None = None) -> Found:
    """The candidates of query b."""
    score_C, row_C = found.of(b, found.rows_BR.shape[1])
    return Found(queries.at([b]), score_C, row_C, k, until)


def ordered(
    best: Sequence[tuple[FloatArray, IntArray]], k: int, found: Ranking, reports: Sequence[Report] | None = None
) -> Ordered:
    """Scores and rows of each query as one ranking."""
    return Ordered(padded(best, k, found.total_B), reports)
