"""Names of semantic-ID prefixes: the items that represent each best, and the words that set it apart from its parent.

N corpus, D embedding, P prefixes of one length. Prefixes of every length but the full one are named, where at least two
items lie below. All is computed over the rows sorted by key, in which a prefix is one run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bundle.semantic_id import IntArray, KeyArray, SemanticIdSpace
from index.ids import ItemIds
from index.resolution import rank_in_run
from index.words import ItemWords, WordCounts, count_words, distinguishing_words

N_ITEMS = 3
N_WORDS = 5
# Bounds what is copied of the vectors at a time, in rows.
ROW_BATCH = 16_384
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PrefixName:
    """What a prefix stands for; both lists best first."""

    items: list[str]
    words: list[str]


@dataclass(frozen=True)
class _Depth:
    """The runs of one prefix length: first key, first place and size of each, and the run of each place."""

    low_P: KeyArray
    start_P: IntArray
    size_P: IntArray
    run_N: IntArray


def prefix_name_table(
    sorted_key_N: KeyArray, row_by_key_N: IntArray, vectors_ND: FloatArray, space: SemanticIdSpace, words: ItemWords
) -> pa.Table:
    """One row a named prefix, in the order of (length, key): its length, its first key, rows of items, words."""
    place_by_row_N = np.empty(len(row_by_key_N), dtype=np.int64)
    place_by_row_N[row_by_key_N] = np.arange(len(row_by_key_N))
    placed = ItemWords(place_by_row_N[words.item_T], words.word_T, words.vocabulary)
    parent = _runs(sorted_key_N, 0, space)
    parent_counts = count_words(placed, parent.run_N)
    parent_words: list[list[str]] = [[]]
    tables = []
    for length in range(1, space.levels):
        depth = _runs(sorted_key_N, length, space)
        counts = count_words(placed, depth.run_N)
        its_words = _words(depth, counts, parent, parent_counts, parent_words, words.vocabulary)
        items = _representatives(depth, row_by_key_N, vectors_ND)
        named = np.flatnonzero(depth.size_P > 1)
        tables.append(_table(length, depth.low_P[named], [items[p] for p in named], [its_words[p] for p in named]))
        parent, parent_counts, parent_words = depth, counts, its_words
    return pa.concat_tables([_table(0, np.empty(0, dtype=np.uint64), [], []), *tables])


class PrefixNames:
    """The names of one index version; all methods read mapped columns and need no lock."""

    def __init__(self, batch: pa.RecordBatch, space: SemanticIdSpace, ids: ItemIds) -> None:
        """`batch`: the columns that `prefix_name_table` made."""
        self._space = space
        self._ids = ids
        self._length_N: IntArray = batch["length"].to_numpy()
        self._low_key_N: KeyArray = batch["low_key"].to_numpy()
        self._columns = batch.select(["items", "words"])

    def __len__(self) -> int:
        return len(self._length_N)

    def at(self, prefixes: Sequence[Sequence[int]]) -> list[PrefixName | None]:
        """The name of each prefix; None for the empty prefix, full codes and prefixes of fewer than two items.

        Raises InvalidSemanticId.
        """
        rows = [self._row(prefix) for prefix in prefixes]
        found = [row for row in rows if row is not None]
        records = iter(self._columns.take(pa.array(found, type=pa.int64())).to_pylist())
        return [None if row is None else self._name(next(records)) for row in rows]

    def _row(self, prefix: Sequence[int]) -> int | None:
        low = np.uint64(self._space.prefix_range(prefix)[0])
        start, stop = np.searchsorted(self._length_N, [len(prefix), len(prefix) + 1])
        row = int(start + np.searchsorted(self._low_key_N[start:stop], low))
        return row if row < stop and self._low_key_N[row] == low else None

    def _name(self, record: dict[str, list[int] | list[str]]) -> PrefixName:
        return PrefixName(self._ids.at(map(int, record["items"])), [str(word) for word in record["words"]])


def _table(length: int, low_P: KeyArray, items: list[list[int]], words: list[list[str]]) -> pa.Table:
    return pa.table(
        {
            "length": pa.array([length] * len(low_P), type=pa.int64()),
            "low_key": pa.array(low_P, type=pa.uint64()),
            "items": pa.array(items, type=pa.large_list(pa.int64())),
            "words": pa.array(words, type=pa.large_list(pa.large_string())),
        }
    )


def _runs(sorted_key_N: KeyArray, length: int, space: SemanticIdSpace) -> _Depth:
    if length == 0:  # the width of all keys may be 2^64, which no key can be divided by
        prefix_N = np.zeros(len(sorted_key_N), dtype=np.uint64)
        width = np.uint64(1)
    else:
        low, high = space.prefix_range([0] * length)
        width = np.uint64(high - low + 1)
        prefix_N = sorted_key_N // width
    prefix_P, start_P, run_N, size_P = np.unique(prefix_N, return_index=True, return_inverse=True, return_counts=True)
    return _Depth(prefix_P * width, start_P, size_P, run_N)


def _words(
    depth: _Depth,
    counts: WordCounts,
    parent: _Depth,
    parent_counts: WordCounts,
    parent_words: list[list[str]],
    vocabulary: list[str],
) -> list[list[str]]:
    parent_P = parent.run_N[depth.start_P]
    found: list[list[str]] = [[] for _ in depth.size_P]
    groups, words = distinguishing_words(counts, parent_counts, depth.size_P, parent.size_P, parent_P, N_WORDS)
    for group, word in zip(groups.tolist(), words.tolist(), strict=True):
        found[group].append(vocabulary[word])
    # A prefix that holds all items of its parent is the same group, and so has the same words.
    for only in np.flatnonzero(depth.size_P == parent.size_P[parent_P]).tolist():
        found[only] = parent_words[parent_P[only]]
    return found


def _representatives(depth: _Depth, row_by_key_N: IntArray, vectors_ND: FloatArray) -> list[list[int]]:
    """Rows of the items nearest to the mean vector of each run, nearest first; equal ones in the order of keys."""
    distance_N = np.empty(len(row_by_key_N), dtype=np.float32)
    for first, last in _batches(depth):
        begin, end = int(depth.start_P[first]), int(depth.start_P[last - 1] + depth.size_P[last - 1])
        means_PD = np.zeros((last - first, vectors_ND.shape[1]), dtype=np.float64)
        for start in range(begin, end, ROW_BATCH):
            places = slice(start, min(start + ROW_BATCH, end))
            run_B = depth.run_N[places]
            at = np.flatnonzero(np.append(True, run_B[1:] != run_B[:-1]))
            means_PD[run_B[at] - first] += np.add.reduceat(vectors_ND[row_by_key_N[places]], at, axis=0)
        means_PD /= depth.size_P[first:last, None]
        for start in range(begin, end, ROW_BATCH):
            places = slice(start, min(start + ROW_BATCH, end))
            away_BD = vectors_ND[row_by_key_N[places]] - means_PD[depth.run_N[places] - first]
            distance_N[places] = (away_BD**2).sum(axis=1)
    order_N = np.lexsort((distance_N, depth.run_N))
    best = order_N[rank_in_run(depth.run_N) < N_ITEMS]
    return [part.tolist() for part in np.split(row_by_key_N[best], np.minimum(depth.size_P, N_ITEMS).cumsum()[:-1])]


def _batches(depth: _Depth) -> Iterator[tuple[int, int]]:
    """Ranges of whole runs, each of about `ROW_BATCH` rows or one run."""
    batch_P = depth.start_P // ROW_BATCH
    edges = np.flatnonzero(np.append(True, batch_P[1:] != batch_P[:-1])).tolist()
    yield from zip(edges, [*edges[1:], len(batch_P)], strict=True)
