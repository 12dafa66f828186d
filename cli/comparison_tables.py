"""Measures and comparisons as tables for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from cli.console import people, say

if TYPE_CHECKING:
    from evaluation.paired import PairedResult
    from evaluation.side_by_side import SideBySide
    from evaluation.significance import Estimate

NOTHING: Mapping[str, Mapping[str, float]] = {}


def tell_comparison(found: "SideBySide", page: Path | None) -> None:
    """The verdict, every metric, and the page, which is written with its JSON if it is asked for."""
    from evaluation.comparison_page import verdict, write_comparison

    if found.results:
        people.print(paired_table(f"{found.left.name} → {found.right.name}", found.results))
    title, sentence = verdict(found)
    say(f"{title}: {sentence}")
    say(f"overlap of the first {found.k} hits: {found.overlap.mean:.3f} ({found.overlap.interval(3)})")
    if page is not None:
        beside = write_comparison(found, page)
        say(f"wrote {page} and {beside}")


def paired_table(title: str, results: Sequence["PairedResult"]) -> Table:
    """A row a metric: both means, the difference with its interval, p values, queries lost and won."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("metric")
    for name in ("left", "right", "difference", "interval", "p", "p corrected", "lost", "tied", "won"):
        table.add_column(name, justify="right")
    for one in results:
        table.add_row(
            one.metric,
            f"{one.left:.4f}",
            f"{one.right:.4f}",
            f"{one.difference.mean:+z.4f}",
            one.difference.interval(sign="+"),
            f"{one.p_value:.4f}",
            f"{one.p_holm:.4f}",
            *(f"{count:,}" for count in (one.losses, one.ties, one.wins)),
        )
    return table


def estimate_table(
    title: str,
    estimates: Mapping[str, Mapping[str, "Estimate"]],
    extra: Mapping[str, Mapping[str, float]] = NOTHING,
) -> Table:
    """A row a metric and a column a system, each mean with its interval; `extra` are numbers without one."""
    table = Table(title=title, title_justify="left")
    table.add_column("metric")
    for name in estimates:
        table.add_column(name.replace("_", "-"), justify="right")
    for metric in next(iter(estimates.values())):
        table.add_row(metric, *(_cell(of_system[metric]) for of_system in estimates.values()))
    for metric in next(iter(extra.values()), {}):
        values = [of_system[metric] for of_system in extra.values()]
        table.add_row(metric, *(f"{v:,.0f}" if v.is_integer() and v > 1 else f"{v:.4f}" for v in values))
    return table


def _cell(estimate: "Estimate") -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:.4f} (no interval)"
    return f"{estimate.mean:.4f} ({estimate.low:.4f}–{estimate.high:.4f})"
