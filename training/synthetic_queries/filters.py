"""Which synthetic pairs are kept, and how many each filter took away.

Order: leaks, equal texts, near-duplicates, scores, round trip. Each pair is counted by the first that drops it.

Letters: S synthetic pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import Field

from bundle.config import Config
from bundle.progress import Progress
from training.dataset import Dataset
from training.ragged import BoolArray, IntArray
from training.splits import Split
from training.synthetic_queries.leaks import find_leaks, query_texts
from training.synthetic_queries.pairs import Pair, normalise
from training.synthetic_queries.round_trip import round_trip
from training.synthetic_queries.similarity import Encode, char_grams, near_duplicates
from training.synthetic_queries.texts import ItemTexts


class FilterConfig(Config):
    """What a pair must be to be kept. The leak test has no switch."""

    near_duplicate_cosine: float = Field(
        default=0.95,
        gt=0,
        le=1,
        description="A query closer than this to an earlier one is a near-duplicate, and to a held-out query of its "
        "item a leak; 1 drops equal texts only.",
    )
    duplicates_of: Literal["item", "catalogue"] = Field(
        default="item",
        description="'item': duplicates are looked for among the queries of one item, and a text that several items "
        "share stays; 'catalogue': among all queries, which takes time by the square of their number.",
    )
    min_score: float | None = Field(
        default=None, description="Pairs with a lower score are dropped, those without one kept; none if unset."
    )
    round_trip_k: int = Field(
        default=20, ge=0, description="A pair's item must be in the first k hits of BM25 for its query; 0 asks nothing."
    )


@dataclass(frozen=True)
class Filtered:
    """The kept pairs in their order, and how many each filter dropped."""

    pairs: list[Pair]
    dropped: dict[str, int]


class _Sieve:
    """Takes pairs away step by step and counts them."""

    def __init__(self, pairs: Sequence[Pair], item_S: IntArray) -> None:
        self.pairs, self.item_S = list(pairs), item_S
        self.dropped: dict[str, int] = {}

    def drop(self, name: str, drop_S: BoolArray) -> None:
        self.dropped[name] = int(drop_S.sum())
        self.pairs = [pair for pair, drop in zip(self.pairs, drop_S.tolist(), strict=True) if not drop]
        self.item_S = self.item_S[~drop_S]


def apply_filters(
    config: FilterConfig,
    pairs: Sequence[Pair],
    items: ItemTexts,
    dataset: Dataset,
    split: Split,
    feature: str,
    progress: Progress,
    encode: Encode = char_grams,
) -> Filtered:
    """Filter pairs of `items`; `encode` turns texts into unit rows for the cosines.

    Pairs without a score receive that of the round trip, where there is one. Raises ConfigError.
    """
    rows = {item_id: row for row, item_id in enumerate(dataset.items.item_ids)}
    sieve = _Sieve(pairs, np.array([rows[pair.item_id] for pair in pairs], dtype=np.int64))
    leaks = find_leaks(pairs, sieve.item_S, dataset, split, feature, config.near_duplicate_cosine, encode)
    drop_S = leaks.text_S
    sieve.drop("leak_text", drop_S)
    sieve.drop("leak_pair", leaks.pair_S[~drop_S])
    sieve.drop("duplicate", _repeats(config, sieve, _real_pairs(dataset, split, feature)))
    group_S = sieve.item_S if config.duplicates_of == "item" else np.zeros_like(sieve.item_S)
    texts = [normalise(pair.query_text) for pair in sieve.pairs]
    near_S = np.zeros(len(texts), dtype=np.bool_)
    if texts and config.near_duplicate_cosine < 1:
        near_S = near_duplicates(encode(texts), group_S, config.near_duplicate_cosine)
    sieve.drop("near_duplicate", near_S)
    least = -np.inf if config.min_score is None else config.min_score
    sieve.drop("low_score", np.array([p.score is not None and p.score < least for p in sieve.pairs], dtype=np.bool_))
    if config.round_trip_k > 0:
        _round_trip(config.round_trip_k, sieve, items, progress)
    return Filtered(sieve.pairs, sieve.dropped)


def _real_pairs(dataset: Dataset, split: Split, feature: str) -> set[tuple[str, int]]:
    """Text and item of the training pairs that people made: to say them again adds nothing."""
    texts, data = query_texts(dataset, feature), dataset.interactions
    query_N, item_N = data.query_N[split.train_N].tolist(), data.item_N[split.train_N].tolist()
    normal = {row: normalise(texts[row]) for row in set(query_N)}
    return {(normal[query], item) for query, item in zip(query_N, item_N, strict=True)}


def _repeats(config: FilterConfig, sieve: _Sieve, real: set[tuple[str, int]]) -> BoolArray:
    seen: set[object] = set()
    repeat_S = np.zeros(len(sieve.pairs), dtype=np.bool_)
    for row, (pair, item) in enumerate(zip(sieve.pairs, sieve.item_S.tolist(), strict=True)):
        text = normalise(pair.query_text)
        key: object = (text, item) if config.duplicates_of == "item" else text
        repeat_S[row] = key in seen or (text, item) in real
        seen.add(key)
    return repeat_S


def _round_trip(k: int, sieve: _Sieve, items: ItemTexts, progress: Progress) -> None:
    place = {item_id: row for row, item_id in enumerate(items.item_ids)}
    place_S = np.array([place[pair.item_id] for pair in sieve.pairs], dtype=np.int64)
    both = [f"{title}\n{text}" for title, text in zip(items.titles, items.texts, strict=True)]
    found = round_trip([pair.query_text for pair in sieve.pairs], place_S, both, progress)
    sieve.pairs = [
        replace(pair, score=score) if pair.score is None else pair
        for pair, score in zip(sieve.pairs, found.score_S.tolist(), strict=True)
    ]
    sieve.drop("round_trip", (found.rank_S > k) | (found.score_S <= 0))
