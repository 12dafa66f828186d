"""How the items of a new index version differ from those of the active one: neighbours and semantic IDs."""

from collections.abc import Sequence

import numpy as np

from index.queries import BATCH_SIZE
from index.version import IndexVersion


def common_items(live: IndexVersion, new: IndexVersion, size: int, seed: int) -> list[str]:
    """Up to `size` item ids that both versions hold, drawn from at most four times as many of the active one."""
    rows = np.random.default_rng(seed).permutation(live.count)[: 4 * size]
    return [item_id for item_id in live.ids.at(rows.tolist()) if new.contains(item_id)][:size]


def changed_neighbours(live: IndexVersion, new: IndexVersion, item_ids: Sequence[str], k: int) -> float:
    """Share of items that lost more than half of their k nearest neighbours.

    Neighbours that left the catalogue do not count, so that the share tells of items that moved, not of sold-out ones.
    """
    n_changed = 0
    for place in range(0, len(item_ids), BATCH_SIZE):
        asked = item_ids[place : place + BATCH_SIZE]
        found = _neighbours(live, asked, k), _neighbours(new, asked, k)
        for before, after in zip(*found, strict=True):
            left = [item_id for item_id in before if new.contains(item_id)]
            n_changed += 2 * len(set(left) & set(after)) < len(left)
    return n_changed / max(1, len(item_ids))


def _neighbours(version: IndexVersion, item_ids: Sequence[str], k: int) -> list[list[str]]:
    hits = version.search(version.query_vectors(item_ids), k + 1)
    return [[one for one in ids if one != own][:k] for own, ids in zip(item_ids, hits.ids, strict=True)]


def semantic_id_churn(live: IndexVersion, new: IndexVersion, item_ids: Sequence[str]) -> float | None:
    """Share of items with another semantic ID; None where a version has none."""
    before, after = live.semantic_ids(item_ids), new.semantic_ids(item_ids)
    if before is None or after is None:
        return None
    return sum(a != b for a, b in zip(before, after, strict=True)) / max(1, len(item_ids))
