"""A click log as the feature ranker learns from it: its pairs, with the features that a request for them would have.

Axes: Q queries of the log, P pairs, K candidates of one query, F features, C categories.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import Field

from bundle.rerankers.pair_features import PairArrays
from training.click_models.learner import ClickTrainingConfig
from training.click_models.log import ClickLog
from training.click_models.table import read_click_log
from training.dataset import Dataset
from training.errors import BadData
from training.evaluate import top_hits
from training.finding import Finding
from training.ragged import IntArray
from training.rerankers.feature_lists import PartFeatures
from training.rows import UNKNOWN, IdRows
from training.score import dot_score
from training.tables import ITEM_ID, QUERY_ID

_MANY_LEFT_OUT = 0.01


class FeatureClicksConfig(ClickTrainingConfig):
    """A click log that the feature ranker learns from in the place of the interactions of the validation part."""

    log: Path = Field(
        description="Click log (.parquet, .jsonl or .csv) of lists that were shown after the training part ends."
    )


@dataclass(frozen=True, eq=False)
class KnownClicks:
    """A click log whose queries and items are rows of the tables; what the tables do not have is masked.

    `query_Q`: query rows, ascending. `place_P`, `item_P`: place in `query_Q` and item row of each pair of the log, -1
    where one of them is unknown. `left_out`: the share of what was shown that is masked for that.
    """

    log: ClickLog
    query_Q: IntArray
    place_P: IntArray
    item_P: IntArray
    left_out: float

    def findings(self) -> list[Finding]:
        """Whether more of the log is unknown than a few old items explain."""
        if self.left_out <= _MANY_LEFT_OUT:
            return []
        return [
            Finding(
                "Much of the click log is unknown",
                f"{self.left_out:.0%} of what was shown names a query or an item that its table does not have, and was "
                "left out. Is the log of the same catalogue, with the same ids?",
            )
        ]


def known_clicks(path: Path, dataset: Dataset) -> KnownClicks:
    """Read a click log; raises InvalidTable as `read_click_log`, and BadData where nothing in it can be learned from.

    Items that are gone are in every log of some age, so what is unknown is left out of its list, and counted.
    """
    log, pairs = read_click_log(path)
    row_P = IdRows.of(dataset.query_ids, "the queries").find(pairs, QUERY_ID, path, drop_unknown=True)
    item_P = IdRows.of(dataset.items.item_ids, "the items").find(pairs, ITEM_ID, path, drop_unknown=True)
    is_known_P = (row_P != UNKNOWN) & (item_P != UNKNOWN)
    mask_QK = log.mask_QK & is_known_P[log.pair_QK]
    known = replace(
        log, mask_QK=mask_QK, click_QK=log.click_QK & mask_QK, position_QK=np.where(mask_QK, log.position_QK, 0)
    )
    if not (known.click_QK.any(1) & (mask_QK.sum(1) > 1)).any():
        raise BadData(
            f"{path}: no shown list has a click and a second item whose query and items are in the tables, so the "
            "feature ranker cannot learn from it; check that the log has the ids of the tables"
        )
    query_Q = np.unique(row_P[is_known_P])
    place_P = np.where(is_known_P, np.searchsorted(query_Q, row_P), UNKNOWN)
    return KnownClicks(
        known, query_Q, place_P, np.where(is_known_P, item_P, UNKNOWN), 1 - float(mask_QK.sum() / log.mask_QK.sum())
    )


def clicked_pairs(features: PartFeatures, clicks: KnownClicks, depth: int, *, exclude_seen: bool) -> PairArrays:
    """Features [P, F] and categories [P, C] of the pairs of the log; NaN and 0 for one that is masked.

    `features`: of the queries of the log, in order. Ranks are those among the first `depth` items of the towers and
    what was shown, because a request has ranks among its candidates, not among the few that are shown in the end.
    """
    spec, part = features.features.spec, features.part
    feature_PF = np.full((clicks.log.n_pairs, len(spec.names)), np.nan, dtype=np.float32)
    category_PC = np.zeros((clicks.log.n_pairs, len(spec.categories)), dtype=np.int64)
    towers, every = dot_score(part.query_QD, part.item_ND), np.arange(len(part.queries), dtype=np.int64)
    items_QK = top_hits(towers, part.queries, every, depth, exclude_seen).items_RK
    order_P = np.argsort(clicks.place_P, kind="stable")
    starts = np.searchsorted(clicks.place_P[order_P], np.arange(len(every) + 1))
    for place in every.tolist():
        pairs = order_P[starts[place] : starts[place + 1]]
        shown, found = clicks.item_P[pairs], items_QK[place][items_QK[place] >= 0]
        one = features.pairs(place, np.concatenate([shown, np.setdiff1d(found, shown)]))
        feature_PF[pairs], category_PC[pairs] = one.feature_MF[: len(shown)], one.category_MC[: len(shown)]
    return PairArrays(feature_PF, category_PC)
