"""How a new index version differs from the active one: neighbours, semantic IDs, quality on stored queries.

Both are searched as they are served, each with the vectors of its own bundle. Q queries, D embedding.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import Field

from bundle.features import text_columns
from bundle.store import Bundle
from bundle.tables import check_unique, read_table
from index.fusion_weight import FusionConfig, read_answers
from index.queries import BATCH_SIZE, embed_rows
from index.searcher import Hits
from index.version import IndexVersion


class StoredQueries(FusionConfig):
    """Queries whose answers are known, that both versions are asked; as in a table of training or of an evaluation."""

    n_queries: int = Field(default=2_000, ge=1, description="Queries asked, at most; drawn by the seed.")
    k: int = Field(default=10, ge=1, description="Hits of each query that count.")


class Quality(NamedTuple):
    """Means over the queries."""

    ndcg: float
    recall: float


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


def quality_of_both(
    stored: StoredQueries, base: Path, versions: Sequence[tuple[IndexVersion, Bundle]], seed: int
) -> list[Quality]:
    """nDCG@k and recall@k of each version, over the answers that all of them hold; raises InvalidTable."""
    path = base / stored.queries
    texts = {name for _, bundle in versions for name in text_columns(bundle.query.featurizer.features)}
    table = read_table(path, {"query_id": "string"}, texts=texts)
    check_unique(table, "query_id", path)
    gains = _common_answers(stored, base, table["query_id"].to_pylist(), [version for version, _ in versions])
    rows_Q = np.sort(np.random.default_rng(seed).permutation(sorted(gains))[: stored.n_queries])
    qualities = []
    for version, bundle in versions:
        hits = version.search(embed_rows(bundle, table, rows_Q, path), stored.k)
        qualities.append(_quality(hits, [gains[row] for row in rows_Q.tolist()], stored.k))
    return qualities


def _common_answers(
    stored: StoredQueries, base: Path, query_ids: Sequence[str], versions: Sequence[IndexVersion]
) -> dict[int, dict[str, float]]:
    first, *others = versions
    gains = {}
    for row, gain_by_row in read_answers(stored, base, query_ids, first.ids).gain_by_row.items():
        by_id = dict(zip(first.ids.at(gain_by_row), gain_by_row.values(), strict=True))
        known = {one: gain for one, gain in by_id.items() if all(version.contains(one) for version in others)}
        if known:
            gains[row] = known
    return gains


def _quality(hits: Hits, gains: Sequence[Mapping[str, float]], k: int) -> Quality:
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ndcgs, recalls = [], []
    for ids, gain_by_id in zip(hits.ids, gains, strict=True):
        found = np.array([gain_by_id.get(item_id, 0) for item_id in ids])
        ideal = np.sort(list(gain_by_id.values()))[::-1][:k]
        ndcgs.append((found * discounts[: len(found)]).sum() / (ideal * discounts[: len(ideal)]).sum())
        recalls.append((found > 0).sum() / min(k, len(gain_by_id)))
    return Quality(float(np.mean(ndcgs)), float(np.mean(recalls))) if ndcgs else Quality(0, 0)
