"""The round trip: does a plain retriever find the item again that a query was made for?

Letters: S synthetic pairs, N items.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import bm25s
import numpy as np

from bundle.progress import Progress
from training.ragged import FloatArray, IntArray

_WORDS = r"(?u)\b\w+\b"


@dataclass(frozen=True)
class RoundTrip:
    """For each pair the rank of its own item, 1 the best, ties in its favour, and the item's score.

    An item that shares no word with the query has score 0 and the last rank.
    """

    rank_S: IntArray
    score_S: FloatArray


def round_trip(queries: Sequence[str], item_S: IntArray, texts: Sequence[str], progress: Progress) -> RoundTrip:
    """Rank all `texts` for each query by BM25 (Lucene's form, k1 1.5, b 0.75), and look where row `item_S` stands."""
    retriever = bm25s.BM25()
    tokens = bm25s.tokenize(list(texts), stopwords=None, token_pattern=_WORDS, show_progress=False)
    retriever.index(tokens, show_progress=False)
    asked = bm25s.tokenize(list(queries), stopwords=None, token_pattern=_WORDS, show_progress=False, return_ids=False)
    rank_S = np.full(len(queries), len(texts), dtype=np.int64)
    score_S = np.zeros(len(queries), dtype=np.float32)
    progress.start("round trip", len(queries))
    for row, words in enumerate(asked):
        known = [word for word in words if word in retriever.vocab_dict]
        if known:
            scores_N = retriever.get_scores(known)
            score_S[row] = scores_N[item_S[row]]
            if score_S[row] > 0:
                rank_S[row] = 1 + int((scores_N > scores_N[item_S[row]]).sum())
        progress.advance()
    progress.finish()
    return RoundTrip(rank_S, score_S)
