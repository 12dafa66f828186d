"""Matplotlib figures as SVG that stands inside a page: its colours follow the page's, its bytes the data alone."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from html import escape
from math import ceil
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Colours that no figure would use otherwise stand for the page's variables, which differ in light and dark.
INK, SOFT = "#000101", "#000102"
SERIES = tuple(f"#0002{n:02x}" for n in range(8))
BAND_COLOURS = tuple(f"#0003{n:02x}" for n in range(5))
_VARIABLES = {
    INK: "var(--ink)",
    SOFT: "var(--soft)",
    **{colour: f"var(--s{n})" for n, colour in enumerate(SERIES)},
    **{colour: f"var(--b{n})" for n, colour in enumerate(BAND_COLOURS)},
}
_STYLE: Any = {
    "svg.hashsalt": "tandem",  # ids from the content instead of chance
    "svg.fonttype": "none",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "grid.color": SOFT,
    "grid.alpha": 0.45,
    "grid.linewidth": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
}


def style() -> AbstractContextManager[None]:
    """Where figures are drawn and written: within, they look like the page and their bytes repeat."""
    return matplotlib.rc_context(_STYLE)


def figure(title: str, x: str, y: str, *, height: float = 3.3) -> tuple[Figure, Axes]:
    """A figure of the page's width with one pair of axes."""
    drawn = Figure(figsize=(5.2, height), layout="constrained", facecolor="none")
    axes = drawn.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid()
    return drawn, axes


def legend_below(drawn: Figure, **settings: Any) -> None:
    """A legend under the axes, in as few rows as the figure is wide enough for."""
    entries = sum(len(axes.get_legend_handles_labels()[1]) for axes in drawn.axes)
    for rows in range(1, entries + 1):
        legend = drawn.legend(loc="outside lower center", ncols=ceil(entries / rows), **settings)
        with _any_letters():
            width = legend.get_window_extent().width
        # The page's letters may be wider than those that are measured here.
        if width <= 0.9 * drawn.bbox.width or rows == entries:
            return
        legend.remove()


@contextmanager
def _any_letters() -> Iterator[None]:
    """Whoever opens the page has the letters that the font for measuring lacks: texts stay texts."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        yield


def inline(drawn: Figure, name: str, label: str) -> str:
    """The figure as one <svg> element; `name` makes its ids its own, `label` says what it shows to those who listen."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))  # versions and dates are no part of the run
    with _any_letters():
        drawn.savefig(buffer, format="svg", facecolor="none", metadata=nothing)
    svg = buffer.getvalue()
    view = re.search(r'viewBox="([^"]+)"', svg)
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]+>", lambda tag: _DECIMALS.sub(_two_decimals, tag[0]), body)  # places, not the numbers shown
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    head = f'<svg viewBox="{view[1] if view else ""}" role="img" aria-label="{escape(label)}">'
    return head + re.sub(r"\s*\n\s*", "\n", _own_ids(body, name))


_DECIMALS = re.compile(r"-?\d+\.\d{3,}")


def _two_decimals(number: re.Match[str]) -> str:
    """A hundredth of a point is finer than any screen, and coarser than what differs between two machines."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _own_ids(body: str, name: str) -> str:
    """Several pictures share a page: ids that something points to get the picture's name, the others go."""
    used = set(re.findall(r'xlink:href="#([^"]+)"|url\(#([^)]+)\)', body))
    wanted = {first or second for first, second in used}
    body = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in wanted else "", body)
    body = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{name}-\1"', body)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
