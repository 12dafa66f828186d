"""Single items and queries to look at: nearest neighbours, and hits with what should have been found.

Letters: A items asked for, K neighbours, P queries by quality.
"""

from collections.abc import Sequence
from html import escape

import numpy as np

from training.compare import MODEL
from training.embedding_map import nearest
from training.outcome import Outcome
from training.ragged import IntArray
from training.report.names import ItemNames, query_name

EXAMPLES = 8
NEIGHBOURS = 5
_HISTORY = 3
_MISSED = 3


def neighbour_cards(outcome: Outcome, names: ItemNames) -> list[str]:
    """A card for each of a few items, from the one trained on most to the rarest, with its nearest items."""
    found = outcome.diagnostics
    item_A = _spread(found.count_N)
    near_AK, cosine_AK = nearest(found.item_ND, item_A, NEIGHBOURS)
    cards = []
    for item, near_K, cosine_K in zip(item_A.tolist(), near_AK.tolist(), cosine_AK.tolist(), strict=True):
        rows = [
            [names[row], f"{cosine:.3f}", f"{found.count_N[row]:,}"]
            for row, cosine in zip(near_K, cosine_K, strict=True)
            if row >= 0
        ]
        note = f"trained on {found.count_N[item]:,} times"
        cards.append(_card(names[item], note, ["nearest", "cosine", "trained on"], rows, [False] * len(rows)))
    return cards


def _spread(count_N: IntArray) -> IntArray:
    """Item rows at places 1, ~n^(1/7), .. n of the order by training count: many frequent ones, the rarest too."""
    order_N = np.argsort(-count_N, kind="stable")
    places = np.unique(np.geomspace(1, len(order_N), EXAMPLES).round().astype(np.int64)) - 1
    return order_N[places].astype(np.int64)


def query_cards(outcome: Outcome, names: ItemNames) -> list[str]:
    """A card for each of a few test queries, from the best served to the worst."""
    ranking = outcome.comparison.rankings[MODEL]
    best_R = np.minimum.reduceat(ranking.ranks_V, ranking.relevant.offsets[:-1])
    order_P = np.argsort(best_R, kind="stable")
    chosen = np.unique(np.linspace(0, len(order_P) - 1, EXAMPLES).astype(np.int64))
    return [_query_card(outcome, names, int(position)) for position in order_P[chosen]]


def _query_card(outcome: Outcome, names: ItemNames, position: int) -> str:
    ranking, hits, queries = outcome.comparison.rankings[MODEL], outcome.diagnostics.hits, outcome.comparison.queries
    row = int(ranking.query_R[position])
    relevant = ranking.relevant.row(position).tolist()
    start = ranking.relevant.offsets[position]
    rank_of = dict(zip(relevant, ranking.ranks_V[start : start + len(relevant)].tolist(), strict=True))
    shown = [item for item in hits.items_RK[position].tolist() if item >= 0]
    rows = [
        [f"{'✓ ' if item in rank_of else ''}{names[item]}", f"{score:.3f}"]
        for item, score in zip(shown, hits.scores_RK[position].tolist(), strict=False)
    ]
    missed = sorted((item for item in relevant if item not in shown), key=rank_of.__getitem__)
    found = len(relevant) - len(missed)
    notes = [f"{found} of {len(relevant)} relevant {'item' if len(relevant) == 1 else 'items'} among these"]
    history = queries.history.row(row).tolist()[-_HISTORY:][::-1]
    if history:
        notes.append("before, latest first: " + " · ".join(names[item] for item in history))
    below = ""
    if missed:
        listed = " · ".join(f"{names[item]} (place {rank_of[item]:,.0f})" for item in missed[:_MISSED])
        more = f" and {len(missed) - _MISSED} more" if len(missed) > _MISSED else ""
        below = f"missed: {listed}{more}"
    title = query_name(outcome, int(queries.query_rows_Q[row]))
    return _card(title, "\n".join(notes), ["hits", "score"], rows, [item in rank_of for item in shown], below)


def _card(
    title: str, note: str, header: Sequence[str], rows: Sequence[Sequence[str]], found: Sequence[bool], below: str = ""
) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in header) + "</tr>"]
    for (name, *numbers), is_found in zip(rows, found, strict=True):
        cells = f'<td class="name">{escape(name)}</td>' + "".join(f"<td>{escape(cell)}</td>" for cell in numbers)
        mark = ' class="found"' if is_found else ""
        lines.append(f"<tr{mark}>{cells}</tr>")
    notes = "<br>".join(escape(line) for line in note.split("\n"))
    head = f'<h3>{escape(title)}</h3><div class="quiet">{notes}</div>'
    foot = f'<div class="quiet">{escape(below)}</div>' if below else ""
    return f'<div class="card">{head}<table>{"".join(lines)}</table>{foot}</div>'
