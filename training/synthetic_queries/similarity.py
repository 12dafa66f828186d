"""How alike two texts are: the cosine of their weighted character n-grams, or of any encoder's embeddings.

Letters: N texts, F n-gram buckets, B texts of a block, P pairs.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from training.ragged import BoolArray, FloatArray, IntArray

Rows: TypeAlias = Any  # unit rows [N, F]: a sparse array, or a dense one
Encode = Callable[[Sequence[str]], Rows]

_BLOCK = 1024
_SMALL = 64  # texts of a group that are compared pair by pair


def char_grams(texts: Sequence[str]) -> sparse.csr_array:
    """Unit rows [N, F] of the character 3- to 5-grams within words, hashed, weighted by their idf among `texts`.

    idf = ln((1 + N) / (1 + df)) + 1.
    """
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer  # takes a second to import

    grams = HashingVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), n_features=2**20, norm=None, alternate_sign=False, dtype=np.float32
    )
    return sparse.csr_array(TfidfTransformer().fit_transform(grams.transform(texts)))


def near_duplicates(rows: Rows, group_N: IntArray, cosine: float) -> BoolArray:
    """True [N] for each text that is closer than `cosine` to an earlier text of its group that is kept itself.

    `rows`: unit vectors [N, F], sparse or dense.
    """
    drop_N = np.zeros(len(group_N), dtype=np.bool_)
    order = np.argsort(group_N, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(group_N[order])) + 1)
    small = [members for members in groups if 1 < len(members) <= _SMALL]
    if small:  # all pairs of all small groups in one go: a product for each would cost more than it computes
        left_P = np.concatenate([np.repeat(m, np.arange(len(m))) for m in small])
        right_P = np.concatenate([m[np.arange(len(m) ** 2) % len(m)][_below(len(m))] for m in small])
        close_P = pair_cosines(rows, left_P, right_P) > cosine
        _drop(left_P[close_P], right_P[close_P], drop_N)
    for members in groups:
        for start in range(0, len(members) if len(members) > _SMALL else 0, _BLOCK):
            block = members[start : start + _BLOCK]
            product: Any = rows[block] @ rows[members[: start + len(block)]].T
            close = sparse.coo_array(product > cosine)
            at = np.lexsort((close.col, close.row))
            _drop(block[close.row[at]], members[close.col[at]], drop_N)
    return drop_N


def _below(size: int) -> BoolArray:
    """True at the places below the diagonal of a square that is read row by row."""
    return np.tri(size, k=-1, dtype=np.bool_).reshape(-1)


def _drop(later_P: IntArray, earlier_P: IntArray, drop_N: BoolArray) -> None:
    """Mark the later of each close pair whose earlier is kept; the pairs are in order of the later text."""
    for later, earlier in zip(later_P.tolist(), earlier_P.tolist(), strict=True):
        if earlier < later and not drop_N[earlier]:
            drop_N[later] = True


def pair_cosines(rows: Rows, left_P: IntArray, right_P: IntArray) -> FloatArray:
    """The cosine [P] of each pair of rows."""
    parts = [np.zeros(0, dtype=np.float32)]
    for start in range(0, len(left_P), _BLOCK):
        stop = start + _BLOCK
        product: Any = rows[left_P[start:stop]] * rows[right_P[start:stop]]
        parts.append(np.asarray(product.sum(axis=1), dtype=np.float32).reshape(-1))
    return np.concatenate(parts)
