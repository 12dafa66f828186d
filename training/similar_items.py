"""Items that are like an item, by a text or a given vector.

Letters: N items, B items of a block, K neighbours of an item, D vector.
"""

import numpy as np
import pyarrow as pa

from bundle.items import Items
from training.errors import BadData
from training.item_pairs.synthetic import Neighbours, SyntheticPairsConfig
from training.synthetic_queries.similarity import Rows, char_grams

_BLOCK = 1024


def nearest_items(items: Items, config: SyntheticPairsConfig) -> Neighbours:
    """The nearest items of every item, itself left out; raises BadData unless the column holds texts or vectors."""
    rows = _unit_rows(items, config.column)
    n_items, k = len(items), min(config.neighbours, len(items) - 1)
    item_NK = np.zeros((n_items, k), dtype=np.int64)
    similarity_NK = np.zeros((n_items, k), dtype=np.float32)
    for start in range(0, n_items, _BLOCK):
        product = rows[start : start + _BLOCK] @ rows.T
        cosine_BN = product if isinstance(product, np.ndarray) else product.toarray()
        own_B = np.arange(len(cosine_BN))
        cosine_BN[own_B, start + own_B] = -1.0
        best_BK = np.argsort(-cosine_BN, axis=1, kind="stable")[:, :k]
        item_NK[start : start + _BLOCK] = best_BK
        similarity_NK[start : start + _BLOCK] = np.take_along_axis(cosine_BN, best_BK, axis=1)
    similarity_NK[(similarity_NK < config.min_similarity) | (similarity_NK < 0)] = 0.0
    return Neighbours(item_NK, np.minimum(similarity_NK, 1.0))


def _unit_rows(items: Items, column: str) -> Rows:
    if column not in items.table.column_names:
        has = ", ".join(items.table.column_names)
        raise BadData(f"data.pairs.synthetic.column = '{column}', but {items.source} has the columns: {has}")
    values = items.table[column]
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return char_grams([text or "" for text in values.to_pylist()])
    if not (pa.types.is_list(values.type) or pa.types.is_fixed_size_list(values.type)):
        raise BadData(f"column '{column}' of {items.source} holds {values.type}; items are alike by texts or vectors")
    vectors_ND = np.array(values.to_pylist(), dtype=np.float32)
    norm_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return vectors_ND / np.where(norm_N1 > 0, norm_N1, 1)
