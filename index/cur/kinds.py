"""The kinds of cross-encoder search: what is built for one, and how it spends a budget of calls.

N corpus, Q anchor queries, I anchor items, P pool.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bundle.config import Config
from index.cur.adacur import adacur
from index.cur.anncur import REGULARISED, anncur, check_anchors, condition_number, embed_over_anchors
from index.cur.paid_scores import FloatArray, IntArray, PaidScores
from index.cur.prior import DensePrior


class AnchorSettings(Config):
    """What every kind needs: the scores of anchor queries for the whole catalogue."""

    queries: Path = Field(description="Table of query records to draw the anchor queries from.")
    n_queries: int = Field(default=500, ge=2, description="Anchor queries, at most.")
    max_calls: int = Field(
        default=1_000_000,
        ge=1,
        description="Pairs that the build may have scored, anchor queries times items; MiniLM scores some fifty short "
        "pairs a second on a processor core, so a million takes hours.",
    )


class CurSearch(Protocol):
    """Spends a query's budget; safe to call from many threads."""

    @property
    def anchor_rows(self) -> IntArray:
        """Rows that are scored for every query, whether they may be hits or not; a budget must be larger."""

    def pool(self, n_items: int) -> int:
        """How many of the best dense rows it wants to choose from."""

    def spend(self, rows_P: IntArray, dense_P: FloatArray, paid: PaidScores) -> None:
        """Spend what is left on rows of the pool, which stands best dense score first."""


class AdacurKind(AnchorSettings):
    """Anchor items of each query's own, found in rounds among the best dense hits."""

    kind: Literal["adacur"] = "adacur"
    rounds: int = Field(default=5, ge=1, description="Rounds; the first scores the best dense hits.")
    pool: int = Field(default=2_000, ge=1, description="Best dense hits that the rounds choose from.")
    rcond: float = Field(
        default=0.05,
        ge=REGULARISED,
        lt=1,
        description="Singular values below this share of the largest count as zero; scores of few items would "
        "otherwise be blown up.",
    )

    def check(self, n_queries: int, n_items: int) -> None:
        """Any numbers of anchor queries and items will do: `rcond` is never too small."""

    def fit(self, score_NQ: FloatArray, dense_NQ: FloatArray, seed: int) -> "tuple[FloatArray, CurReport]":
        """The array that is stored, float32 [N, Q], and the report: scores beyond the guess from dense scores."""
        prior = DensePrior.fit(dense_NQ, score_NQ)
        beyond_NQ = (score_NQ - prior(dense_NQ)).astype(np.float32)
        wide_NQ = beyond_NQ.astype(np.float64)
        condition = condition_number(wide_NQ.T @ wide_NQ) ** 0.5
        return beyond_NQ, _report(self, score_NQ, condition, prior=prior)

    def open(self, beyond_NQ: FloatArray, report: "CurReport") -> CurSearch:
        """Ready to spend."""
        return _Adacur(self, beyond_NQ, report.prior)


class AnncurKind(AnchorSettings):
    """The same anchor items for all queries, drawn at random, and an embedding of every item over them."""

    kind: Literal["anncur"] = "anncur"
    n_items: int = Field(default=50, ge=1, description="Anchor items; every query pays for them first.")
    rcond: float = Field(
        default=0.05, ge=0, lt=1, description="Singular values below this share of the largest count as zero."
    )

    @model_validator(mode="after")
    def _is_stable(self) -> "AnncurKind":
        check_anchors(self.n_queries, self.n_items, self.rcond)
        return self

    def check(self, n_queries: int, n_items: int) -> None:
        """Raise ValueError as `check_anchors` for the numbers that there are."""
        check_anchors(n_queries, min(self.n_items, n_items), self.rcond)

    def fit(self, score_NQ: FloatArray, dense_NQ: FloatArray, seed: int) -> "tuple[FloatArray, CurReport]":
        """The array that is stored, float32 [N, I], and the report; ValueError as `check_anchors`."""
        n_anchors = min(self.n_items, len(score_NQ))
        rows_I = np.sort(np.random.default_rng(seed).choice(len(score_NQ), n_anchors, replace=False))
        prior = DensePrior(slope=0, intercept=float(score_NQ.mean(dtype=np.float64)))
        made = embed_over_anchors(score_NQ - np.float32(prior.intercept), rows_I, self.rcond)
        report = _report(self, score_NQ, made.condition, anchor_rows=tuple(rows_I.tolist()), prior=prior)
        return made.embedding_NI.astype(np.float32), report

    def open(self, embedding_NI: FloatArray, report: "CurReport") -> CurSearch:
        """Ready to spend."""
        return _Anncur(embedding_NI, report.prior.intercept, np.array(report.anchor_rows, dtype=np.int64))


CurKind = Annotated[AdacurKind | AnncurKind, Field(discriminator="kind")]


class CurReport(Config):
    """What was built for the search of one version."""

    kind: CurKind = Field(description="The settings.")
    n_queries: int = Field(ge=1, description="Anchor queries.")
    calls: int = Field(ge=1, description="Pairs that the cross-encoder scored.")
    condition: float | None = Field(
        description="Largest over smallest singular value of the anchors' scores; null where the smallest is zero."
    )
    anchor_rows: tuple[int, ...] = Field(
        default=(), description="Rows of the anchor items, where all queries share them."
    )
    prior: DensePrior = Field(description="First guess at a score; what is stored is about what goes beyond it.")


@dataclass(frozen=True, eq=False)
class _Adacur:
    kind: AdacurKind
    beyond_NQ: FloatArray
    prior: DensePrior

    @property
    def anchor_rows(self) -> IntArray:
        return np.empty(0, dtype=np.int64)

    def pool(self, n_items: int) -> int:
        return min(self.kind.pool, n_items)

    def spend(self, rows_P: IntArray, dense_P: FloatArray, paid: PaidScores) -> None:
        beyond_PQ: NDArray[np.float32] = self.beyond_NQ[rows_P]
        adacur(beyond_PQ, self.prior(dense_P), rows_P, paid, self.kind.rounds, self.kind.rcond)


@dataclass(frozen=True, eq=False)
class _Anncur:
    embedding_NI: FloatArray
    mean: float
    anchor_rows: IntArray

    def pool(self, n_items: int) -> int:
        return n_items

    def spend(self, rows_P: IntArray, dense_P: FloatArray, paid: PaidScores) -> None:
        anncur(self.embedding_NI, self.mean, self.anchor_rows, np.sort(rows_P), paid)


def _report(
    kind: "AdacurKind | AnncurKind",
    score_NQ: FloatArray,
    condition: float,
    *,
    prior: DensePrior,
    anchor_rows: tuple[int, ...] = (),
) -> CurReport:
    return CurReport(
        kind=kind,
        n_queries=score_NQ.shape[1],
        calls=score_NQ.size,
        condition=condition if np.isfinite(condition) else None,
        anchor_rows=anchor_rows,
        prior=prior,
    )
