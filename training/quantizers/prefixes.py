"""What the groups of items under a prefix of codes are worth, for every length of it.

Axes: N items, L levels, D embedding, P pairs of a query and an item, G groups (the prefixes in use), U queries with a
prefix each, Q queries.
"""

from collections.abc import Iterator

import numpy as np

from training.quantizers.contract import Behaviour
from training.ragged import FloatArray, IntArray


def prefix_groups(code_NL: IntArray) -> Iterator[IntArray]:
    """For every length l the group int64 [N] of each item, 0..G-1: equal where the first l codes are."""
    group_N = np.zeros(len(code_NL), dtype=np.int64)
    for code_N in code_NL.T:
        _, group_N = np.unique(group_N * (int(code_N.max()) + 1) + code_N, return_inverse=True)
        yield group_N


def relative_error(embedding_ND: FloatArray, group_N: IntArray) -> float:
    """mean |x - mean of its group|^2 / mean |x - mean x|^2: what is left when the mean of its items stands for each.

    0 where every group is one point, so it falls to 0 when every item has a prefix of its own; 0 too where all items
    are one point.
    """
    centred_ND = (embedding_ND - embedding_ND.mean(0)).astype(np.float64)
    count_G = np.bincount(group_N)
    sum_GD = np.zeros((len(count_G), centred_ND.shape[1]))
    np.add.at(sum_GD, group_N, centred_ND)
    total = np.square(centred_ND).sum()
    between = (np.square(sum_GD).sum(1) / count_G).sum()  # total = within + between
    return float(max(0.0, 1 - between / total)) if total > 0 else 0.0


def prefix_hit_rate(group_N: IntArray, behaviour: Behaviour) -> tuple[float, float] | None:
    """(hit rate, chance) of two items that one query took; None when no query took two.

    The hit rate is the share of a query's pairs of different items that share the prefix, meaned over the queries with
    a pair, so that one query with a thousand items does not decide. Chance is the same for two different items that are
    drawn as often as they were taken: popular items under one prefix are no merit of the prefix.
    """
    pair_P = np.unique(behaviour.query_P * len(group_N) + behaviour.item_P)
    query_P, item_P = np.divmod(pair_P, len(group_N))
    taken_Q = np.bincount(query_P, minlength=behaviour.n_queries)
    several_Q = taken_Q > 1
    if not several_Q.any():
        return None
    kept_P = several_Q[query_P]
    query_P, item_P = query_P[kept_P], item_P[kept_P]
    key_U, count_U = np.unique(query_P * len(group_N) + group_N[item_P], return_counts=True)
    same_Q = np.bincount(key_U // len(group_N), count_U * (count_U - 1), minlength=behaviour.n_queries)
    pairs_Q = taken_Q * (taken_Q - 1)
    share_N = np.bincount(item_P, minlength=len(group_N)) / len(item_P)
    itself = float(np.square(share_N).sum())
    together = float(np.square(np.bincount(group_N, share_N)).sum())
    chance = (together - itself) / (1 - itself)
    return float((same_Q[several_Q] / pairs_Q[several_Q]).mean()), max(chance, 0.0)
