"""The new ranking, as probabilities of showing each item at an impression's place.

N impressions, A items, K places.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bundle.errors import InvalidTable
from bundle.tables import read_table
from evaluation.errors import UnusableLog
from evaluation.off_policy.log import FloatArray, ImpressionLog


def read_policy(path: Path, log: ImpressionLog) -> FloatArray:
    """Probabilities [N, A] from a table `item_id`, `position` (from 1), `probability`, the same for every query.

    Raises InvalidTable, also for a second row of an item and position; UnusableLog for an item or a position that the
    log does not have.
    """
    table = read_table(path, {"item_id": "string", "position": "int", "probability": "float"})
    number = {item_id: place for place, item_id in enumerate(log.item_ids)}
    policy_KA, seen = np.zeros((log.n_places, len(log.item_ids))), set[tuple[int, int]]()
    for row, entry in enumerate(table.to_pylist(), start=1):
        if entry["item_id"] not in number or not 1 <= entry["position"] <= log.n_places:
            raise UnusableLog(
                f"{path} row {row}: the log never shows item '{entry['item_id']}' or has no position "
                f"{entry['position']}; what was never shown cannot be judged",
                row=row,
            )
        cell = entry["position"] - 1, number[entry["item_id"]]
        if cell in seen:
            raise InvalidTable(
                f"{path} row {row}: item '{entry['item_id']}' at position {entry['position']} stands in an earlier "
                "row; keep one",
                path=str(path),
                row=row,
            )
        seen.add(cell)
        policy_KA[cell] = entry["probability"]
    return policy_KA[log.place_N]


def ranking_policy(log: ImpressionLog, ranked: Mapping[str, Sequence[str]]) -> FloatArray:
    """Probabilities [N, A], each 0 or 1, of a ranking that gives each query the same list of item ids, best first.

    Raises UnusableLog where the log names no queries, where a query has no list or too short a one, or where its item
    was never logged.
    """
    if not log.query_ids:
        raise UnusableLog("the log has no column 'query_id', so it cannot be held against a ranking by query")
    number = {item_id: place for place, item_id in enumerate(log.item_ids)}
    policy_NA = np.zeros((len(log), len(log.item_ids)))
    for n, (query_id, place) in enumerate(zip(log.query_ids, log.place_N.tolist(), strict=True)):
        items = ranked.get(query_id, ())
        if place >= len(items) or items[place] not in number:
            raise UnusableLog(
                f"impression {n + 1}: the new ranking has no logged item at position {place + 1} of query "
                f"'{query_id}'; rank that deep, and only items that the log has shown",
                row=n + 1,
            )
        policy_NA[n, number[items[place]]] = 1
    return policy_NA
