"""Squarified tree map: rectangles of given areas side by side in a rectangle, each as near to a square as can be.

Bruls, Huizing and van Wijk, Squarified Treemaps (VisSym 2000), section 3. R rectangles.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Rectangle(NamedTuple):
    """Left, bottom, width and height."""

    x: float
    y: float
    width: float
    height: float


def squarified(sizes: Sequence[float], inside: Rectangle) -> list[Rectangle]:
    """One rectangle for each of the positive `sizes`, in their order; all together fill `inside`.

    Best with the largest first.
    """
    scale = inside.width * inside.height / sum(sizes) if sizes else 0.0
    placed: list[Rectangle] = []
    left, row = [size * scale for size in sizes], list[float]()
    while left:
        short = min(inside.width, inside.height)
        if not row or _worst([*row, left[0]], short) <= _worst(row, short):
            row.append(left.pop(0))
        else:
            inside = _lay(row, inside, placed)
            row = []
    if row:
        _lay(row, inside, placed)
    return placed


def _worst(row: Sequence[float], short: float) -> float:
    """The largest aspect ratio when these areas stand along a side of that length."""
    thick = sum(row) / short
    return max(max(thick * thick / area, area / (thick * thick)) for area in row)


def _lay(row: Sequence[float], inside: Rectangle, placed: list[Rectangle]) -> Rectangle:
    """Place a row along the shorter side; returns what is left."""
    x, y, width, height = inside
    if width >= height:
        thick, at = sum(row) / height, y
        for area in row:
            placed.append(Rectangle(x, at, thick, area / thick))
            at += area / thick
        return Rectangle(x + thick, y, width - thick, height)
    thick, at = sum(row) / width, x
    for area in row:
        placed.append(Rectangle(at, y, area / thick, thick))
        at += area / thick
    return Rectangle(x, y + thick, width, height - thick)
