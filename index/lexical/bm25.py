"""BM25 scores of a corpus, read from mapped postings: for every word the items that have it, each with its share.

The score of an item is the sum of the shares of a query's words, repeats counted; the share of a word in an item is

    ln(1 + (N - n + 0.5) / (n + 0.5)) * f / (f + k1 * (1 - b + b * length / mean length))

with f the word's occurrences in the item, n the items that have it and length the item's words (Robertson and
Zaragoza, 2009, "The Probabilistic Relevance Framework: BM25 and Beyond", with the logarithm of Lucene, which is never
negative; Kamphuis et al., ECIR 2020, compare the variants). Shares are computed when the index is built.

N items, V words of the corpus, P postings, W different words of a query.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from index.arrow_file import open_arrow
from index.lexical.terms import terms
from index.mapped_strings import MappedStrings

WORDS_FILE = "words.arrow"
OFFSETS_FILE = "offsets.npy"
ROWS_FILE = "rows.npy"
SHARES_FILE = "shares.npy"
# Of a longer query the rarest words count, which say the most and have the fewest postings.
MOST_WORDS = 1_024
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Bm25:
    """The postings of one corpus of `count` items; all methods may be called from many threads at once.

    The postings of word v are offset_V1[v]..offset_V1[v + 1], rows ascending. Words are numbered in the order of the
    alphabet, so that scores do not depend on the order of the items.
    """

    words: MappedStrings
    offset_V1: NDArray[np.int64]
    row_P: NDArray[np.int32]
    share_P: FloatArray
    count: int

    def scores(self, text: str) -> FloatArray:
        """The score of every item, float32 [N]: 0 where no word of the text stands in it."""
        score_N = np.zeros(self.count, dtype=np.float32)
        for word, repeats in zip(*self._known(text), strict=True):
            postings = slice(self.offset_V1[word], self.offset_V1[word + 1])
            # A row comes once a word, so `+=` would do; it costs three times as much.
            np.add.at(score_N, self.row_P[postings], np.float32(repeats) * self.share_P[postings])
        return score_N

    def _known(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The words [W] of the text that the corpus has, ascending, and how often each stands there."""
        found = np.array(self.words.find(terms(text)), dtype=np.int64)
        word_W, repeats_W = np.unique(found[found >= 0], return_counts=True)
        if len(word_W) > MOST_WORDS:
            n_postings_W = self.offset_V1[word_W + 1] - self.offset_V1[word_W]
            rarest = np.sort(np.argsort(n_postings_W, kind="stable")[:MOST_WORDS])
            word_W, repeats_W = word_W[rarest], repeats_W[rarest]
        return word_W, repeats_W


def open_bm25(folder: Path, count: int, *, mmap: bool) -> Bm25:
    """The postings in `folder` of a corpus of `count` items, mapped or read into memory."""
    mode: Literal["r"] | None = "r" if mmap else None
    offset_V1, row_P, share_P = (  # as plain arrays: a slice of np.memmap costs ten times one of an array
        np.asarray(np.load(folder / name, mmap_mode=mode, allow_pickle=False))
        for name in (OFFSETS_FILE, ROWS_FILE, SHARES_FILE)
    )
    return Bm25(MappedStrings(open_arrow(folder / WORDS_FILE, mmap=mmap)), offset_V1, row_P, share_P, count)
