"""Training examples: encoded query records with the item rows they should find.

Letters: N examples, T interactions used as targets.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from bundle.config import Config
from bundle.featurize import Featurizer
from training.dataset import Dataset
from training.errors import BadData
from training.example_records import ExampleRecords, encode_examples
from training.histories import Ties, Timelines
from training.ragged import FloatArray, IntArray, Ragged
from training.records import history_limit


class ExampleConfig(Config):
    """How interactions become training examples."""

    kind: Literal["interaction", "query"] = Field(
        default="interaction",
        description="'interaction': one example an interaction, with it as the target; "
        "'query': one example a query, with all its items as targets.",
    )
    history_feature: str | None = Field(
        default=None,
        description="Name of the query feature that receives the item ids of earlier interactions, oldest first.",
    )
    history_ties: Ties = Field(
        default="order",
        description="'order': interactions with the target's timestamp but an earlier row may stand in its history; "
        "'exclude': only strictly earlier timestamps may.",
    )
    repeats: Literal["keep", "drop"] = Field(
        default="keep",
        description="'drop': no example whose target the query had before; use it when evaluation excludes seen items.",
    )
    min_history: int = Field(default=0, ge=0, description="Examples with fewer earlier interactions are left out.")
    positives: int | None = Field(
        default=None,
        ge=1,
        description="Targets drawn a step, in proportion to their grade, for an example that has more; all if unset.",
    )

    @model_validator(mode="after")
    def _history_needs_a_moment(self) -> "ExampleConfig":
        if self.kind == "query" and (self.history_feature or self.min_history or self.repeats == "drop"):
            raise ValueError(
                "kind = 'query' takes all items of a query as targets, so none is left for a history; "
                "use kind = 'interaction' with history_feature, min_history and repeats"
            )
        return self


@dataclass(frozen=True)
class Examples:
    """N training examples.

    `targets`: the positive item rows of each example; `grade_V`: the grade of each target, 1 where the table gives
    none, the largest of a repeated one. `weight_N`: weight of each example, 1 where the table gives none, the mean of
    the targets' weights for kind "query". `encoded`: the query records, one an example. `left_out`: interactions that
    became no target, because of `repeats` or `min_history`.
    """

    query_rows_N: IntArray
    targets: Ragged
    weight_N: FloatArray
    encoded: ExampleRecords
    left_out: int
    grade_V: FloatArray

    def __len__(self) -> int:
        return len(self.query_rows_N)


def build_examples(dataset: Dataset, rows: IntArray, config: ExampleConfig, featurizer: Featurizer) -> Examples:
    """Examples of the given interaction rows, in their order; histories hold only these rows.

    Raises BadData when no example is left or grades cannot be the shares of a draw, InvalidTable when a feature of a
    query is bad.
    """
    if config.kind == "query":
        if config.positives is not None:
            _check_grades_weigh(dataset, rows)
        return _by_query(dataset, rows, featurizer)
    interactions = dataset.interactions
    query_T, item_T = interactions.query_N[rows], interactions.item_N[rows]
    timelines = Timelines.of(interactions, rows, len(dataset.query_ids))
    end_T = timelines.ends_before(rows, config.history_ties)
    keep_T = end_T - timelines.start_Q[query_T] >= config.min_history
    if config.repeats == "drop":
        keep_T &= ~timelines.had_before(query_T, item_T, end_T)
    if not keep_T.any():
        raise BadData(f"none of {len(rows)} interactions became an example; lower min_history or keep repeats")
    query_N, item_N = query_T[keep_T], item_T[keep_T]
    history = None
    if config.history_feature is not None:
        limit = history_limit(featurizer, config.history_feature)
        history = timelines.histories(query_N, end_T[keep_T], limit)
    return Examples(
        query_N,
        Ragged(np.arange(len(query_N) + 1, dtype=np.int64), item_N),
        _or_ones(interactions.weight_N, rows)[keep_T],
        encode_examples(dataset, query_N, featurizer, config.history_feature, history),
        left_out=int((~keep_T).sum()),
        grade_V=_or_ones(interactions.grade_N, rows)[keep_T],
    )


def _check_grades_weigh(dataset: Dataset, rows: IntArray) -> None:
    grade_T = _or_ones(dataset.interactions.grade_N, rows)
    if (grade_T < 0).any():
        raise BadData(
            f"examples.positives draws targets in proportion to their grades, but {int((grade_T < 0).sum())} of "
            f"{len(rows)} grades are negative; shift the grades, set data.positive_above to 0, or leave positives out"
        )


def _by_query(dataset: Dataset, rows: IntArray, featurizer: Featurizer) -> Examples:
    interactions = dataset.interactions
    query_T, item_T = interactions.query_N[rows], interactions.item_N[rows]
    query_N, of_T = np.unique(query_T, return_inverse=True)
    if len(query_N) == 0:
        raise BadData("there is no interaction to make examples of")
    weight_N = np.bincount(of_T, _or_ones(interactions.weight_N, rows)) / np.bincount(of_T)
    targets = Ragged.group_unique(of_T, item_T, len(query_N))
    grade_V = np.full(len(targets.values_V), -np.inf, dtype=np.float32)
    width = len(dataset.items)
    place_T = np.searchsorted(targets.row_index_V * width + targets.values_V, of_T * width + item_T)
    np.maximum.at(grade_V, place_T, _or_ones(interactions.grade_N, rows))
    return Examples(
        query_N,
        targets,
        weight_N.astype(np.float32),
        encode_examples(dataset, query_N, featurizer, None, None),
        left_out=0,
        grade_V=grade_V,
    )


def _or_ones(value_N: FloatArray | None, rows: IntArray) -> FloatArray:
    return np.ones(len(rows), dtype=np.float32) if value_N is None else value_N[rows]
