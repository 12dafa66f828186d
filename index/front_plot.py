"""Recall against cost as one inline drawing, for pages that need nothing else to be read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, MARGIN = 640, 300, 52, 40, 14
COLOURS = ("#3b7dd8", "#d8703b", "#2f9e6e", "#9a5bc4", "#b8992a", "#c44d74", "#5b8ba0")
LEAST_COST = 1.0


@dataclass(frozen=True)
class Spot:
    """One measured setting; `is_marked` where it is the one served or chosen."""

    series: str
    label: str
    cpu_us_per_query: float
    recall: float
    is_marked: bool


def front_plot(spots: Sequence[Spot], target: float | None = None) -> str:
    """An SVG of the spots, one colour a series: CPU time of a query to the right (logarithmic), recall upwards."""
    floor = min([spot.recall for spot in spots] + ([] if target is None else [target]))
    scale = _Scale.of([spot.cpu_us_per_query for spot in spots], floor)
    names = list(dict.fromkeys(spot.series for spot in spots))
    parts = [scale.axes(), "" if target is None else scale.target(target)]
    for place, name in enumerate(names):
        own = [spot for spot in spots if spot.series == name]
        colour = COLOURS[place % len(COLOURS)]
        parts += [_dot(scale, spot, colour) for spot in own]
        parts.append(_legend(place, name, colour) if len(names) > 1 else "")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="index recall against CPU time of a query" '
        f'font-size="11" fill="currentColor">{"".join(parts)}</svg>'
    )


@dataclass(frozen=True)
class _Scale:
    low: int
    high: int
    floor: float

    @classmethod
    def of(cls, costs: Sequence[float], floor: float) -> "_Scale":
        logs = [math.log10(max(cost, LEAST_COST)) for cost in costs]
        low, high = math.floor(min(logs)), math.ceil(max(logs))
        return cls(low, max(high, low + 1), min(math.floor(20 * floor) / 20, 0.95))

    def x(self, cost: float) -> float:
        share = (math.log10(max(cost, LEAST_COST)) - self.low) / (self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - MARGIN)

    def y(self, recall: float) -> float:
        return MARGIN + (1 - recall) / (1 - self.floor) * (HEIGHT - BOTTOM - MARGIN)

    def axes(self) -> str:
        right, foot = WIDTH - MARGIN, HEIGHT - BOTTOM
        lines = [f'<path d="M{LEFT} {MARGIN}V{foot}H{right}" fill="none" stroke="currentColor"/>']
        for power in range(self.low, self.high + 1):
            lines.append(f'<text x="{self.x(10**power):.0f}" y="{foot + 15}" text-anchor="middle">{10**power:,}</text>')
        for step in range(5):
            recall = self.floor + step * (1 - self.floor) / 4
            lines.append(f'<text x="{LEFT - 6}" y="{self.y(recall) + 4:.0f}" text-anchor="end">{recall:.3f}</text>')
        lines.append(f'<text x="{right}" y="{HEIGHT - 6}" text-anchor="end">CPU µs a query, one thread</text>')
        return "".join(lines)

    def target(self, recall: float) -> str:
        y = f"{self.y(recall):.1f}"
        return f'<path d="M{LEFT} {y}H{WIDTH - MARGIN}" stroke="currentColor" stroke-dasharray="4 4" opacity=".5"/>'


def _dot(scale: _Scale, spot: Spot, colour: str) -> str:
    ring = ' stroke="currentColor" stroke-width="2"' if spot.is_marked else ""
    return (
        f'<circle cx="{scale.x(spot.cpu_us_per_query):.1f}" cy="{scale.y(spot.recall):.1f}" '
        f'r="{6 if spot.is_marked else 4}" fill="{colour}"{ring}>'
        f"<title>{escape(spot.label)}: recall {spot.recall:.4f}, {spot.cpu_us_per_query:,.0f} µs</title></circle>"
    )


def _legend(place: int, name: str, colour: str) -> str:
    y = HEIGHT - BOTTOM - 12 - 15 * place
    return (
        f'<circle cx="{WIDTH - 130}" cy="{y - 4}" r="4" fill="{colour}"/>'
        f'<text x="{WIDTH - 120}" y="{y}">{escape(name)}</text>'
    )
