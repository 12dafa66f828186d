"""Hashed words and character n-grams of a text.

Each word, cut to 64 characters, gives one bucket for itself and one for every n-gram of `<word>`; repeats are kept, so
that a sum over the buckets is a term-frequency bag. CRC-32 is stable across processes and machines.
"""

import re
import zlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bundle.features import TextFeature

IntArray = npt.NDArray[np.int64]
_WORD = re.compile(r"\w+")
_CACHED_WORDS = 1 << 16
# A run of letters may be a whole encoded file; what is cut off here would widen every row of its batch.
_LONGEST_WORD = 64


def ngram_hasher(feature: TextFeature) -> Callable[[str], IntArray]:
    """Return a function text -> int64 [T] of buckets 1..`feature.buckets`, in reading order.

    Words repeat in any language, so the buckets of recent words are kept; the function may be called from many threads.
    """
    sizes = range(feature.min_gram, feature.max_gram + 1)

    @lru_cache(maxsize=_CACHED_WORDS)
    def word_buckets(word: str) -> IntArray:
        marked = f"<{word}>"
        grams = [marked[i : i + n] for n in sizes for i in range(len(marked) - n + 1)]
        codes = [zlib.crc32(gram.encode()) for gram in (f"w:{word}", *grams)]
        return np.array([1 + code % feature.buckets for code in codes], dtype=np.int64)

    def text_buckets(text: str) -> IntArray:
        words = _WORD.findall(text.lower())[: feature.max_words]
        if not words:
            return np.empty(0, dtype=np.int64)
        return np.concatenate([word_buckets(word[:_LONGEST_WORD]) for word in words])

    return text_buckets
