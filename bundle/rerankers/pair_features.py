"""Features of a query and an item together, computed alike in training, in an index build and for a request.

M items of one query, N items of a catalogue, S numbers of an item, C categories of an item, L levels, H history of the
query, F features, D embedding. NaN stands for what is not known; the graph of the ranker reads it as such.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bundle.columns import Array
from bundle.config import Config
from bundle.features import CategoryFeature, FeatureName, NumberFeature
from bundle.featurize import Featurizer
from bundle.rerankers.item_statistics import ItemStatistics
from bundle.vocabulary import MISSING

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
ItemAttribute = Annotated[NumberFeature | CategoryFeature, Field(discriminator="kind")]


class PairFeatureSpec(Config):
    """Which features there are."""

    item: tuple[ItemAttribute, ...] = Field(default=(), description="Number and category columns of an item.")
    history_field: FeatureName | None = Field(
        default=None, description="Field of a query record with the ids of earlier items, oldest first."
    )
    history_length: int = Field(default=30, ge=1, description="Ids read from the end of that field.")
    has_times: bool = Field(default=False, description="Whether interactions had times, so that items have an age.")
    levels: int = Field(default=0, ge=0, description="Levels of the semantic IDs; 0 without.")
    reads_repeats: bool = Field(
        default=False,
        description="Whether how often the query had the item is a feature; where such items can be hits.",
    )

    @property
    def numbers(self) -> list[str]:
        """Names of the numbers of an item, in order."""
        aged = ["log_recent_count", "log_days_since_last"] if self.has_times else []
        return ["log_count", *aged, *(one.name for one in self.item if isinstance(one, NumberFeature))]

    @property
    def categories(self) -> list[str]:
        """Names of the categories of an item, in order."""
        return [one.name for one in self.item if isinstance(one, CategoryFeature)]

    @property
    def names(self) -> list[str]:
        """Names of all features, in order."""
        names = ["score", "score_below_best", "log_rank", *self.numbers]
        names += ["levels_of_query"] if self.levels else []
        return names if self.history_field is None else [*names, *self.in_common, "log_history"]

    @property
    def in_common(self) -> list[str]:
        """Names of what an item has in common with the history, in order."""
        levels = ["levels_max", "levels_mean"] if self.levels else []
        categories = [f"share_of_same_{name}" for name in self.categories]
        repeats = ["times_had"] if self.reads_repeats else []
        return ["similarity_max", "similarity_mean", *levels, *categories, *repeats]


@dataclass(frozen=True, eq=False)
class ItemSide:
    """What the features read of the items of a catalogue, by row; arrays may be mapped."""

    vectors_ND: FloatArray
    number_NS: FloatArray
    category_NC: IntArray
    code_NL: IntArray


@dataclass(frozen=True, eq=False)
class AskingQuery:
    """One query: its embedding, its own codes (none without semantic IDs), rows of its history, oldest first."""

    vector_D: FloatArray
    code_L: IntArray
    history_H: IntArray


@dataclass(frozen=True, eq=False)
class PairArrays:
    """What the graph of the ranker reads of M items of one query."""

    feature_MF: FloatArray
    category_MC: IntArray


class PairFeatures:
    """The features of one spec; safe to call from many threads."""

    def __init__(self, spec: PairFeatureSpec, item_featurizer: Featurizer) -> None:
        """`item_featurizer`: over `spec.item`."""
        self.spec = spec
        self.item_featurizer = item_featurizer

    def item_arrays(self, statistics: ItemStatistics, encoded: Mapping[str, Array]) -> tuple[FloatArray, IntArray]:
        """`number_NS` and `category_NC` of items, whose columns `item_featurizer` encoded."""
        columns = [np.log1p(statistics.count_I)]
        if self.spec.has_times:
            columns += [np.log1p(statistics.recent_I), np.log1p(np.maximum(statistics.days_since_last(), 0))]
        for name in self.spec.numbers[len(columns) :]:
            value_N, is_missing_N = encoded[name].T
            columns.append(np.where(is_missing_N > 0, np.nan, value_N))
        categories = [encoded[name] for name in self.spec.categories]
        category_NC = np.stack(categories, axis=1) if categories else np.empty((len(statistics), 0), dtype=np.int64)
        return np.stack(columns, axis=1).astype(np.float32), category_NC

    def pairs(self, query: AskingQuery, items: ItemSide, rows_M: IntArray) -> PairArrays:
        """The features of these rows for one query, each once; ranks and the best score are those among `rows_M`."""
        vectors_MD = np.asarray(items.vectors_ND[rows_M])
        score_M = vectors_MD @ query.vector_D
        columns = [score_M, score_M - score_M.max(initial=-np.inf), np.log1p(_better(score_M))]
        columns += list(np.asarray(items.number_NS[rows_M]).T)
        code_ML = np.asarray(items.code_NL[rows_M])
        if self.spec.levels:
            columns.append(_shared_levels(code_ML, query.code_L[None])[:, 0])
        category_MC = np.asarray(items.category_NC[rows_M])
        if self.spec.history_field is not None:
            columns += self._of_history(query, items, rows_M, vectors_MD, code_ML, category_MC)
        return PairArrays(np.stack(columns, axis=1).astype(np.float32), category_MC)

    def _of_history(
        self,
        query: AskingQuery,
        items: ItemSide,
        rows_M: IntArray,
        vectors_MD: FloatArray,
        code_ML: IntArray,
        category_MC: IntArray,
    ) -> list[FloatArray]:
        """What the items have in common with those of the history; NaN where the query has none."""
        history_H = query.history_H[-self.spec.history_length :]
        length = np.full(len(rows_M), np.log1p(len(history_H)), dtype=np.float32)
        if len(history_H) == 0:
            unknown = np.full(len(rows_M), np.nan, dtype=np.float32)
            return [unknown] * len(self.spec.in_common) + [length]
        similarity_MH = vectors_MD @ np.asarray(items.vectors_ND[history_H]).T
        columns = [similarity_MH.max(axis=1), similarity_MH.mean(axis=1)]
        if self.spec.levels:
            levels_MH = _shared_levels(code_ML, np.asarray(items.code_NL[history_H]))
            columns += [levels_MH.max(axis=1), levels_MH.mean(axis=1)]
        category_HC = np.asarray(items.category_NC[history_H])
        same_MHC = (category_MC[:, None] == category_HC[None]) & (category_HC > MISSING)
        columns += list(same_MHC.mean(axis=1, dtype=np.float32).T)
        if self.spec.reads_repeats:
            columns.append((rows_M[:, None] == history_H[None]).sum(axis=1))
        return [*columns, length]


def _better(score_M: FloatArray) -> IntArray:
    """How many of the items have a larger score: the rank, counted from 0, which equal scores share."""
    ascending_M = np.sort(score_M)
    return len(score_M) - np.searchsorted(ascending_M, score_M, side="right")


def _shared_levels(code_ML: IntArray, code_HL: IntArray) -> IntArray:
    """Length of the common prefix of every two codes, int64 [M, H]."""
    same_MHL = code_ML[:, None] == code_HL[None]
    levels_MH: IntArray = np.cumprod(same_MHL, axis=2).sum(axis=2)
    return levels_MH
