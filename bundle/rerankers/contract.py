"""What a reranker is: it scores items for one query, read together.

M items, R of them.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bundle.featurize import Record

IntArray = NDArray[np.int64]


class Pairs(Protocol):
    """A query with each of M items, read and not yet scored; used by one thread."""

    def score(self, place_R: IntArray) -> NDArray[np.float32]:
        """Scores float32 [R] of the pairs at these places."""

    def expected_s(self, place_R: IntArray) -> float | None:
        """Seconds that `score` will take for these, by what it took of late; None where that is not known."""


class Reranker(Protocol):
    """Safe to call from many threads; the same query and items in the same order give the same bytes."""

    @property
    def query_columns(self) -> tuple[str, ...]:
        """Fields of a query record that it reads."""

    @property
    def item_columns(self) -> tuple[str, ...]:
        """Fields of an item record that it reads; a catalogue keeps them as attributes."""

    def check_query(self, query: Record) -> None:
        """Raise InvalidRecord for a query record that it can read nothing of."""

    def pairs(self, query: Record, items: Sequence[Record]) -> Pairs:
        """What `score` scores, to be scored in parts; raises InvalidRecord."""

    def score(self, query: Record, items: Sequence[Record]) -> NDArray[np.float32]:
        """Scores float32 [M], larger is better; raises InvalidRecord."""

    def warm_up(self) -> None:
        """Run once, so that the first request does not pay for allocation and knows what a pair costs."""
