"""Inverted lists whose cells are learnt from the corpus by k-means.

N corpus, D embedding.
"""

import math
from typing import Self

import faiss
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bundle.errors import ConfigError
from index.corpus import Corpus
from index.kinds.filling import add_rows
from index.kinds.inverted_lists import MOST_LISTS, InvertedLists


class LearntLists(InvertedLists):
    """Build settings of learnt cells; a kind adds what its lists hold of an item."""

    nlist: int | None = Field(
        default=None, ge=1, le=MOST_LISTS, description="Number of cells; the power of two near 4*sqrt(n) if not given."
    )
    sample_per_list: int = Field(
        default=64, ge=1, le=1_024, description="Items drawn for each cell to learn the cells from."
    )

    @property
    def n_lists(self) -> int | None:
        """Number of cells; None before `resolve` where none was given."""
        return self.nlist

    def resolve(self, corpus: Corpus) -> Self:
        """The kind with nlist filled in; raises ConfigError when there are fewer items than cells asked for."""
        n_items = len(corpus)
        nlist = self.nlist or min(n_items, 2 ** round(math.log2(4 * math.sqrt(n_items))))
        if nlist > n_items:
            raise ConfigError(f"kind.nlist is {nlist} but the catalogue has {n_items} items; lower it", nlist=nlist)
        return self.model_copy(update={"nlist": nlist, "nprobe": min(self.nprobe, nlist)})

    def build(self, corpus: Corpus, seed: int) -> faiss.Index:
        """A faiss index over the rows, inner product, cells learnt from a seeded sample."""
        resolved, vectors_ND = self.resolve(corpus), corpus.vectors_ND
        nlist, dimension = resolved.nlist or 1, vectors_ND.shape[1]
        lists = resolved._lists(faiss.IndexFlatIP(dimension), dimension, nlist, seed)
        lists.cp.seed = seed
        lists.cp.min_points_per_centroid = 1  # a small corpus has fewer than the 39 that faiss warns below
        lists.nprobe = resolved.nprobe
        index = self._before_lists(lists, seed)
        index.train(self._sample(vectors_ND, nlist * self.sample_per_list, seed))
        add_rows(index, vectors_ND)
        return index

    def _lists(self, coarse: faiss.Index, dimension: int, nlist: int, seed: int) -> faiss.Index:
        """The untrained inverted lists over the coarse quantizer."""
        raise NotImplementedError

    def _before_lists(self, lists: faiss.Index, seed: int) -> faiss.Index:
        """The lists behind what the kind does to a vector first; nothing where it is not overridden."""
        return lists

    def _sample(self, vectors_ND: NDArray[np.float32], size: int, seed: int) -> NDArray[np.float32]:
        if size >= len(vectors_ND):
            return np.ascontiguousarray(vectors_ND)
        rows = np.random.default_rng(seed).choice(len(vectors_ND), size, replace=False)
        return np.ascontiguousarray(vectors_ND[np.sort(rows)])
