"""Words that distinguish a group of items from the larger group it is part of.

N items, T words of all items, G groups, W found (group, word) pairs, V vocabulary.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bundle.semantic_id import IntArray

# Letters first, so that sizes and article numbers are no words; a word of one letter says nothing.
_WORD = re.compile(r"[^\W\d_]\w{1,39}")
WORDS_AN_ITEM = 32
VOCABULARY = 100_000
READ_BATCH = 65_536
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ItemWords:
    """The words of a corpus, each once an item: word numbers by item, and the words by number."""

    item_T: IntArray
    word_T: IntArray
    vocabulary: list[str]


@dataclass(frozen=True)
class WordCounts:
    """Items of each group that have a word: pairs sorted by (group, word)."""

    pair_W: IntArray
    count_W: IntArray
    n_words: int


def read_words(columns: Sequence[pa.ChunkedArray]) -> ItemWords:
    """The words of text columns, lower case: at most the first 32 of an item, and those of at least two items.

    The vocabulary is bounded: of more than 100,000 words those of the most items stay.
    """
    numbers: dict[str, int] = {}
    parts: list[tuple[IntArray, IntArray]] = []
    for start in range(0, len(columns[0]) if columns else 0, READ_BATCH):
        batch = zip(*(pc.utf8_lower(c.slice(start, READ_BATCH)).to_pylist() for c in columns), strict=True)
        found = [_words(texts, numbers) for texts in batch]
        sizes = np.array([len(words) for words in found], dtype=np.int64)
        words = np.fromiter((word for one in found for word in one), dtype=np.int64, count=int(sizes.sum()))
        parts.append((np.repeat(np.arange(start, start + len(found)), sizes), words))
    items = np.concatenate([part[0] for part in parts]) if parts else np.empty(0, dtype=np.int64)
    words = np.concatenate([part[1] for part in parts]) if parts else np.empty(0, dtype=np.int64)
    return _most_frequent(items, words, list(numbers))


def count_words(words: ItemWords, group_N: IntArray) -> WordCounts:
    """In how many items of each group every word stands."""
    n_words = max(1, len(words.vocabulary))
    pair_W, count_W = np.unique(group_N[words.item_T] * n_words + words.word_T, return_counts=True)
    return WordCounts(pair_W, count_W.astype(np.int64), n_words)


def distinguishing_words(
    inner: WordCounts, outer: WordCounts, size_G: IntArray, outer_size_G: IntArray, outer_G: IntArray, limit: int
) -> tuple[IntArray, IntArray]:
    """The `limit` words of each group whose share of its items most exceeds that in the rest of its outer group.

    Returns groups and words [W], best word first within a group. Ranked by the log-likelihood ratio of Dunning (1993,
    Accurate methods for the statistics of surprise and coincidence), which, unlike log-odds with a prior, puts a word
    that occurs nowhere else above one that does. A group that is all of its outer group has none.
    """
    group_W, word_W = np.divmod(inner.pair_W, inner.n_words)
    outer_place_W = np.searchsorted(outer.pair_W, outer_G[group_W] * inner.n_words + word_W)
    inside_W, all_W = inner.count_W, outer.count_W[outer_place_W]
    size_W, rest_W = size_G[group_W], outer_size_G[outer_G[group_W]] - size_G[group_W]
    ratio_W = _log_likelihood_ratio(inside_W, all_W - inside_W, size_W, rest_W)
    is_more_W = (rest_W > 0) & (inside_W * rest_W > (all_W - inside_W) * size_W)
    group_W, word_W, ratio_W = group_W[is_more_W], word_W[is_more_W], ratio_W[is_more_W]
    order = np.lexsort((word_W, -ratio_W, group_W))
    group_W, word_W = group_W[order], word_W[order]
    first_G = np.searchsorted(group_W, np.arange(len(size_G)))
    is_best_W = np.arange(len(group_W)) - first_G[group_W] < limit
    return group_W[is_best_W], word_W[is_best_W]


def _words(texts: Sequence[str | None], numbers: dict[str, int]) -> list[int]:
    found = dict.fromkeys(match[0] for text in texts if text for match in _WORD.finditer(text))
    return [numbers.setdefault(word, len(numbers)) for word in islice(found, WORDS_AN_ITEM)]


def _most_frequent(item_T: IntArray, word_T: IntArray, vocabulary: list[str]) -> ItemWords:
    """The words of two items or more, numbered in the order of the alphabet."""
    count_V = np.bincount(word_T, minlength=len(vocabulary))
    most = np.argsort(-count_V, kind="stable")[:VOCABULARY]
    kept = sorted(most[count_V[most] > 1].tolist(), key=vocabulary.__getitem__)
    number_V = np.full(len(vocabulary), -1, dtype=np.int64)
    number_V[kept] = np.arange(len(kept))
    renumbered_T = number_V[word_T]
    is_kept_T = renumbered_T >= 0
    return ItemWords(item_T[is_kept_T], renumbered_T[is_kept_T], [vocabulary[word] for word in kept])


def _log_likelihood_ratio(inside: IntArray, outside: IntArray, size: IntArray, rest: IntArray) -> FloatArray:
    """2 ln of the likelihood of two shares over that of one share, for `inside` of `size` and `outside` of `rest`."""
    share = (inside + outside) / (size + rest)
    total: FloatArray = np.zeros(len(inside))
    for count, of in ((inside, size), (outside, rest)):
        for seen, expected in ((count, of * share), (of - count, of * (1 - share))):
            total += 2 * seen * np.log(np.where(seen > 0, seen, 1) / np.where(seen > 0, expected, 1))
    return total
