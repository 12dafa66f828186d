"""Pictures of semantic IDs: how codes are used, what they hold, and whether behaviour agrees.

Letters: N items, L levels, K codes of a level, D embedding.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle as Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from training.ragged import FloatArray, IntArray
from training.report.svg import INK, SERIES, SOFT, figure
from training.report.treemap import Rectangle, squarified

MOST_CODES = 40
_WIDE, _HIGH = 10.8, 6.2
_LETTER, _LINE = 0.072, 0.165  # inches of a letter and a line of the labels


def code_usage(code_NL: IntArray, codebook_sizes: Sequence[int]) -> Figure:
    """How many items each code of a level has; codes without items end the line."""
    drawn, axes = figure("Code usage by level", "code, most used first", "items")
    for level, size in enumerate(codebook_sizes):
        count_K = np.sort(np.bincount(code_NL[:, level], minlength=size))[::-1]
        used_K = count_K[count_K > 0]
        colour = SERIES[level % len(SERIES)]
        axes.plot(np.arange(1, len(used_K) + 1), used_K, color=colour, label=f"level {level + 1}")
    axes.axhline(len(code_NL) / max(codebook_sizes), linestyle="--", linewidth=1, color=SOFT, label="all codes alike")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.legend()
    return drawn


def hit_rates(rates: Sequence[float], chances: Sequence[float]) -> Figure:
    """How often two items of one query share a prefix, beside chance, by its length."""
    drawn, axes = figure("Items that one query took", "codes of the prefix", "pairs with the prefix in common")
    place = np.arange(1, len(rates) + 1)
    axes.bar(place - 0.2, rates, 0.38, color=SERIES[0], label="pairs of one query")
    axes.bar(place + 0.2, chances, 0.38, color=SERIES[7], label="chance")
    for x, rate, chance in zip(place, rates, chances, strict=True):
        if chance > 0:
            axes.annotate(f"×{rate / chance:.3g}", (x - 0.2, rate), ha="center", va="bottom", color=INK, fontsize=9)
    axes.margins(y=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(axis="x", visible=False)
    axes.legend()
    return drawn


def commonest(code_N: IntArray) -> list[int]:
    """The codes in use, the one with the most items first, equals by their digits as a map's legend sorts them."""
    codes_U, count_U = np.unique(code_N, return_counts=True)
    ranked = sorted(zip(codes_U.tolist(), count_U.tolist(), strict=True), key=lambda pair: (-pair[1], str(pair[0])))
    return [code for code, _ in ranked]


def typical_items(embedding_ND: FloatArray, code_N: IntArray) -> dict[int, int]:
    """For every code in use the row of the item that is nearest to the mean of its items."""
    typical = {}
    for code in np.unique(code_N).tolist():
        rows = np.flatnonzero(code_N == code)
        apart = np.square(embedding_ND[rows] - embedding_ND[rows].mean(0)).sum(1)
        typical[code] = int(rows[apart.argmin()])
    return typical


def tree_map(code_NL: IntArray, names: Mapping[int, str], coloured: Sequence[int]) -> Figure:
    """First codes as boxes of their items' area, `names` in them, and the second codes as boxes within.

    `coloured`: the first codes with a colour of their own, in the order of the colours.
    """
    drawn = Figure(figsize=(_WIDE, _HIGH), layout="constrained", facecolor="none")
    axes = drawn.add_subplot()
    axes.set_axis_off()
    axes.set(xlim=(0, _WIDE), ylim=(0, _HIGH))
    ranked = commonest(code_NL[:, 0])
    parts = [(code, np.flatnonzero(code_NL[:, 0] == code)) for code in ranked[:MOST_CODES]]
    shown = sum(len(rows) for _, rows in parts)
    width = _WIDE * shown / len(code_NL)
    boxes = squarified([len(rows) for _, rows in parts], Rectangle(0, 0, width, _HIGH))
    for (code, rows), box in zip(parts, boxes, strict=True):
        colour = SERIES[coloured.index(code) if code in coloured else -1]
        _box(axes, box, colour, alpha=0.16, line=1.6)
        below = _label(axes, box, [f"{code} · {len(rows):,}", *names[code].split()])
        _second_codes(axes, code_NL[rows], below, colour)
    if shown < len(code_NL):
        box = Rectangle(width, 0, _WIDE - width, _HIGH)
        _box(axes, box, SERIES[-1], alpha=0.08, line=1.6)
        _label(axes, box, [f"{len(ranked) - MOST_CODES} more · {len(code_NL) - shown:,}"])
    return drawn


def _second_codes(axes: Axes, code_RL: IntArray, box: Rectangle, colour: str) -> None:
    if code_RL.shape[1] > 1:
        sizes = np.sort(np.unique(code_RL[:, 1], return_counts=True)[1])[::-1]
        for inner in squarified(sizes.tolist(), box):
            _box(axes, inner, colour, alpha=0.10, line=0.35)


def _box(axes: Axes, box: Rectangle, colour: str, *, alpha: float, line: float) -> None:
    where, width, height = (box.x, box.y), box.width, box.height
    axes.add_patch(Patch(where, width, height, facecolor=colour, alpha=alpha, linewidth=0))
    axes.add_patch(Patch(where, width, height, fill=False, edgecolor=colour, linewidth=line))


def _label(axes: Axes, box: Rectangle, words: Sequence[str]) -> Rectangle:
    """Write what fits into the upper 70 % of the box; returns the box that is left below it."""
    lines = fitted(words, int((box.width - 0.12) / _LETTER), int((0.7 * box.height - 0.08) / _LINE))
    if not lines:
        return box
    axes.text(
        box.x + 0.06,
        box.y + box.height - 0.05,
        "\n".join(lines).replace("$", r"\$"),
        ha="left",
        va="top",
        fontsize=8.5,
        color=INK,
    )
    return box._replace(height=box.height - len(lines) * _LINE - 0.08)


def fitted(words: Sequence[str], letters: int, most: int) -> list[str]:
    """The first word on a line of its own and the others below, in `most` lines; none when the first is too long."""
    if len(words[0]) > letters or most < 1:
        return []
    lines = [words[0]]
    for word in words[1:]:
        if len(lines) > 1 and len(lines[-1]) + 1 + len(word) <= letters:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    left_out = len(lines) > most > 1
    lines = [line if len(line) <= letters else line[: letters - 1] + "…" for line in lines[:most]]
    if left_out and not lines[-1].endswith("…"):
        lines[-1] = lines[-1][: letters - 1] + "…"
    return lines
