"""What of the synthetic pairs would tell the model what it is later measured on.

Letters: S synthetic pairs, H held-out interactions, P candidate pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bundle.errors import ConfigError
from training.dataset import Dataset
from training.ragged import BoolArray, IntArray, Ragged
from training.splits import Split
from training.synthetic_queries.pairs import Pair, normalise
from training.synthetic_queries.similarity import Encode, char_grams, pair_cosines


@dataclass(frozen=True)
class Leaks:
    """Why a pair leaks, True [S] each.

    `text_S`: its text, normalised, is a query of the validation or test part. `pair_S`: its text is nearly that of a
    held-out query whose item it has, so it is that held-out pair in other words.
    """

    text_S: BoolArray
    pair_S: BoolArray


def query_texts(dataset: Dataset, feature: str) -> list[str]:
    """The text of every query, "" where it has none; raises ConfigError when the queries have no such column."""
    queries = dataset.queries
    if queries.table is None or feature not in queries.table.column_names:
        raise ConfigError(
            f"synthetic queries are texts for the query feature '{feature}', but {queries.source} gives queries only: "
            f"{', '.join(queries.feature_names)}; add the column to a queries table"
        )
    return [value if isinstance(value, str) else "" for value in queries.table[feature].to_pylist()]


def find_leaks(
    pairs: Sequence[Pair],
    item_S: IntArray,
    dataset: Dataset,
    split: Split,
    feature: str,
    cosine: float,
    encode: Encode = char_grams,
) -> Leaks:
    """Compare the pairs, whose item rows are `item_S`, with everything held out; `cosine` is what "nearly" means."""
    texts = query_texts(dataset, feature)
    held_H = np.concatenate([split.validation_N, split.test_N])
    query_H, held_item_H = dataset.interactions.query_N[held_H], dataset.interactions.item_N[held_H]
    held_texts = {row: normalise(texts[row]) for row in np.unique(query_H).tolist()}
    known = set(held_texts.values()) - {""}
    own = [normalise(pair.query_text) for pair in pairs]
    text_S = np.array([text in known for text in own], dtype=np.bool_)

    # Every synthetic pair beside every held-out query of the same item.
    queries_of = Ragged.group_unique(held_item_H, query_H, len(dataset.items)).take(item_S)
    pair_P, query_P = queries_of.row_index_V, queries_of.values_V
    pair_S = np.zeros(len(pairs), dtype=np.bool_)
    if len(pair_P) > 0:
        used_S, left_P = np.unique(pair_P, return_inverse=True)
        used_Q, right_P = np.unique(query_P, return_inverse=True)
        rows = encode([own[row] for row in used_S.tolist()] + [held_texts[row] for row in used_Q.tolist()])
        close_P = pair_cosines(rows, left_P, len(used_S) + right_P) > cosine
        pair_S[pair_P[close_P]] = True
    return Leaks(text_S, pair_S & ~text_S)
