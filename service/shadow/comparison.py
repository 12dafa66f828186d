"""What two index versions answered to the same query, held against each other."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from index.recall import SCORE_TOLERANCE


class Comparison(NamedTuple):
    """One query: how far the hits agree, and by how much scores differ."""

    overlap: float
    """Items that both found, as a share of the larger number of hits; 1 where neither found any."""
    first_changed: bool
    """Whether the first hit is another one, which the candidate scores higher than the one before."""
    differences: tuple[float, ...]
    """Score on the candidate less score on the served version, of every item that both found."""


def compare(served: bytes, place: int, candidate: bytes) -> Comparison:
    """The answer to query `place` of a search beside the candidate's answer to that query alone."""
    before = _hits(orjson.loads(served)["results"][place])
    after = _hits(orjson.loads(candidate)["results"][0])
    both = before.keys() & after.keys()
    first = next(iter(before), None)
    most = max(len(before), len(after))
    return Comparison(
        overlap=len(both) / most if most else 1.0,
        first_changed=first != next(iter(after), None) and not _ties(first, after),
        differences=tuple(after[item_id] - before[item_id] for item_id in sorted(both)),
    )


def _ties(item_id: str | None, hits: Mapping[str, float]) -> bool:
    """Whether an item is as good as the first hit, as items with the same text are."""
    if item_id is None or item_id not in hits:
        return False
    best = next(iter(hits.values()))
    return hits[item_id] >= best - SCORE_TOLERANCE * max(1.0, abs(best))


def _hits(result: Mapping[str, Any]) -> dict[str, float]:
    """Scores by item id, best first; hits in groups are taken group after group."""
    groups = result.get("groups")
    hits = result["hits"] if groups is None else [hit for group in groups for hit in group["hits"]]
    return {hit["item_id"]: hit["score"] for hit in hits}
