"""Drawings of a comparison as inline SVG, in the colours of the page: intervals, shares, differences, overlaps."""

from collections.abc import Sequence

import numpy as np

from evaluation.paired import PairedResult
from evaluation.significance import Estimate

_WIDTH, _HEIGHT, _LEFT, _FOOT = 420, 200, 40, 34
_MOST_POINTS = 400  # more than the eye sees on a curve of this size
_BINS = 10


def interval_bar(estimate: Estimate, reach: float) -> str:
    """One difference and its interval on a scale from -reach to reach, with a line at 0."""
    width, middle = 150, 75

    def x(value: float) -> float:
        return middle + (middle - 6) * max(-1.0, min(1.0, value / reach if reach else 0.0))

    kind = _kind(estimate)
    line = ""
    if estimate.low is not None and estimate.high is not None:
        line = f'<path class="{kind}" d="M{x(estimate.low):.1f} 9H{x(estimate.high):.1f}"/>'
    return (
        f'<svg class="interval" viewBox="0 0 {width} 18" role="img" aria-label="difference {estimate.mean:+z.4f}, '
        f'{estimate.interval()}"><path class="zero" d="M{middle} 1V17"/>{line}'
        f'<circle class="{kind}" cx="{x(estimate.mean):.1f}" cy="9" r="4"/></svg>'
    )


def _kind(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return "flat"
    return "up" if estimate.low > 0 else "down" if estimate.high < 0 else "flat"


def shares_bar(result: PairedResult) -> str:
    """Queries lost, tied and won as parts of one bar."""
    total = result.wins + result.losses + result.ties
    parts = (("down", result.losses), ("flat", result.ties), ("up", result.wins))
    spans = "".join(
        f'<i class="{kind}" style="width:{100 * count / total:.2f}%"></i>' for kind, count in parts if count
    )
    return f'<span class="shares" aria-hidden="true">{spans}</span>'


def differences(values: Sequence[float], metric: str) -> str:
    """Every query's difference, sorted: what lies below 0 was lost, what lies above was won."""
    sorted_Q = np.sort(np.asarray(values, dtype=np.float64))
    reach = float(abs(sorted_Q).max()) or 1.0
    right, foot = _WIDTH - 6, _HEIGHT - _FOOT

    def y(value: float) -> float:
        return 8 + (1 - value / reach) / 2 * (foot - 8)

    kept = np.unique(np.linspace(0, len(sorted_Q) - 1, _MOST_POINTS).round().astype(np.int64))
    step = (right - _LEFT) / len(sorted_Q)
    areas = []
    for kind, sign in (("down", -1), ("up", 1)):
        part = kept[sorted_Q[kept] * sign > 0]
        if len(part):
            corners = " ".join(
                f"L{_LEFT + step * place:.1f} {y(sorted_Q[place]):.1f}H{_LEFT + step * (place + 1):.1f}"
                for place in part.tolist()
            )
            first = _LEFT + step * part[0]
            areas.append(f'<path class="area {kind}" d="M{first:.1f} {y(0):.1f}{corners}V{y(0):.1f}H{first:.1f}Z"/>')
    ticks = "".join(
        f'<text x="{_LEFT - 6}" y="{y(value) + 4:.0f}" text-anchor="end">{value:{"+" if value else ""}.2g}</text>'
        for value in (reach, 0, -reach)
    )
    axis = f'<path class="zero" d="M{_LEFT} {y(0):.1f}H{right}"/>'
    label = f'<text x="{right}" y="{_HEIGHT - 10}" text-anchor="end">queries ({len(sorted_Q):,}), sorted</text>'
    return _picture(f"difference in {metric} of every query", "".join(areas) + axis + ticks + label)


def overlaps(values: Sequence[float], k: int) -> str:
    """How many queries share how much of their first k hits."""
    place_Q = np.minimum((np.asarray(values) * _BINS + 1e-9).astype(np.int64), _BINS)
    count_B = np.bincount(place_Q, minlength=_BINS + 1)
    most = int(count_B.max())
    right, foot = _WIDTH - 6, _HEIGHT - _FOOT
    step = (right - _LEFT) / len(count_B)
    bars = "".join(
        f'<rect class="bar" x="{_LEFT + step * place + 2:.1f}" y="{foot - (foot - 20) * count / most:.1f}" '
        f'width="{step - 4:.1f}" height="{(foot - 20) * count / most:.1f}"><title>{count:,} queries</title></rect>'
        for place, count in enumerate(count_B.tolist())
    )
    labels = "".join(
        f'<text x="{_LEFT + step * (place + 0.5):.1f}" y="{foot + 14}" text-anchor="middle">{text}</text>'
        for place, text in ((0, "none"), (5, "half"), (10, "all"))
    )
    top = f'<text x="{_LEFT - 6}" y="24" text-anchor="end">{most:,}</text>'
    axis = f'<path class="zero" d="M{_LEFT} {foot}H{right}"/>'
    label = f'<text x="{right}" y="{_HEIGHT - 4}" text-anchor="end">share of the first {k} hits that both have</text>'
    return _picture(f"overlap of the first {k} hits", bars + axis + top + labels + label)


def _picture(label: str, body: str) -> str:
    return f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{body}</svg>'
