"""Pairs of items that a relations table states: one way only, each as it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from bundle.config import Config
from training.errors import BadData
from training.tables import ITEM_ID, QUERY_ID, RELATED_ID, RELATION, SPLIT, TIMESTAMP, WEIGHT


class RelationPairsConfig(Config):
    """Rows of the relations table: who has `item_id` is asked for `related_id`.

    Its columns `split`, `timestamp` and `weight` mean what they mean in an interactions table.
    """

    source: Literal["relations"] = "relations"
    relations: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Names of the relations that count; all if unset."
    )


@dataclass(frozen=True)
class StatedPairs:
    """Interactions of items with items, in the order of the relations, and how many rows were dropped and why."""

    table: pa.Table
    dropped: Mapping[str, int]


def stated_pairs(relations: pa.Table, config: RelationPairsConfig) -> StatedPairs:
    """The rows of the wanted relations as `query_id` and `item_id`; no item with itself, of a repeated pair the first.

    Raises BadData when no row has one of the relations.
    """
    wanted = relations
    if config.relations is not None:
        wanted = relations.filter(pc.is_in(relations[RELATION], pa.array(config.relations)))
    if wanted.num_rows == 0:
        has = ", ".join(sorted(pc.unique(relations[RELATION]).to_pylist()))
        raise BadData(f"no row of the relations table is one of data.pairs.relations; it has: {has or 'no row'}")
    others = wanted.filter(pc.not_equal(wanted[ITEM_ID], wanted[RELATED_ID]))
    first: dict[tuple[str, str], int] = {}
    for row, pair in enumerate(zip(others[ITEM_ID].to_pylist(), others[RELATED_ID].to_pylist(), strict=True)):
        first.setdefault(pair, row)
    kept = others.take(pa.array(np.array(list(first.values()), dtype=np.int64)))
    columns = {QUERY_ID: kept[ITEM_ID], ITEM_ID: kept[RELATED_ID]}
    columns |= {name: kept[name] for name in (SPLIT, TIMESTAMP, WEIGHT) if name in kept.column_names}
    dropped = {
        "dropped_other_relations": relations.num_rows - wanted.num_rows,
        "dropped_self_pairs": wanted.num_rows - others.num_rows,
        "dropped_repeated_pairs": others.num_rows - kept.num_rows,
    }
    return StatedPairs(pa.table(columns), dropped)
