"""Lexical baselines for text tasks: BM25, and the fusion of two methods' scores.

Letters: B queries of a chunk, C documents.
"""

from collections.abc import Sequence

import bm25s
import numpy as np

from training.evaluate import Score
from training.ragged import FloatArray, IntArray


def bm25(documents: Sequence[str], queries: Sequence[str]) -> Score:
    """BM25 (Robertson and Zaragoza, 2009) as the package bm25s has it: English stop words, no stemming, no tuning.

    A query none of whose words is in the corpus scores every document 0.
    """
    index = bm25s.BM25()
    index.index(bm25s.tokenize(list(documents), stopwords="en", show_progress=False), show_progress=False)
    words = bm25s.tokenize(list(queries), stopwords="en", return_ids=False, show_progress=False)

    def score(rows: IntArray) -> FloatArray:
        parts = [index.get_scores(words[row]) if words[row] else np.zeros(len(documents)) for row in rows]
        return np.stack(parts).astype(np.float32)

    return score


def z_sum(*scores: Score) -> Score:
    """The sum of the methods' z-scores: each query's scores less their mean over the corpus, by their deviation."""

    def score(rows: IntArray) -> FloatArray:
        total: FloatArray = np.sum([_standardised(method(rows)) for method in scores], axis=0, dtype=np.float32)
        return total

    return score


def _standardised(scores_BC: FloatArray) -> FloatArray:
    deviation_B1 = scores_BC.std(axis=1, keepdims=True)
    standard_BC: FloatArray = scores_BC - scores_BC.mean(axis=1, keepdims=True)
    standard_BC /= np.where(deviation_B1 > 0, deviation_B1, np.float32(1))
    return standard_BC
