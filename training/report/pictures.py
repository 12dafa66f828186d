"""Pictures of what the model does: rare items, scores, hubs, the embedding.

Letters: N items, M mapped items, R queries, V positives.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter, StrMethodFormatter

from training.auc import PooledAuc, PooledScores, Threshold
from training.embedding_map import EmbeddingMap
from training.metrics import BANDS, Band
from training.ragged import BoolArray, IntArray
from training.report.svg import BAND_COLOURS, INK, SERIES, SOFT, figure, legend_below

_POINTS = 300  # more than the eye sees on a curve of this size


def bands(by_method: Mapping[str, Sequence[Band]], k: int) -> Figure:
    """Recall of every method by how often an item was trained on."""
    drawn, axes = figure(f"Recall@{k} by training count", "item was trained on … times (relevant pairs)", f"recall@{k}")
    width = 0.8 / len(by_method)
    for series, (method, found) in enumerate(by_method.items()):
        place = np.arange(len(found)) + width * (series - (len(by_method) - 1) / 2)
        colour = SERIES[series % len(SERIES)]
        axes.bar(place, [b.recall for b in found], width * 0.9, color=colour, label=method.replace("_", "-"))
    first = next(iter(by_method.values()))
    axes.set_xticks(range(len(first)), [f"{band.label}\n({band.relevant:,})" for band in first])
    axes.set_xlim(-0.5, len(first) - 0.5)
    axes.grid(axis="x", visible=False)
    legend_below(drawn)
    return drawn


def roc(auc: PooledAuc) -> Figure:
    """The pooled ROC, with the two working points of a service."""
    drawn, axes = figure("ROC over all queries together", "negatives accepted", "positives accepted", height=3.8)
    fpr_T, tpr_T = np.append(0.0, auc.roc.fpr_T), np.append(0.0, auc.roc.tpr_T)
    kept = np.unique(np.searchsorted(fpr_T, np.linspace(0, 1, _POINTS)).clip(max=len(fpr_T) - 1))
    kept = np.union1d(kept, [0, len(fpr_T) - 1])
    axes.plot(fpr_T[kept], tpr_T[kept], color=SERIES[0], label=f"model, pooled AUC {auc.pooled:.3f}")
    axes.plot([0, 1], [0, 1], linestyle="--", linewidth=1, color=SOFT, label="chance")
    axes.plot([0.01, 0.05], [auc.tpr_at_1, auc.tpr_at_5], "o", color=SERIES[1], label="at 1 % and 5 %")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower right")
    return drawn


def scores(pooled: PooledScores, threshold: Threshold | None) -> Figure:
    """Score histograms of positives and negatives."""
    drawn, axes = figure("Scores of positives and hard negatives", "score", "share of its kind", height=3.8)
    sides = (("positives", pooled.positive_V), ("hard negatives", pooled.negatives))
    low = min(float(values.min()) for _, values in sides if len(values))
    high = max(float(values.max()) for _, values in sides if len(values))
    edges = np.linspace(low, high if high > low else low + 1, 41)
    for series, (label, values) in enumerate(sides):
        share = np.histogram(values, edges)[0] / max(1, len(values))
        axes.stairs(share, edges, fill=True, alpha=0.35, color=SERIES[series], label=label)
        axes.stairs(share, edges, color=SERIES[series], linewidth=1.2)
    if threshold is not None:
        label = f"threshold {threshold.value:.3g}"
        axes.axvline(threshold.value, linestyle="--", linewidth=1.2, color=INK, label=label)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    legend_below(drawn, columnspacing=1.2)
    return drawn


def hubs(occurrence_N: IntArray, relevant_N: IntArray, k: int) -> Figure:
    """How the places of all hits, and the relevant pairs, spread over the items."""
    drawn, axes = figure(f"Who takes the first {k} places", "items, most frequent first", "share of all places")
    for series, (label, counts) in enumerate((("shown by the model", occurrence_N), ("wanted (relevant)", relevant_N))):
        share = np.sort(counts[counts > 0])[::-1] / max(1, counts.sum())
        if len(share):
            kept = np.unique(np.geomspace(1, len(share), _POINTS).astype(np.int64)) - 1
            axes.plot(kept + 1, share[kept], color=SERIES[series], label=label)
    axes.axhline(1 / len(occurrence_N), linestyle="--", linewidth=1, color=SOFT, label="all items alike")
    axes.set(xscale="log", yscale="log")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.legend()
    return drawn


def map_by_count(embedding: EmbeddingMap, count_N: IntArray) -> Figure:
    """The map, coloured by how often an item was trained on."""
    count_M = count_N[embedding.item_M]
    labels, groups = [], []
    for least, most in BANDS:
        labels.append(f"{least}+" if most is None else str(least) if least == most else f"{least}–{most}")
        groups.append((count_M >= least) & (count_M <= (count_M.max(initial=0) if most is None else most)))
    return _map(embedding, "Items by how often they were trained on", labels, groups, BAND_COLOURS)


def map_by_attribute(embedding: EmbeddingMap, name: str, value_N: Sequence[str]) -> Figure:
    """The map, coloured by the commonest values of a category."""
    value_M = np.array([value_N[row] for row in embedding.item_M], dtype=object)
    values, counts = np.unique(value_M.astype(str), return_counts=True)
    shown = [str(value) for value in values[np.argsort(-counts, kind="stable")][: len(SERIES) - 1]]
    groups = [np.asarray(value_M == value, dtype=np.bool_) for value in shown]
    labels = [_plain(value) for value in shown]
    if len(values) > len(shown):
        labels, groups = ["other", *labels], [~np.logical_or.reduce(groups), *groups]
        return _map(embedding, f"Items by {name}", labels, groups, (SERIES[-1], *SERIES[:-1]))
    return _map(embedding, f"Items by {name}", labels, groups, SERIES)


def _plain(value: str) -> str:
    """A value as a legend shows it: short, its dollars no formula, and no underscore in front, which would hide it."""
    short = value if len(value) <= 24 else value[:23] + "…"
    return (" " if short.startswith("_") else "") + short.replace("$", r"\$")


def _map(
    embedding: EmbeddingMap, title: str, labels: Sequence[str], groups: Sequence[BoolArray], colours: Sequence[str]
) -> Figure:
    drawn, axes = figure(title, "first component", "second component", height=4.4)
    size = 3 if len(embedding.item_M) > 500 else 5
    for label, group_M, colour in zip(labels, groups, colours, strict=False):
        if group_M.any():
            place_G2 = embedding.place_M2[group_M]
            axes.plot(*place_G2.T, "o", markersize=size, markeredgewidth=0, alpha=0.75, color=colour, label=label)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(visible=False)
    axes.tick_params(labelbottom=False, labelleft=False, length=0)
    legend_below(drawn, markerscale=2, handletextpad=0.1)
    return drawn
