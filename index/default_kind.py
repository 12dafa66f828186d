"""The index kind of a build whose configuration names none: by the number of items and the memory there is.

Up to 20,000 items an exact search costs about a millisecond of one core. Up to a million, inverted lists over full
vectors answer at .999 index recall for a fraction of it, and unlike HNSW they keep cheap builds and filters. Above, the
vectors stay on disk and the lists hold codes of four bits, above ten million of one bit. A budget that the kind by size
does not keep moves the choice to the first of the smaller kinds that keeps it.

How far a search must go depends on the embeddings more than on the kind. So where the configuration names no target
either, the build widens the search until .95 of the exact hits are found.
"""

import math
from dataclasses import dataclass

from bundle.errors import ConfigError
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.ivf_rabitq import IvfRabitqKind

# The largest first: in memory they are ordered as in the number of items that they are meant for.
BY_SIZE: tuple[tuple[float, IndexKind], ...] = (
    (20_000, FlatKind()),
    (1_000_000, IvfFlatKind()),
    (10_000_000, IvfRabitqKind(bits=4, nprobe=32, refine=4)),
    (float("inf"), IvfRabitqKind(bits=1, nprobe=32, refine=20)),
)
MEGABYTE = 1_000_000
DEFAULT_TARGET = 0.95


@dataclass(frozen=True)
class Choice:
    """A kind, and why it was chosen; None where the configuration names it."""

    kind: IndexKind
    because: str | None = None


def choose_kind(n_items: int, dimension: int, memory_budget_mb: int | None = None) -> Choice:
    """The kind for a corpus [n_items, dimension]; raises ConfigError where no kind keeps the budget."""
    by_size = next(place for place, (most, _) in enumerate(BY_SIZE) if n_items <= most)
    kinds = [kind for _, kind in BY_SIZE[by_size:]]
    if memory_budget_mb is None:
        return Choice(kinds[0], f"{n_items:,} items, no memory budget")
    for kind in kinds:
        megabytes = n_items * kind.bytes_per_item(dimension) / MEGABYTE
        if megabytes <= memory_budget_mb:
            return Choice(kind, f"{n_items:,} items at {megabytes:,.1f} MB, of a budget of {memory_budget_mb:,} MB")
    needed = math.ceil(megabytes)
    raise ConfigError(
        f"memory_budget_mb is {memory_budget_mb}, but the smallest kind, {kind.kind} with one bit a dimension, needs "
        f"{needed:,} MB for {n_items:,} items of {dimension} dimensions; raise the budget, lower the dimension of the "
        "embeddings, or split the catalogue into collections",
        memory_budget_mb=memory_budget_mb,
        needed_mb=needed,
    )
