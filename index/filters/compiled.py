"""Filters as sets of rows: checked against the fields once, evaluated once, kept while they are in use.

N corpus.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from index.allowed_rows import AllowedRows
from index.filters.fields import Fields
from index.filters.filter import Filter
from index.filters.model import Predicate
from index.filters.size import filter_size

MOST_CACHED_BYTES = 64 * 2**20
BYTES_A_VALUE = 200  # of a value in a kept predicate, about


@dataclass(frozen=True)
class BoundFilter:
    """A filter whose fields exist and whose values are read; equal ones allow equal rows of their version."""

    predicate: Predicate
    n_values: int


class Filters:
    """The filters of one index version; all methods may be called from many threads."""

    def __init__(self, fields: Fields, most_cached_bytes: int = MOST_CACHED_BYTES) -> None:
        self._fields = fields
        self._most_bytes = most_cached_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._cache: OrderedDict[BoundFilter, AllowedRows] = OrderedDict()

    def bind(self, asked: Filter) -> BoundFilter:
        """The filter with its fields looked up, which is cheap; raises InvalidFilter naming the field."""
        return BoundFilter(asked.bind(self._fields), filter_size(asked).values)

    def rows(self, bound: BoundFilter) -> AllowedRows:
        """The rows that a filter of this version allows, from the cache if they are there."""
        with self._lock:
            if bound in self._cache:
                self._cache.move_to_end(bound)
                return self._cache[bound]
        allowed = AllowedRows.of_mask(bound.predicate.mask(self._fields))
        with self._lock:
            if bound not in self._cache:  # two threads may both evaluate it, and keep the same
                self._cache[bound] = allowed
                self._bytes += _size(bound, allowed)
            while self._bytes > self._most_bytes:
                self._bytes -= _size(*self._cache.popitem(last=False))
        return allowed


def _size(bound: BoundFilter, allowed: AllowedRows) -> int:
    return allowed.n_bytes + BYTES_A_VALUE * (1 + bound.n_values)
