"""Pairs of items that stand in one basket, counted, and without those that say little.

Letters: R interaction rows, T baskets, N items, P pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from bundle.config import Config
from training.errors import BadData
from training.interactions import Interactions
from training.item_pairs.pairs import ItemPairs
from training.item_pairs.synthetic import SyntheticPairsConfig
from training.ragged import BoolArray, FloatArray, IntArray

_COLUMNS = 2048  # items whose pairs are counted at once


class BasketPairsConfig(Config):
    """Every two items of a basket, both ways, in each part of the split by itself."""

    source: Literal["baskets"] = "baskets"
    by: tuple[str, ...] = Field(
        default=("query_id", "timestamp"),
        min_length=1,
        description="Columns of the interactions table that together name a basket, such as an invoice or a session.",
    )
    size_quantile: float = Field(
        default=0.999,
        gt=0,
        le=1,
        description="Baskets and queries with more distinct items than this quantile of those in training have are "
        "left out in every part; 1 keeps all.",
    )
    min_count: int = Field(default=3, ge=1, description="Pairs that fewer baskets of a part hold are left out of it.")
    min_pmi: float | None = Field(
        default=0.0,
        description="Pairs whose pointwise mutual information in a part is lower are left out of it; none if unset.",
    )
    subsample: float | None = Field(
        default=None,
        gt=0,
        description="Share of all occurrences above which an item's pairs weigh less, by sqrt(subsample / share) for "
        "each of the two; they all weigh their count if unset.",
    )
    synthetic: SyntheticPairsConfig | None = Field(
        default=None, description="Training pairs added for items like those of a pair; none if unset."
    )


@dataclass(frozen=True)
class SizeLimits:
    """The most distinct items that a basket, and a query over all its baskets, may have."""

    basket: float
    query: float


@dataclass(frozen=True)
class Baskets:
    """Which basket and query each of R rows belongs to, and its item; every row is a basket's distinct item."""

    basket_R: IntArray
    query_R: IntArray
    item_R: IntArray

    @classmethod
    def of(cls, interactions: Interactions, rows: IntArray, by: Sequence[str]) -> "Baskets":
        """Group the given rows; an item stands in a basket once. Raises BadData for a column that is not there."""
        basket_R = np.zeros(len(rows), dtype=np.int64)
        for name in by:
            if name not in interactions.table.column_names:
                has = ", ".join(interactions.table.column_names)
                raise BadData(f"data.pairs.by names the column '{name}', but the interactions have: {has}")
            codes = interactions.table[name].combine_chunks().dictionary_encode().indices
            code_R = codes.fill_null(-1).to_numpy().astype(np.int64)[rows] + 1
            _, basket_R = np.unique(basket_R * (int(code_R.max(initial=0)) + 1) + code_R, return_inverse=True)
        item_R = interactions.item_N[rows]
        width = int(item_R.max(initial=0)) + 1
        _, first = np.unique(basket_R * width + item_R, return_index=True)
        return cls(basket_R[first], interactions.query_N[rows][first], item_R[first])

    def limits(self, quantile: float) -> SizeLimits:
        """That quantile of the distinct items of the baskets, and of the queries."""
        if len(self.item_R) == 0:
            return SizeLimits(np.inf, np.inf)
        of_baskets, of_queries = self._sizes()
        return SizeLimits(*(float(np.quantile(sizes[sizes > 0], quantile)) for sizes in (of_baskets, of_queries)))

    def within(self, limits: SizeLimits) -> "Baskets":
        """Without the baskets and queries that are larger."""
        of_baskets, of_queries = self._sizes()
        small_R = of_baskets[self.basket_R] <= limits.basket
        return self.select(small_R & (of_queries[self.query_R] <= limits.query))

    def select(self, keep_R: BoolArray) -> "Baskets":
        """Only the rows marked True."""
        return Baskets(self.basket_R[keep_R], self.query_R[keep_R], self.item_R[keep_R])

    def __len__(self) -> int:
        """The baskets that have an item."""
        return len(np.unique(self.basket_R))

    def _sizes(self) -> tuple[IntArray, IntArray]:
        width = int(self.item_R.max(initial=0)) + 1
        pairs = np.unique(self.query_R * width + self.item_R)
        return np.bincount(self.basket_R), np.bincount(pairs // width)


@dataclass(frozen=True)
class PairCounts:
    """What counting found: the kept pairs, baskets that hold each item [N], and the pairs left out by reason."""

    pairs: ItemPairs
    baskets_N: IntArray
    dropped_rare: int
    dropped_pmi: int


def count_pairs(baskets: Baskets, n_items: int, min_count: int, min_pmi: float | None) -> PairCounts:
    """All ordered pairs of two different items of a basket, with how many baskets hold both; no window.

    Memory is that of the kept pairs and of 2048 columns of counts.
    """
    n_baskets = len(baskets)
    _, row_R = np.unique(baskets.basket_R, return_inverse=True)
    ones_R = np.ones(len(row_R), dtype=np.int64)
    held_TN = sparse.csc_array((ones_R, (row_R, baskets.item_R)), shape=(n_baskets, n_items))
    baskets_N = np.diff(held_TN.indptr).astype(np.int64)
    parts, rare, unlikely = [], 0, 0
    for start in range(0, n_items, _COLUMNS):
        together = sparse.coo_array(held_TN.T @ held_TN[:, start : start + _COLUMNS])
        other_P, item_P, count_P = together.row.astype(np.int64), together.col + np.int64(start), together.data
        two_P = item_P != other_P
        often_P = two_P & (count_P >= min_count)
        rare += int(two_P.sum() - often_P.sum())
        pairs = ItemPairs(item_P, other_P, count_P).select(often_P)
        if min_pmi is not None:
            likely_P = pmi(pairs, baskets_N, n_baskets) >= min_pmi
            unlikely += int((~likely_P).sum())
            pairs = pairs.select(likely_P)
        parts.append(pairs)
    return PairCounts(ItemPairs.together(parts, n_items), baskets_N, rare, unlikely)


def pmi(pairs: ItemPairs, baskets_N: IntArray, n_baskets: int) -> FloatArray:
    """Pointwise mutual information [P] of finding both items in a basket: ln((n_ab / T) / ((n_a / T) (n_b / T)))."""
    expected_P = baskets_N[pairs.item_P] * baskets_N[pairs.other_P] / n_baskets
    pmi_P: FloatArray = np.log(pairs.count_P / expected_P).astype(np.float32)
    return pmi_P
